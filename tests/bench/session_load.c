/* One epoll for all clients. A client whose connect finds the backlog full tries again a
 * millisecond later: a queue before the queue, where the order is lost, as it is for everybody.
 * When the time is over, who has its echo leaves and nobody comes any more. What a server refuses
 * or breaks off ends the run. */
#include "session_load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench.h"

enum { EVENTS = 512, TICK_NS = 10000000, DRAIN_S = 2, ARRIVAL_S = 5, SAMPLES_MAX = 4000000 };

typedef struct load_client {
  int fd;        /* -1: left */
  uint32_t left; /* messages of this session, the one under way included */
  bool is_known; /* was answered once */
  uint64_t said_ns;
} load_client;

typedef struct load_state {
  const bench_session_options *options;
  bench_session_result *result;
  struct sockaddr_un address;
  int poll;
  load_client *clients;
  uint32_t *waiting; /* clients that found the backlog full */
  uint32_t waiting_count;
  uint32_t talking_count;
  uint32_t known_count;
  bool is_begun;
  bool is_over;
  const char *failure;
} load_state;

typedef struct load_times {
  uint64_t tick_ns;
  uint64_t begin_ns; /* before it is begun: when it begins at the latest */
} load_times;

static void latency_add(load_state *load, uint64_t latency_ns) {
  bench_samples *samples = &load->result->latencies_ns;
  if (load->is_begun && samples->count < samples->capacity) {
    bench_samples_add(samples, latency_ns);
  }
}

static void say(load_state *load, load_client *client) {
  char line[BENCH_LINE_BYTES];
  client->said_ns = bench_now_ns();
  bench_message_write(line, client->left, client->said_ns);
  if (send(client->fd, line, sizeof line, MSG_NOSIGNAL) != sizeof line) {
    load->failure = "it broke a connection";
  }
}

/* False: the backlog is full. */
static bool client_connect(load_state *load, load_client *client) {
  if (client->fd < 0) {
    client->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0) {
      bench_fail_system("make", "a client");
    }
  }
  if (connect(client->fd, (const struct sockaddr *)&load->address, sizeof load->address) != 0) {
    if (errno != EAGAIN) {
      load->failure = "it let nobody in any more";
    }
    return false;
  }
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
  BENCH_CHECK(epoll_ctl(load->poll, EPOLL_CTL_ADD, client->fd, &event) == 0);
  client->left = load->options->messages;
  load->talking_count++;
  say(load, client);
  return true;
}

static void client_leave(load_state *load, load_client *client) {
  close(client->fd);
  client->fd = -1;
  load->talking_count--;
}

static void client_come(load_state *load, load_client *client) {
  if (!client_connect(load, client)) {
    load->waiting[load->waiting_count++] = (uint32_t)(client - load->clients);
  }
}

/* In their order, as long as there is room. */
static void waiting_try(load_state *load) {
  uint32_t count = 0;
  while (count < load->waiting_count && !load->failure &&
         client_connect(load, &load->clients[load->waiting[count]])) {
    count++;
  }
  load->waiting_count -= count;
  memmove(load->waiting, load->waiting + count, load->waiting_count * sizeof *load->waiting);
}

static void echo_take(load_state *load, load_client *client) {
  char line[BENCH_LINE_BYTES + 1];
  ssize_t size = recv(client->fd, line, sizeof line, 0);
  if (size != BENCH_LINE_BYTES || bench_digits_read(line + BENCH_TIME_OFFSET) != client->said_ns) {
    load->failure = size < 0 || size == 0 ? "it broke a connection" : "it said something else";
    return;
  }
  latency_add(load, bench_now_ns() - client->said_ns);
  load->result->all_echoes += load->is_begun;
  load->result->echoes += load->is_begun && !load->is_over;
  load->known_count += !client->is_known;
  client->is_known = true;
  client->left--;
  if (client->left > 0 && !load->is_over) {
    say(load, client);
    return;
  }
  client_leave(load, client);
  if (!load->is_over) {
    client_come(load, client);
  }
}

static void load_turn(load_state *load) {
  struct epoll_event events[EVENTS];
  int count = epoll_wait(load->poll, events, EVENTS, load->waiting_count > 0 ? 1 : 10);
  for (int index = 0; index < count && !load->failure; index++) {
    echo_take(load, events[index].data.ptr);
  }
  if (!load->failure) {
    waiting_try(load);
  }
}

/* What the clock says: looks, beginning and end. False: whoever waits still has waited long
 * enough. */
static bool load_look(load_state *load, load_times *times) {
  const bench_session_options *options = load->options;
  uint64_t now_ns = bench_now_ns();
  if (now_ns >= times->tick_ns) {
    options->on_tick(options->user);
    times->tick_ns = now_ns + TICK_NS;
  }
  if (!load->is_begun) {
    load->is_begun = load->known_count == options->clients || now_ns >= times->begin_ns;
    if (load->is_begun) {
      times->begin_ns = now_ns;
      options->on_begin(options->user);
    }
    return true;
  }
  if (!load->is_over && now_ns - times->begin_ns >= options->duration_ns) {
    load->is_over = true;
    load->waiting_count = 0;
    load->result->duration_ns = now_ns - times->begin_ns;
  }
  return now_ns - times->begin_ns < options->duration_ns + DRAIN_S * UINT64_C(1000000000);
}

static void load_run(load_state *load) {
  load_times times = {.begin_ns = bench_now_ns() + ARRIVAL_S * UINT64_C(1000000000)};
  for (uint32_t index = 0; index < load->options->clients && !load->failure; index++) {
    client_come(load, &load->clients[index]);
  }
  while (!load->failure && (!load->is_over || load->talking_count > 0) && load_look(load, &times)) {
    load_turn(load);
  }
}

static void rest_count(load_state *load) {
  for (uint32_t index = 0; index < load->options->clients; index++) {
    load_client *client = &load->clients[index];
    if (client->fd >= 0) {
      if (client->said_ns > 0 && client->left > 0) {
        load->result->unanswered++;
        latency_add(load, bench_now_ns() - client->said_ns);
      }
      close(client->fd);
    }
  }
}

const char *bench_sessions_run(const bench_session_options *options,
                               bench_session_result *out_result) {
  *out_result = (bench_session_result){0};
  bench_samples_init(&out_result->latencies_ns, SAMPLES_MAX);
  load_state load = {.options = options,
                     .result = out_result,
                     .address = {.sun_family = AF_UNIX},
                     .poll = epoll_create1(EPOLL_CLOEXEC),
                     .clients = calloc(options->clients, sizeof(load_client)),
                     .waiting = calloc(options->clients, sizeof(uint32_t))};
  BENCH_CHECK(load.poll >= 0 && load.clients && load.waiting);
  BENCH_CHECK(strlen(options->path) < sizeof load.address.sun_path);
  strcpy(load.address.sun_path, options->path);
  for (uint32_t index = 0; index < options->clients; index++) {
    load.clients[index].fd = -1;
  }
  load_run(&load);
  rest_count(&load);
  close(load.poll);
  free(load.clients);
  free(load.waiting);
  bench_samples_sort(&out_result->latencies_ns);
  if (load.failure) {
    bench_samples_fini(&out_result->latencies_ns);
  }
  return load.failure;
}
