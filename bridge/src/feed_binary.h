/* The binary format pipebridge.v1.bin, byte by byte in web/PROTOCOL.md. Little-endian, nothing
 * aligned. Pure; one thread at a time. */
#ifndef BRIDGE_SRC_FEED_BINARY_H
#define BRIDGE_SRC_FEED_BINARY_H

#include "bridge/event_json.h"

enum { BR_BINARY_VERSION = 1, BR_BINARY_HEADER_BYTES = 16, BR_BINARY_RECORD_BYTES = 56 };

typedef enum br_binary_type {
  BR_BINARY_SNAPSHOT = 1,
  BR_BINARY_EVENTS = 2,
  BR_BINARY_INJECT = 3 /* said by clients: client_command_binary.c */
} br_binary_type;

/* A gap's number among the kinds of events, which end before it. */
enum { BR_BINARY_KIND_GAP = 6 };

/* The message's header; how many events it has is filled in at its end. `run`: 16 hexadecimal
 * digits. */
uint8_t *br_binary_begin(uint8_t *cursor, br_binary_type type, const char *run);
/* What br_binary_event writes at most. */
size_t br_binary_bound(const br_event_json *json, const br_event *event);
uint8_t *br_binary_event(br_event_json *json, uint8_t *cursor, const br_event *event);
uint8_t *br_binary_gap(br_event_json *json, uint8_t *cursor, const br_gap *gap);
uint8_t *br_binary_end(uint8_t *start, uint8_t *cursor, uint32_t event_count);

#endif
