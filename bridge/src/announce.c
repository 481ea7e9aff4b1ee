/* The lines that a person reads first: addresses, pipes, and what to paste to see the bridge at
 * work. Main thread. */
#include "announce.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host.h"

/* "127.0.0.1:0" with the port that it became. */
static void address_format(const char *listen, uint16_t port, char *out, size_t size) {
  const char *colon = strrchr(listen, ':');
  size_t host_size = colon ? (size_t)(colon - listen) : strlen(listen);
  (void)snprintf(out, size, "%.*s:%" PRIu16, (int)host_size, listen, port);
}

static void pipe_announce(const br_pipe_config *pipe) {
  bool is_byte = pipe->type == PC_TYPE_BYTE;
  bool is_fifo = pipe->transport == PC_TRANSPORT_FIFO;
  (void)fprintf(stderr, "pipe       %s  %s  (%s%s%s%s%s%s%s%s)\n", pipe->name, pipe->path,
                pipe->role == BR_ROLE_SERVER   ? ""
                : pipe->role == BR_ROLE_CLIENT ? "client, "
                                               : "tap, ",
                is_fifo ? "fifo, " : "", is_fifo ? pc_access_name(pipe->access) : "",
                is_fifo   ? ""
                : is_byte ? "byte"
                          : "message",
                is_byte ? ", framing " : "", is_byte ? pc_framing_name(pipe->framing) : "",
                pipe->reply != BR_REPLY_NONE ? ", reply " : "",
                pipe->reply != BR_REPLY_NONE ? br_reply_name(pipe->reply) : "");
}

/* The first pipe that a shell can talk to line by line. */
static const br_pipe_config *pipe_for_hints(const br_config *config) {
  for (size_t index = 0; index < config->pipe_count; index++) {
    const br_pipe_config *pipe = &config->pipes[index];
    if (pipe->role == BR_ROLE_SERVER && pipe->transport == PC_TRANSPORT_SOCKET &&
        pipe->type == PC_TYPE_BYTE && pipe->framing == PC_FRAMING_LINE) {
      return pipe;
    }
  }
  return NULL;
}

static void hints_print(const br_pipe_config *pipe, const char *address) {
  (void)fprintf(stderr,
                "\nTo try it, paste in another terminal:\n"
                "  say something into the pipe:   echo hello | socat - UNIX-CONNECT:%s\n"
                "  stay there, type and listen:   socat - UNIX-CONNECT:%s\n"
                "  send to all who listen there:  curl --data-binary 'hello from curl' "
                "http://%s/api/v1/pipes/%s/messages\n"
                "Ctrl-C ends it.\n",
                pipe->path, pipe->path, address, pipe->name);
}

void br_announce(const br_config *config, const br_bridge *bridge, bool hints) {
  char first[160] = "";
  for (size_t index = 0; index < config->http.listen_count; index++) {
    uint16_t port = br_bridge_port(bridge, index);
    /* 0: this machine has no such address, for instance no IPv6. */
    if (port != 0) {
      char address[160];
      address_format(config->http.listen[index], port, address, sizeof address);
      (void)fprintf(stderr, "dashboard  http://%s/\n", address);
      if (!first[0]) {
        memcpy(first, address, sizeof first);
      }
    }
  }
  for (size_t index = 0; index < config->pipe_count; index++) {
    pipe_announce(&config->pipes[index]);
  }
  if (config->pipe_count == 0) {
    (void)fprintf(stderr, "no pipes are configured: nothing can connect\n");
  }
  const br_pipe_config *pipe = hints ? pipe_for_hints(config) : NULL;
  if (pipe && first[0]) {
    hints_print(pipe, first);
  }
  char state[256];
  (void)snprintf(state, sizeof state, "READY=1\nSTATUS=http://%s/, %zu pipe%s", first,
                 config->pipe_count, config->pipe_count == 1 ? "" : "s");
  br_host_notify(state);
}
