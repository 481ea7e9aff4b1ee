/* Results of every pipecore call: zero or positive is a result, negative is an error. In
 * parentheses what Win32 calls it. Any thread. */
#ifndef PIPECORE_STATUS_H
#define PIPECORE_STATUS_H

#include <stddef.h>

#include "pipecore/declarations.h"

PC_DECLARATIONS_BEGIN

typedef enum pc_status {
  PC_OK = 0,
  PC_PENDING = 1,            /* started; the result comes as a completion (ERROR_IO_PENDING) */
  PC_MORE_DATA = 2,          /* the message has a remainder (ERROR_MORE_DATA)                */
  PC_AGAIN = 3,              /* not now: full, or nothing there                              */
  PC_COMPLETION = 4,         /* an alertable wait ran routines (WAIT_IO_COMPLETION)          */
  PC_E_INVALID_ARG = -1,     /* ERROR_INVALID_PARAMETER                                      */
  PC_E_NAME = -2,            /* path empty, too long or malformed (ERROR_INVALID_NAME)       */
  PC_E_NOT_FOUND = -3,       /* no such pipe; nothing to cancel (ERROR_FILE_NOT_FOUND)       */
  PC_E_IN_USE = -4,          /* a live server or a foreign file holds the endpoint           */
  PC_E_ACCESS = -5,          /* neither the right nor the direction (ERROR_ACCESS_DENIED)    */
  PC_E_BUSY = -6,            /* no free instance (ERROR_PIPE_BUSY)                           */
  PC_E_TIMEOUT = -7,         /* ERROR_SEM_TIMEOUT, WAIT_TIMEOUT                              */
  PC_E_BROKEN = -8,          /* the peer closed (ERROR_BROKEN_PIPE, ERROR_NO_DATA)           */
  PC_E_NOT_CONNECTED = -9,   /* disconnected (ERROR_PIPE_NOT_CONNECTED)                      */
  PC_E_LISTENING = -10,      /* no client came yet (ERROR_PIPE_LISTENING)                    */
  PC_E_ABORTED = -11,        /* cancelled (ERROR_OPERATION_ABORTED)                          */
  PC_E_TOO_BIG = -12,        /* over the message limit                                       */
  PC_E_BAD_MODE = -13,       /* a message operation, or type, that the pipe does not have    */
  PC_E_WRONG_THREAD = -14,   /* the object belongs to another thread                         */
  PC_E_QUOTA = -15,          /* write queue limit reached                                    */
  PC_E_NOT_SUPPORTED = -16,  /* not on this system, or not by this backend                   */
  PC_E_NO_MEMORY = -17,      /* ENOMEM, ENOBUFS                                              */
  PC_E_NO_DESCRIPTORS = -18, /* EMFILE, ENFILE                                               */
  PC_E_SYSTEM = -19,         /* anything else; the native code says what                     */
  PC_E_MALFORMED = -20,      /* the peer's bytes do not keep to the framing                  */
  PC_E_WOULD_DEADLOCK = -21, /* a call that blocks, inside a completion routine              */
  PC_E_RATE = -22            /* clients come faster than they are let in                     */
} pc_status;

/* What went wrong where, for people. */
typedef struct pc_failure {
  pc_status status;
  int native;         /* errno or GetLastError(), 0 if none                         */
  const char *action; /* what was being done: "bind", "accept", …; static           */
  const char *advice; /* what to do about it, or NULL; static                       */
} pc_failure;
/* The system's own words for a `native` other than 0, cut to fit and always ended. Any thread. */
void pc_native_text(int native, char *out_text, size_t size);

/* A stable lower-case word ("too_big") and an English sentence part ("message over the limit"). */
const char *pc_status_name(pc_status status);
const char *pc_status_text(pc_status status);

PC_DECLARATIONS_END

#endif
