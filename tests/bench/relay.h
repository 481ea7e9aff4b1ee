/* The bare relay: what one thread can do at best between a UNIX socket and WebSockets, without
 * framing rules of a protocol, history, accounting or limits. The measure of the bridge. */
#ifndef TESTS_BENCH_RELAY_H
#define TESTS_BENCH_RELAY_H

/* Serves until it is killed: lines from clients of `socket_path` go to every WebSocket as one text
 * message each. Writes its port to `port_file` when ready. */
_Noreturn void bench_relay_run(const char *socket_path, const char *port_file);

#endif
