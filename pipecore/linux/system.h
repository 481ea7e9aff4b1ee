/* Small things of Linux that the files of this folder share. Any thread. */
#ifndef PIPECORE_LINUX_SYSTEM_H
#define PIPECORE_LINUX_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

#include "pipecore/status.h"

/* Translates an errno. Pure. */
pc_status pc_linux_status(int native);

/* Whether a read of it, or an accept, would bring something at once. */
bool pc_linux_is_readable(int fd);

/* ---- wake-up of a sleeping loop: an eventfd ---- */
/* A descriptor, or -1 with errno. */
int pc_linux_wakeup_create(void);
void pc_linux_wakeup_signal(int fd); /* any thread, async-signal-safe */
void pc_linux_wakeup_drain(int fd);

/* Monotonic nanoseconds. */
uint64_t pc_linux_now_ns(void);

#endif
