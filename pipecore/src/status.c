/* The one table of status names and texts. Pure; any thread. */
#include "pipecore/status.h"

#include <stddef.h>

typedef struct status_entry {
  pc_status status;
  const char *name;
  const char *text;
} status_entry;

static const status_entry status_table[] = {
    {PC_OK, "ok", "done"},
    {PC_PENDING, "pending", "started, the result comes later"},
    {PC_MORE_DATA, "more_data", "the message has a remainder"},
    {PC_AGAIN, "again", "not now"},
    {PC_COMPLETION, "completion", "completion routines ran"},
    {PC_E_INVALID_ARG, "invalid_arg", "invalid argument"},
    {PC_E_NAME, "name", "bad name or path"},
    {PC_E_NOT_FOUND, "not_found", "not found"},
    {PC_E_IN_USE, "in_use", "endpoint in use"},
    {PC_E_ACCESS, "access", "access denied"},
    {PC_E_BUSY, "busy", "no free instance"},
    {PC_E_TIMEOUT, "timeout", "timed out"},
    {PC_E_BROKEN, "broken", "closed by the peer"},
    {PC_E_NOT_CONNECTED, "not_connected", "not connected"},
    {PC_E_LISTENING, "listening", "no client yet"},
    {PC_E_ABORTED, "aborted", "cancelled"},
    {PC_E_TOO_BIG, "too_big", "message over the limit"},
    {PC_E_BAD_MODE, "bad_mode", "message operation on a byte pipe"},
    {PC_E_WRONG_THREAD, "wrong_thread", "called on a thread that does not own the object"},
    {PC_E_QUOTA, "quota", "write queue full"},
    {PC_E_NOT_SUPPORTED, "not_supported", "not supported here"},
    {PC_E_NO_MEMORY, "no_memory", "out of memory"},
    {PC_E_NO_DESCRIPTORS, "no_descriptors", "out of file descriptors"},
    {PC_E_SYSTEM, "system", "system error"},
    {PC_E_MALFORMED, "malformed", "bytes that do not keep to the pipe's framing"},
    {PC_E_WOULD_DEADLOCK, "would_deadlock", "a call that blocks, inside a completion routine"},
    {PC_E_RATE, "rate", "clients come faster than they are let in"},
};

static const status_entry *status_find(pc_status status) {
  for (size_t index = 0; index < sizeof status_table / sizeof status_table[0]; index++) {
    if (status_table[index].status == status) {
      return &status_table[index];
    }
  }
  return NULL;
}

const char *pc_status_name(pc_status status) {
  const status_entry *entry = status_find(status);
  return entry ? entry->name : "unknown";
}

const char *pc_status_text(pc_status status) {
  const status_entry *entry = status_find(status);
  return entry ? entry->text : "unknown status";
}
