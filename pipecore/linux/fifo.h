/* FIFOs: their files, and listeners and channels on them, for every backend that has a set of
 * watches. The loop's thread.
 *
 * A FIFO knows no clients, only whether anybody is at its other end. So a channel is an episode in
 * which somebody is: read from, it begins with the first bytes (or with a writer that came and went
 * without any) and ends when the last writer has gone; written to, it begins when a reader is there
 * and ends when the last one has gone. One at a time. Who they are nobody can know. */
#ifndef PIPECORE_LINUX_FIFO_H
#define PIPECORE_LINUX_FIFO_H

#include <sys/types.h>

#include "../src/loop_private.h"
#include "endpoint_file.h"
#include "watch.h"

/* ---- fifo_endpoint.c ---- */
typedef struct pc_fifo {
  char path[PC_LINUX_PATH_MAX_BYTES + 1];
  pc_access access;
  int fd; /* inbound: a reading end, so that no writer ever meets a FIFO without one; outbound: the
             inode alone */
  int lock_fd;
  pc_linux_file file; /* set if we made it: then we remove it */
} pc_fifo;

PC_MUST_USE pc_status pc_fifo_open(const pc_listen *listen, pc_fifo *out_fifo,
                                   pc_failure *out_failure);
/* Our end of it once more, not blocking, or -1 with errno: ENXIO if it is the writing one and
 * nobody reads. */
int pc_fifo_open_end(const pc_fifo *fifo);
void pc_fifo_close(pc_fifo *fifo);

/* ---- fifo_channel.c ---- */
typedef struct pc_fifo_channel {
  pc_loop *loop;
  pc_watch watch;
  pc_access access;
  pc_read *read;   /* pending or ready to be performed */
  pc_write *write; /* likewise                         */
  pc_view view;
  bool has_read;
  bool is_output_ended;
  uint8_t *bytes; /* inbound: what one read brings */
} pc_fifo_channel;

/* Its watch has no descriptor yet and is the caller's until pc_fifo_channel_begin. NULL: no
 * memory. */
pc_fifo_channel *pc_fifo_channel_create(pc_loop *loop, pc_watch_set *watches, pc_access access);
void pc_fifo_channel_begin(pc_fifo_channel *channel);
/* Of one that never began. Accepts NULL. */
void pc_fifo_channel_discard(pc_fifo_channel *channel);

void pc_fifo_read(pc_channel *opaque, pc_read *read);
void pc_fifo_write(pc_channel *opaque, pc_write *write);
void pc_fifo_end_output(pc_channel *opaque);
void pc_fifo_cancel(pc_channel *opaque, pc_operation *operation);
void pc_fifo_channel_close(pc_channel *opaque, pc_close *close);

/* ---- fifo_transfer.c ---- */
/* Bytes taken, or -1 with errno; never a SIGPIPE, whatever the program does with that signal. */
ssize_t pc_fifo_send(int fd, const pc_span *spans, unsigned count);

/* ---- fifo_listener.c ---- */
/* `watches` is open, and the backend takes what it tells. */
PC_MUST_USE pc_status pc_fifo_listen(pc_loop *loop, pc_watch_set *watches, const pc_listen *listen,
                                     pc_listener **out_listener, pc_failure *out_failure);
void pc_fifo_accept(pc_listener *listener, pc_accept *accept);
void pc_fifo_unlisten(pc_listener *listener, pc_operation *done);

/* The table of FIFOs over a backend's state, in which `listen_` opens its set of watches. */
#define PC_FIFO_BACKEND(name_, listen_)                                                       \
  {                                                                                           \
    .name = name_, .listen = listen_, .accept = pc_fifo_accept, .unlisten = pc_fifo_unlisten, \
    .read = pc_fifo_read, .write = pc_fifo_write, .end_output = pc_fifo_end_output,           \
    .cancel = pc_fifo_cancel, .close = pc_fifo_channel_close,                                 \
  }

#endif
