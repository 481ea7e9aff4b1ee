/* The thread of an instance: it waits for a client, then reads and writes as it is asked to, until
 * the close. All of it runs on that thread, but for create and destroy (the loop's).
 *
 * Success: what is asked for is tried at once; what the system has not ready is waited for in one
 * poll, together with the next asking, so neither direction holds up the other. An answer is pushed
 * and the loop is woken. Failures: told with the answer: accept4 (descriptors, memory), those of
 * transfer.c. Creation: no memory, no descriptor for its wake-up, no thread (PC_E_NO_MEMORY with
 * EAGAIN). */
#include "threads.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../src/check.h"
#include "peer.h"
#include "system.h"

/* Of the struct, so that the work behind it is aligned. */
enum { INSTANCE_BYTES = (sizeof(threads_instance) + 63) / 64 * 64 };

/* ---- what it is asked ---- */

static void asked_take(threads_instance *instance) {
  /* acquire: pairs with the release in instance_submit (threads.c) */
  unsigned asked = atomic_exchange_explicit(&instance->asked, 0, memory_order_acquire);
  instance->wanted |= asked & ~(unsigned)THREADS_IS_ASLEEP;
}

static void answer(threads_instance *instance, threads_ask ask, pc_posted *done) {
  instance->wanted &= ~(unsigned)ask;
  pc_threads_answer(instance, done);
}

/* ---- what it does ---- */

/* Each returns whether it answered. */
static bool accept_try(threads_instance *instance) {
  if (!(instance->wanted & THREADS_ACCEPT)) {
    return false;
  }
  int fd = accept4(instance->listening_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)) {
    return false; /* a client that went away again is looked over */
  }
  int native = fd < 0 ? errno : 0;
  instance->accepted.failure = (pc_failure){.status = pc_linux_status(native), .native = native};
  if (fd >= 0) {
    instance->fd = fd;
    if (instance->type == PC_TYPE_MESSAGE) {
      /* The listener was asked already whether the system allows it; a socket that has it not after
       * all answers EMSGSIZE to the messages concerned. */
      (void)!pc_linux_send_buffer_raise(fd, instance->max_message_bytes);
    }
    pc_linux_peer_read(fd, &instance->accepted.peer);
  }
  answer(instance, THREADS_ACCEPT, &instance->accepted.done);
  return true;
}

static bool connect_try(threads_instance *instance) {
  if (!(instance->wanted & THREADS_CONNECT)) {
    return false;
  }
  instance->fd = pc_linux_connect(instance->connect);
  answer(instance, THREADS_CONNECT, &instance->connected);
  return true;
}

static bool write_try(threads_instance *instance) {
  bool is_cancelled = instance->wanted & THREADS_CANCEL_WRITE;
  instance->wanted &= ~(unsigned)THREADS_CANCEL_WRITE;
  if (!(instance->wanted & THREADS_WRITE)) {
    return false;
  }
  instance->output.bytes = 0;
  instance->output.messages = 0;
  instance->output.status =
      is_cancelled ? PC_E_ABORTED
                   : pc_linux_send(instance->fd, instance->type, &instance->work->batch,
                                   instance->output.spans, instance->output.span_count,
                                   &instance->output.bytes, &instance->output.messages);
  if (instance->output.status == PC_AGAIN) {
    return false;
  }
  answer(instance, THREADS_WRITE, &instance->output.done);
  return true;
}

static bool read_try(threads_instance *instance) {
  if (!(instance->wanted & THREADS_READ)) {
    return false;
  }
  threads_work *work = instance->work;
  work->receiver.bytes = work->buffer;
  work->receiver.capacity = instance->buffer_bytes;
  bool is_little = atomic_load_explicit(instance->input.is_little, memory_order_relaxed);
  instance->input.view_count = 0;
  instance->input.status =
      pc_linux_receive(&work->receiver, instance->fd, instance->type, instance->max_message_bytes,
                       is_little, instance->input.views, &instance->input.view_count);
  if (instance->input.status == PC_AGAIN) {
    return false;
  }
  answer(instance, THREADS_READ, &instance->input.done);
  return true;
}

/* Until what is wanted is possible, or more is asked for. */
static void instance_sleep(threads_instance *instance) {
  unsigned nothing = 0;
  /* Success says that who asks from here on signals; failure, that it was asked meanwhile. Relaxed:
   * what is asked is read by asked_take. */
  if (!atomic_compare_exchange_strong_explicit(&instance->asked, &nothing, THREADS_IS_ASLEEP,
                                               memory_order_relaxed, memory_order_relaxed)) {
    return;
  }
  bool is_accepting = instance->wanted & THREADS_ACCEPT;
  short events = (short)((instance->wanted & (THREADS_READ | THREADS_ACCEPT) ? POLLIN : 0) |
                         (instance->wanted & THREADS_WRITE ? POLLOUT : 0));
  int fd = is_accepting ? instance->listening_fd : instance->fd;
  struct pollfd pollers[2] = {
      {.fd = instance->wakeup_fd, .events = POLLIN},
      /* one that nothing is wanted of must not be told to have hung up */
      {.fd = events ? fd : -1, .events = events},
  };
  if (poll(pollers, 2, -1) > 0 && pollers[0].revents) {
    pc_linux_wakeup_drain(instance->wakeup_fd);
  }
}

static void instance_end(threads_instance *instance) {
  if (instance->wanted & THREADS_WRITE) {
    instance->output.status = PC_E_ABORTED;
    answer(instance, THREADS_WRITE, &instance->output.done);
  }
  if (instance->fd >= 0) {
    if (instance->end.does_discard) {
      pc_linux_input_discard(instance->fd, instance->type);
    }
    close(instance->fd);
  }
  answer(instance, THREADS_CLOSE, &instance->end.done);
  pc_loop_wake(
      instance->state->loop); /* which waits for the end of this thread, so both are there */
}

static void *instance_run(void *user) {
  threads_instance *instance = user;
  (void)pthread_setname_np(pthread_self(), "pc-instance");
  for (asked_take(instance); !(instance->wanted & THREADS_CLOSE); asked_take(instance)) {
    bool has_answered = accept_try(instance);
    has_answered |= connect_try(instance);
    has_answered |= write_try(instance);
    has_answered |= read_try(instance);
    if (has_answered) {
      pc_loop_wake(instance->state->loop);
    }
    instance_sleep(instance);
  }
  instance_end(instance);
  return NULL;
}

/* ---- life ---- */

/* 0 or errno. The program's signals are for its own threads. */
static int thread_start(threads_instance *instance) {
  pthread_attr_t attributes;
  sigset_t all;
  sigset_t before;
  long least = sysconf(_SC_THREAD_STACK_MIN);
  size_t stack = least > THREADS_STACK_BYTES ? (size_t)least : THREADS_STACK_BYTES;
  int native = pthread_attr_init(&attributes);
  if (native != 0) {
    return native;
  }
  PC_CHECK(pthread_attr_setstacksize(&attributes, stack) == 0);
  sigfillset(&all);
  PC_CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
  native = pthread_create(&instance->thread, &attributes, instance_run, instance);
  PC_CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
  pthread_attr_destroy(&attributes);
  return native;
}

static size_t buffer_size(pc_type type, uint32_t max_message_bytes) {
  size_t message = ((size_t)max_message_bytes + 63) & ~(size_t)63;
  size_t batch = message * PC_LINUX_READ_BATCH;
  if (type == PC_TYPE_BYTE) {
    return PC_LINUX_READ_BYTES;
  }
  return batch < THREADS_MESSAGES_BYTES     ? batch
         : message < THREADS_MESSAGES_BYTES ? THREADS_MESSAGES_BYTES
                                            : message;
}

/* Not of the heap: what was never touched costs nothing, and nothing stays behind. */
static threads_instance *instance_map(const threads_instance *model) {
  size_t buffer_bytes = buffer_size(model->type, model->max_message_bytes);
  size_t size = INSTANCE_BYTES + sizeof(threads_work) + buffer_bytes;
  threads_instance *instance =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (instance == MAP_FAILED) {
    return NULL;
  }
  (void)madvise(instance, size, MADV_NOHUGEPAGE); /* neighbours would be made one huge page */
  *instance = *model;
  instance->mapped_bytes = size;
  instance->buffer_bytes = buffer_bytes;
  instance->work = (threads_work *)(void *)((uint8_t *)instance + INSTANCE_BYTES);
  instance->fd = -1;
  return instance;
}

pc_status pc_threads_instance_create(const threads_instance *model, threads_instance **out_instance,
                                     pc_failure *out_failure) {
  threads_instance *instance = instance_map(model);
  if (!instance) {
    *out_failure = (pc_failure){.status = PC_E_NO_MEMORY};
    return out_failure->status;
  }
  instance->wakeup_fd = pc_linux_wakeup_create();
  if (instance->wakeup_fd < 0) {
    *out_failure = (pc_failure){.status = pc_linux_status(errno), .native = errno};
    goto fail;
  }
  int native = thread_start(instance);
  if (native != 0) {
    *out_failure = (pc_failure){
        .status = PC_E_NO_MEMORY,
        .native = native,
        .action = "start a thread for a client",
        .advice = "raise the limits of threads (ulimit -u, systemd's TasksMax) and of "
                  "memory, or use another strategy; new clients wait until one leaves"};
    goto fail_wakeup;
  }
  *out_instance = instance;
  return PC_OK;

fail_wakeup:
  close(instance->wakeup_fd);
fail:
  munmap(instance, instance->mapped_bytes);
  return out_failure->status;
}

void pc_threads_instance_destroy(threads_instance *instance) {
  PC_CHECK(pthread_join(instance->thread, NULL) == 0);
  close(instance->wakeup_fd);
  munmap(instance, instance->mapped_bytes);
}
