/* Client ends that are plain sockets: for backends of this system. */
#ifndef TESTS_CONFORMANCE_SOCKET_CLIENT_H
#define TESTS_CONFORMANCE_SOCKET_CLIENT_H

#include "suite.h"

extern const client_kind socket_clients;
/* The pass_time of such backends. */
void socket_pass_time(suite_fixture *fixture, unsigned ms);

/* A connected descriptor, or -1 with errno. `flags` as for socket(), e.g. SOCK_NONBLOCK. */
int socket_connect(const char *path, pc_type type, int flags);
/* The descriptor of a client of `socket_clients`. */
int client_fd(const suite_client *client);
/* The descriptor of a listener of `socket_clients`. */
int listener_fd(const suite_listener *listener);

#endif
