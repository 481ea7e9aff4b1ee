/* What a stranger's program does with the installed library, as C and as C++: a pipe that says back
 * what it hears, a client of it, and 0 if the echo came. The endpoint's path is the argument. One
 * thread. */
#include <pipecore/loop.h>
#include <pipecore/server.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool is_stopped;

static bool on_connected(pc_session *session, const pc_peer *peer, void *user) {
  (void)session;
  (void)user;
  return peer->pid == getpid();
}

static pc_status on_message(pc_session *session, const pc_message *message, void *user) {
  (void)user;
  return pc_session_write(session, message->data, message->size_bytes, 0);
}

static void on_written(pc_session *session, uint64_t tag, pc_status status, void *user) {
  (void)session;
  (void)tag;
  (void)status;
  (void)user;
}

static void on_disconnected(pc_session *session, pc_close_reason reason, pc_status status,
                            void *user) {
  (void)session;
  (void)user;
  printf("disconnected: %s, %s\n", pc_close_reason_name(reason), pc_status_text(status));
}

static void on_error(pc_server *server, const pc_failure *failure, void *user) {
  (void)server;
  (void)user;
  fprintf(stderr, "%s: %s\n", failure->action, pc_status_text(failure->status));
}

static void on_stopped(pc_server *server, void *user) {
  (void)server;
  (void)user;
  is_stopped = true;
}

static int client_connect(const char *path) {
  struct sockaddr_un address;
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? fd : -1;
}

/* Whether the message comes back within a bounded number of turns. */
static bool echo_comes(pc_loop *loop, int fd) {
  char reply[16] = "";
  if (send(fd, "hello", 5, MSG_NOSIGNAL) != 5) {
    return false;
  }
  for (int turns = 0; turns < 100; turns++) {
    if (pc_loop_turn(loop, 100) != PC_OK) {
      return false;
    }
    if (recv(fd, reply, sizeof reply, MSG_DONTWAIT) == 5) {
      return memcmp(reply, "hello", 5) == 0;
    }
  }
  return false;
}

int main(int argc, char **argv) {
  pc_loop_options loop_options;
  memset(&loop_options, 0, sizeof loop_options);
  pc_loop *loop;
  if (argc != 2 || pc_loop_create(&loop_options, &loop) != PC_OK) {
    return 2;
  }
  pc_server_options options;
  memset(&options, 0, sizeof options);
  options.path = argv[1];
  options.type = PC_TYPE_MESSAGE;
  options.security.uid = options.security.gid = -1;
  options.on.session.on_connected = on_connected;
  options.on.session.on_message = on_message;
  options.on.session.on_written = on_written;
  options.on.session.on_disconnected = on_disconnected;
  options.on.on_error = on_error;
  options.on.on_stopped = on_stopped;
  pc_server *server;
  pc_failure failure;
  if (pc_server_start(loop, &options, &server, &failure) != PC_OK) {
    fprintf(stderr, "%s: %s\n", failure.action, pc_status_text(failure.status));
    return 3;
  }
  int fd = client_connect(argv[1]);
  bool is_good = fd >= 0 && echo_comes(loop, fd);
  if (fd >= 0) {
    close(fd);
  }
  pc_server_stop(server, 0);
  while (!is_stopped && pc_loop_turn(loop, 1000) == PC_OK) {
  }
  pc_server_destroy(server);
  pc_loop_destroy(loop);
  puts(is_good ? "the echo came" : "no echo");
  return is_good ? 0 : 1;
}
