/* A tap without memory: the same scenario again and again, each time with another allocation of the
 * library failing. Whatever fails, each session is told closed, each message that was accepted is
 * told of, and no descriptor stays open. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "failing_memory.h"
#include "pipecore/tap.h"

enum { CLIENTS = 2, LARGE = 150 * 1000, DESCRIPTORS = 3 };

typedef struct tap_scenario {
  pc_loop *loop;
  pc_tap *tap;
  pc_tap_session *sessions[CLIENTS];
  char folder[40];
  char path[64];
  char upstream_path[64];
  int upstream;
  int clients[CLIENTS];
  int servers[CLIENTS];
  unsigned opened;
  unsigned closed;
  unsigned accepted;
  unsigned written;
  unsigned messages;
  unsigned unreachable;
  unsigned stopped;
  bool is_full;
} tap_scenario;

/* ---- the owner ---- */

static bool on_opened(pc_tap_session *session, const pc_peer *client, const pc_peer *upstream,
                      void *user) {
  (void)client;
  (void)upstream;
  tap_scenario *scenario = user;
  assert_true(scenario->opened < CLIENTS);
  scenario->sessions[scenario->opened++] = session;
  return true;
}

static pc_status on_message(pc_tap_session *session, pc_direction direction,
                            const pc_message *message, void *user) {
  (void)session;
  (void)direction;
  (void)message;
  tap_scenario *scenario = user;
  if (scenario->is_full) {
    return PC_AGAIN;
  }
  scenario->messages++;
  return PC_OK;
}

static void on_written(pc_tap_session *session, pc_direction direction, uint64_t tag,
                       pc_status status, void *user) {
  (void)session;
  (void)direction;
  (void)tag;
  (void)status;
  ((tap_scenario *)user)->written++;
}

static void on_closed(pc_tap_session *session, const pc_tap_end *end, void *user) {
  (void)end;
  tap_scenario *scenario = user;
  for (unsigned index = 0; index < CLIENTS; index++) {
    scenario->sessions[index] =
        scenario->sessions[index] == session ? NULL : scenario->sessions[index];
  }
  scenario->closed++;
}

static void on_unreachable(pc_tap *tap, const pc_peer *client, const pc_failure *failure,
                           void *user) {
  (void)tap;
  (void)client;
  assert_int_equal(failure->status, PC_E_NO_MEMORY);
  ((tap_scenario *)user)->unreachable++;
}

static void on_stopped(pc_tap *tap, void *user) {
  (void)tap;
  ((tap_scenario *)user)->stopped++;
}

/* ---- both ends, never waiting ---- */

static struct sockaddr_un address_of(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  assert_true(strlen(path) < sizeof address.sun_path);
  memcpy(address.sun_path, path, strlen(path));
  return address;
}

static int socket_make(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  return fd;
}

static void say(int fd, const void *data, size_t size) {
  (void)!send(fd, data, size, MSG_NOSIGNAL);
}

static void say_with_descriptors(int fd) {
  int fds[DESCRIPTORS] = {0, 0, 0};
  _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof fds)] = {0};
  struct iovec part = {.iov_base = "take\n", .iov_len = 5};
  struct msghdr header = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
  *rights = (struct cmsghdr){
      .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fds)};
  memcpy(CMSG_DATA(rights), fds, sizeof fds);
  (void)!sendmsg(fd, &header, MSG_NOSIGNAL);
}

/* Without room for descriptors: the system closes them. */
static void hear(int fd) {
  static char data[64 * 1024];
  while (fd >= 0 && recv(fd, data, sizeof data, 0) > 0) {
  }
}

static void turn(tap_scenario *scenario, int timeout_ms) {
  pc_status status = pc_loop_turn(scenario->loop, timeout_ms);
  assert_true(status == PC_OK || status == PC_E_NO_MEMORY);
}

/* All is in this process: what is to be seen is there at once. */
static void turns(tap_scenario *scenario, unsigned count) {
  while (count-- > 0) {
    turn(scenario, 0);
  }
}

static void insert(tap_scenario *scenario, unsigned index, pc_direction direction) {
  if (scenario->sessions[index]) {
    scenario->accepted +=
        pc_tap_session_write(scenario->sessions[index], direction, "put in", 6, 1) == PC_OK;
  }
}

/* ---- the scenario ---- */

static void clients_come(tap_scenario *scenario) {
  struct sockaddr_un address = address_of(scenario->path);
  for (unsigned index = 0; index < CLIENTS; index++) {
    scenario->clients[index] = socket_make();
    assert_int_equal(
        connect(scenario->clients[index], (const struct sockaddr *)&address, sizeof address), 0);
    unsigned opened = scenario->opened;
    for (int count = 0; count < 200 && scenario->opened == opened && scenario->unreachable == 0;
         count++) {
      turn(scenario, 1); /* a client that finds no memory is tried again */
    }
    scenario->servers[index] =
        accept4(scenario->upstream, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  }
}

static void all_talk(tap_scenario *scenario) {
  static char large[LARGE];
  memset(large, 'l', sizeof large);
  large[LARGE - 1] = '\n';
  for (unsigned index = 0; index < CLIENTS; index++) {
    int ends[2] = {scenario->clients[index], scenario->servers[index]};
    for (int side = 0; side < 2 && ends[1] >= 0; side++) {
      say(ends[side], "a line\nhalf a", 13);
      turns(scenario, 2);
      insert(scenario, index, side ? PC_DIRECTION_S2C : PC_DIRECTION_C2S);
      turns(scenario, 2);
      say(ends[side], " line\n", 6);
      insert(scenario, index, side ? PC_DIRECTION_C2S : PC_DIRECTION_S2C);
      turns(scenario, 2);
      say_with_descriptors(ends[side]);
      turns(scenario, 2);
      scenario->is_full = true;
      say(ends[side], large, sizeof large);
      turns(scenario, 3);
      scenario->is_full = false;
      if (scenario->sessions[index]) {
        pc_tap_session_resume(scenario->sessions[index]);
      }
      hear(ends[1 - side]);
      turns(scenario, 3);
    }
  }
}

static void all_leave(tap_scenario *scenario) {
  for (unsigned index = 0; index < CLIENTS; index++) {
    if (scenario->servers[index] >= 0) {
      say(scenario->servers[index], "unheard", 7);
      insert(scenario, index, PC_DIRECTION_S2C);
      (void)shutdown(scenario->servers[index], SHUT_WR);
    }
    close(scenario->clients[index]);
    turns(scenario, 5);
    if (scenario->servers[index] >= 0) {
      close(scenario->servers[index]);
    }
  }
}

/* False: the tap did not even start. */
static bool scenario_run(pc_backend_kind backend, tap_scenario *scenario) {
  *scenario = (tap_scenario){.folder = "/tmp/pipecore-tap-memory-XXXXXX"};
  assert_non_null(mkdtemp(scenario->folder));
  (void)snprintf(scenario->path, sizeof scenario->path, "%s/a", scenario->folder);
  (void)snprintf(scenario->upstream_path, sizeof scenario->upstream_path, "%s/b", scenario->folder);
  struct sockaddr_un address = address_of(scenario->upstream_path);
  scenario->upstream = socket_make();
  assert_int_equal(bind(scenario->upstream, (const struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(scenario->upstream, 8), 0);
  pc_tap_options options = {.path = scenario->path,
                            .upstream = scenario->upstream_path,
                            .framing = PC_FRAMING_LINE,
                            .security = {.uid = -1, .gid = -1},
                            .limits = {.max_message_bytes = 2 * LARGE},
                            .on = {.on_opened = on_opened,
                                   .on_message = on_message,
                                   .on_written = on_written,
                                   .on_closed = on_closed,
                                   .on_unreachable = on_unreachable,
                                   .on_stopped = on_stopped},
                            .user = scenario};
  allocation_count = 0;
  pc_loop_options loop = {.backend = backend};
  bool is_started = pc_loop_create(&loop, &scenario->loop) == PC_OK;
  if (is_started && pc_tap_start(scenario->loop, &options, &scenario->tap, NULL) != PC_OK) {
    pc_loop_destroy(scenario->loop);
    is_started = false;
  }
  if (is_started) {
    clients_come(scenario);
    all_talk(scenario);
    all_leave(scenario);
    pc_tap_stop(scenario->tap, 10);
    for (int count = 0; count < 1000 && scenario->stopped == 0; count++) {
      turn(scenario, 1);
    }
    assert_int_equal(scenario->stopped, 1);
    pc_tap_destroy(scenario->tap);
    pc_loop_destroy(scenario->loop);
  }
  close(scenario->upstream);
  unlink(scenario->upstream_path);
  assert_int_equal(rmdir(scenario->folder), 0);
  assert_int_equal(scenario->opened, scenario->closed);
  assert_int_equal(scenario->accepted, scenario->written);
  return is_started;
}

static int lowest_descriptor(void) {
  int fd = dup(0);
  close(fd);
  return fd;
}

static void grid_run(unsigned width) {
  static const pc_backend_kind backends[] = {PC_BACKEND_EPOLL, PC_BACKEND_IO_URING};
  for (int index = 0; index < 2; index++) {
    tap_scenario scenario;
    fail_from = fail_to = 0;
    assert_true(scenario_run(backends[index], &scenario));
    assert_int_equal(scenario.opened, CLIENTS);
    assert_int_equal(scenario.messages, CLIENTS * 2 * 4 + CLIENTS); /* the last words have no end */
    assert_int_equal(scenario.unreachable, 0);
    unsigned needed = allocation_count;
    assert_true(needed > 15);
    int before = lowest_descriptor();
    for (unsigned number = 0; number < needed; number++) {
      fail_from = number;
      fail_to = number + width;
      (void)scenario_run(backends[index], &scenario);
      assert_int_equal(lowest_descriptor(), before);
    }
    fail_from = fail_to = 0;
  }
}

static void any_single_allocation_may_fail(void **state) {
  (void)state;
  grid_run(1);
}

static void memory_may_be_short_for_a_while(void **state) {
  (void)state;
  grid_run(4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_single_allocation_may_fail),
      cmocka_unit_test(memory_may_be_short_for_a_while),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
