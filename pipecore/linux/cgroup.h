/* What /proc/PID/cgroup tells of the unit or container that a process belongs to. Pure; any
 * thread. */
#ifndef PIPECORE_LINUX_CGROUP_H
#define PIPECORE_LINUX_CGROUP_H

#include "pipecore/peer.h"

/* Sets `unit` and `container` of the details, "" where the text names none. Whoever owns a part of
 * the tree of control groups names what is below it, so the text may be anything; a last line
 * without its end is not looked at. */
void pc_linux_cgroup_parse(const char *text, size_t size, pc_peer_details *details);

#endif
