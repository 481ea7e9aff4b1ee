/* Results of every pipecore call: zero or positive is a result, negative is an error. Any thread. */
#ifndef PIPECORE_STATUS_H
#define PIPECORE_STATUS_H

#include <stddef.h>

#include "pipecore/declarations.h"

PC_DECLARATIONS_BEGIN

typedef enum pc_status {
  PC_OK = 0,
  PC_PENDING = 1,    /* started; the result comes as a completion          */
  PC_MORE_DATA = 2,  /* buffer filled, the message has a remainder         */
  PC_AGAIN = 3,      /* not now: full, or nothing there                    */
  PC_COMPLETION = 4, /* an alertable wait ended because routines ran      */
  PC_E_INVALID_ARG = -1,
  PC_E_NAME = -2, /* name or path empty, too long or malformed          */
  PC_E_NOT_FOUND = -3,
  PC_E_IN_USE = -4, /* a live server or a foreign file holds the endpoint */
  PC_E_ACCESS = -5,
  PC_E_BUSY = -6, /* no free instance                                   */
  PC_E_TIMEOUT = -7,
  PC_E_BROKEN = -8, /* the peer closed                                    */
  PC_E_NOT_CONNECTED = -9,
  PC_E_LISTENING = -10,
  PC_E_ABORTED = -11,  /* cancelled                                          */
  PC_E_TOO_BIG = -12,  /* over the message limit                             */
  PC_E_BAD_MODE = -13, /* message operation on a byte pipe                   */
  PC_E_WRONG_THREAD = -14,
  PC_E_QUOTA = -15, /* write queue limit reached                          */
  PC_E_NOT_SUPPORTED = -16,
  PC_E_NO_MEMORY = -17,
  PC_E_NO_DESCRIPTORS = -18, /* EMFILE, ENFILE                                */
  PC_E_SYSTEM = -19,         /* anything else; the native code says what           */
  PC_E_MALFORMED = -20,      /* the peer's bytes do not keep to the framing        */
  PC_E_WOULD_DEADLOCK = -21, /* a call that blocks, inside a completion routine    */
  PC_E_RATE = -22            /* clients come faster than they are let in           */
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
