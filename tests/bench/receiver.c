/* One epoll, one large buffer that all observers share: only the beginning of an unfinished frame
 * is kept per observer. The receiver's thread; start, wait and stop are the main thread's. */
#include "receiver.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "peers.h"
#include "ws_client.h"

enum {
  READ_BYTES = 256 * 1024,
  FRAME_MAX_BYTES = 8 * 1024 * 1024,
  TURN_EVENTS = 64,
  TURN_MS = 20,
  GREETING_MS = 20000
};
/* Who has lost messages says no more of them. */
#define SILENCE_NS UINT64_C(3000000000)

typedef struct observer {
  int fd;
  bool is_complete;
  bench_ledger ledger;
  size_t kept_bytes; /* of an unfinished frame */
  uint8_t *kept;     /* owned */
} observer;

struct bench_receiver {
  observer *observers;
  uint32_t observer_count;
  uint32_t complete_count; /* thread's own */
  int epoll;
  pthread_t thread;
  uint8_t *buffer;
  atomic_uint_fast64_t produced;    /* what there will be in all; UINT64_MAX: not known yet */
  atomic_uint_fast64_t heard;       /* by all together */
  atomic_uint_fast64_t complete_ns; /* when the last observer had it */
  atomic_bool must_stop;
  atomic_bool has_given_up; /* what is not there will not come: of who may lose something */
};

static void kept_set(observer *self, const uint8_t *data, size_t size) {
  if (size > 0) {
    self->kept = realloc(self->kept, size);
    BENCH_CHECK(self->kept);
    memcpy(self->kept, data, size);
  }
  self->kept_bytes = size;
}

/* Reads once and enters all whole frames. Returns false if there was nothing. */
static bool observer_read(bench_receiver *receiver, observer *self) {
  uint8_t *data = receiver->buffer;
  BENCH_CHECK(self->kept_bytes <= FRAME_MAX_BYTES);
  if (self->kept_bytes > 0) {
    memcpy(data, self->kept, self->kept_bytes);
  }
  ssize_t got = recv(self->fd, data + self->kept_bytes, READ_BYTES, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) {
    return false;
  }
  if (got <= 0) {
    bench_fail("an observer was cut off after %llu messages",
               (unsigned long long)self->ledger.received);
  }
  size_t size = self->kept_bytes + (size_t)got;
  for (bench_ws_frame frame;;) {
    size_t stretch = bench_ledger_enter_stretch(&self->ledger, data, size);
    data += stretch;
    size -= stretch;
    if (!bench_ws_parse(data, size, &frame)) {
      break;
    }
    if (frame.opcode == 1 || frame.opcode == 2) {
      bench_ledger_enter(&self->ledger, frame.payload, frame.size);
    } else if (frame.opcode != 9) { /* a ping needs no answer in a benchmark's life */
      bench_fail("an observer got a frame of opcode %u: %.*s", frame.opcode, (int)frame.size,
                 (const char *)frame.payload);
    }
    data += frame.total;
    size -= frame.total;
  }
  kept_set(self, data, size);
  return true;
}

static void completion_check(bench_receiver *receiver, observer *self) {
  uint64_t produced = atomic_load_explicit(&receiver->produced, memory_order_relaxed);
  if (atomic_load_explicit(&receiver->has_given_up, memory_order_relaxed) &&
      self->ledger.next_number < produced) {
    self->ledger.pending_missed = produced - self->ledger.next_number;
  }
  if (!self->is_complete && produced != UINT64_MAX &&
      bench_ledger_is_complete(&self->ledger, produced)) {
    self->is_complete = true;
    if (++receiver->complete_count == receiver->observer_count) {
      atomic_store_explicit(&receiver->complete_ns, bench_now_ns(), memory_order_relaxed);
    }
  }
}

static void *receiver_run(void *argument) {
  bench_receiver *receiver = argument;
  bool is_produced_known = false;
  uint64_t heard = 0;
  while (!atomic_load_explicit(&receiver->must_stop, memory_order_relaxed)) {
    struct epoll_event events[TURN_EVENTS];
    int count = epoll_wait(receiver->epoll, events, TURN_EVENTS, TURN_MS);
    for (int index = 0; index < count; index++) {
      observer *self = events[index].data.ptr;
      uint64_t before = self->ledger.received;
      observer_read(receiver, self);
      heard += self->ledger.received - before;
      completion_check(receiver, self);
    }
    atomic_store_explicit(&receiver->heard, heard, memory_order_relaxed);
    bool has_given_up = atomic_load(&receiver->has_given_up);
    if ((!is_produced_known && atomic_load(&receiver->produced) != UINT64_MAX) || has_given_up) {
      is_produced_known = true;
      for (uint32_t index = 0; index < receiver->observer_count; index++) {
        completion_check(receiver, &receiver->observers[index]);
      }
    }
  }
  return NULL;
}

static void greeting_wait(bench_receiver *receiver, observer *self) {
  while (!self->ledger.is_greeted) {
    struct pollfd entry = {.fd = self->fd, .events = POLLIN};
    if (poll(&entry, 1, GREETING_MS) != 1) {
      bench_fail("an observer was not greeted");
    }
    observer_read(receiver, self);
  }
}

bench_receiver *bench_receiver_start(const bench_receiver_options *options) {
  bench_receiver *receiver = calloc(1, sizeof *receiver);
  BENCH_CHECK(receiver);
  receiver->observer_count = options->observers;
  receiver->observers = calloc(options->observers, sizeof *receiver->observers);
  receiver->buffer = malloc(FRAME_MAX_BYTES + READ_BYTES);
  receiver->epoll = epoll_create1(EPOLL_CLOEXEC);
  BENCH_CHECK(receiver->observers && receiver->buffer && receiver->epoll >= 0);
  atomic_store(&receiver->produced, UINT64_MAX);
  for (uint32_t index = 0; index < options->observers; index++) {
    observer *self = &receiver->observers[index];
    const bench_target_kind *kind = options->target->kind;
    bench_ledger_init(&self->ledger, kind->format);
    self->ledger.on_time = options->on_time;
    self->ledger.user = options->user;
    self->fd = bench_ws_connect(options->target->port, kind->observe_path, kind->subprotocol);
    if (kind->hello) {
      bench_ws_say(self->fd, kind->hello->data, kind->hello->size);
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = self};
    BENCH_CHECK(epoll_ctl(receiver->epoll, EPOLL_CTL_ADD, self->fd, &event) == 0);
  }
  for (uint32_t index = 0; index < options->observers; index++) {
    greeting_wait(receiver, &receiver->observers[index]);
  }
  BENCH_CHECK(pthread_create(&receiver->thread, NULL, receiver_run, receiver) == 0);
  return receiver;
}

uint64_t bench_receiver_heard(const bench_receiver *receiver) {
  return atomic_load_explicit(&receiver->heard, memory_order_relaxed) / receiver->observer_count;
}

uint64_t bench_receiver_wait(bench_receiver *receiver, uint64_t produced, unsigned timeout_s) {
  atomic_store(&receiver->produced, produced);
  uint64_t deadline_ns = bench_now_ns() + timeout_s * UINT64_C(1000000000);
  bool may_lose = receiver->observers[0].ledger.format->may_lose;
  bool has_given_up = false;
  uint64_t heard = 0;
  uint64_t heard_ns = bench_now_ns();
  for (;;) {
    uint64_t complete_ns = atomic_load_explicit(&receiver->complete_ns, memory_order_relaxed);
    if (complete_ns) {
      return has_given_up ? heard_ns : complete_ns;
    }
    uint64_t now_ns = bench_now_ns();
    uint64_t heard_now = atomic_load_explicit(&receiver->heard, memory_order_relaxed);
    heard_ns = heard_now != heard ? now_ns : heard_ns;
    heard = heard_now;
    if (may_lose && (now_ns - heard_ns > SILENCE_NS || now_ns > deadline_ns)) {
      has_given_up = true;
      atomic_store(&receiver->has_given_up, true);
    } else if (now_ns > deadline_ns) {
      bench_fail("after %u s not all observers had all of %llu messages", timeout_s,
                 (unsigned long long)produced);
    }
    bench_sleep_until(now_ns + 1000000);
  }
}

static void ledgers_sum(const bench_receiver *receiver, uint64_t produced, bench_ledger *out_sum) {
  *out_sum = (bench_ledger){0};
  for (uint32_t index = 0; index < receiver->observer_count; index++) {
    const bench_ledger *ledger = &receiver->observers[index].ledger;
    if (ledger->sequence_errors > 0 || ledger->received + ledger->missed != produced) {
      bench_fail("observer %u: %llu received + %llu missed of %llu produced, %llu out of order",
                 index, (unsigned long long)ledger->received, (unsigned long long)ledger->missed,
                 (unsigned long long)produced, (unsigned long long)ledger->sequence_errors);
    }
    out_sum->received += ledger->received;
    out_sum->missed += ledger->missed;
    out_sum->gaps += ledger->gaps;
    out_sum->frames += ledger->frames;
  }
}

void bench_receiver_stop(bench_receiver *receiver, uint64_t produced, bench_ledger *out_sum) {
  atomic_store(&receiver->must_stop, true);
  pthread_join(receiver->thread, NULL);
  bench_ledger sum;
  ledgers_sum(receiver, produced, &sum);
  if (out_sum) {
    *out_sum = sum;
  }
  for (uint32_t index = 0; index < receiver->observer_count; index++) {
    close(receiver->observers[index].fd);
    free(receiver->observers[index].kept);
  }
  close(receiver->epoll);
  free(receiver->observers);
  free(receiver->buffer);
  free(receiver);
}
