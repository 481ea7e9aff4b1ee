/* Asking the kernel about a listening socket without connecting to it. Any thread. */
#ifndef PIPECORE_LINUX_LISTENER_QUERY_H
#define PIPECORE_LINUX_LISTENER_QUERY_H

#include "pipecore/session.h"

/* PC_OK: it has room for a client. PC_AGAIN: it is full. PC_E_NOT_FOUND: nobody listens at the
 * path. PC_E_BAD_MODE: it is of the other type. PC_E_NOT_SUPPORTED: this kernel does not tell. */
PC_MUST_USE pc_status pc_linux_listener_query(const char *path, pc_type type);

#endif
