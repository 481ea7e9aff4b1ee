/* How much of a private session may be under way between its WebSocket and its pipe, each way. Both
 * threads count by the same rule, each what it hands over; what the other side has taken on is told
 * back at half a window. So neither needs more memory than a window and one message, and nothing
 * has to be thrown away. */
#ifndef BRIDGE_SRC_PRIVATE_WINDOW_H
#define BRIDGE_SRC_PRIVATE_WINDOW_H

#include <stddef.h>
#include <stdint.h>

enum {
  /* Below limits.max_websocket_outbox_bytes of web, which holds what is under way to a
   * WebSocket. */
  BR_PRIVATE_WINDOW_BYTES = 128 * 1024,
  /* What a message is charged beside its bytes: more than its dress and its record, on either
   * way. */
  BR_PRIVATE_RECORD_BYTES = 64
};

static inline size_t br_private_charge(size_t size_bytes) {
  return size_bytes + BR_PRIVATE_RECORD_BYTES;
}

/* Payload of BR_COMMAND_TAKEN and BR_RECORD_TAKEN: charged bytes. */
typedef struct br_taken {
  uint64_t bytes;
} br_taken;

#endif
