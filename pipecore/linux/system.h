/* Small things of Linux that the files of this folder share. Any thread. */
#ifndef PIPECORE_LINUX_SYSTEM_H
#define PIPECORE_LINUX_SYSTEM_H

#include "pipecore/session.h"

/* Translates an errno. Pure. */
pc_status pc_linux_status(int native);

/* Who is at the other end of a connected socket: SO_PEERCRED, and the process's name. Never fails: what
 * cannot be had is -1 or "". */
void pc_linux_peer_read(int fd, pc_peer *out_peer);

/* ---- wake-up of a sleeping loop: an eventfd ---- */
/* A descriptor, or -1 with errno. */
int pc_linux_wakeup_create(void);
void pc_linux_wakeup_signal(int fd); /* any thread, async-signal-safe */
void pc_linux_wakeup_drain(int fd);

/* Monotonic nanoseconds. */
uint64_t pc_linux_now_ns(void);

#endif
