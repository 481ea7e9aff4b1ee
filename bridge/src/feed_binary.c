/* Records of a fixed header and the payload as it is. Bytes that people or other programs said are
 * copied; what is told about a session is rare, and is the event's JSON. Pure. */
#include "feed_binary.h"

#include <stdlib.h>
#include <string.h>

static uint8_t *put_u16(uint8_t *cursor, uint16_t value) {
  cursor[0] = (uint8_t)value;
  cursor[1] = (uint8_t)(value >> 8);
  return cursor + 2;
}

static uint8_t *put_u32(uint8_t *cursor, uint32_t value) {
  return put_u16(put_u16(cursor, (uint16_t)value), (uint16_t)(value >> 16));
}

static uint8_t *put_u64(uint8_t *cursor, uint64_t value) {
  return put_u32(put_u32(cursor, (uint32_t)value), (uint32_t)(value >> 32));
}

uint8_t *br_binary_begin(uint8_t *cursor, br_binary_type type, const char *run) {
  *cursor++ = BR_BINARY_VERSION;
  *cursor++ = (uint8_t)type;
  cursor = put_u16(cursor, 0);
  cursor = put_u32(cursor, 0);
  return put_u64(cursor, strtoull(run, NULL, 16));
}

uint8_t *br_binary_end(uint8_t *start, uint8_t *cursor, uint32_t event_count) {
  (void)put_u32(start + 4, event_count);
  return cursor;
}

/* The header in front of a payload of `size` bytes and `by_size` more that say who sent it. */
static uint8_t *put_record(uint8_t *cursor, const br_event *event, size_t size, size_t by_size) {
  cursor = put_u32(cursor, (uint32_t)(BR_BINARY_RECORD_BYTES + size + by_size));
  *cursor++ = event->kind;
  *cursor++ = event->direction;
  cursor = put_u16(cursor, event->flags);
  cursor = put_u64(cursor, event->seq);
  cursor = put_u64(cursor, event->wall_ns);
  cursor = put_u64(cursor, event->mono_ns);
  cursor = put_u64(cursor, event->session);
  cursor = put_u32(cursor, event->pipe);
  cursor = put_u32(cursor, event->targets);
  cursor = put_u32(cursor, (uint32_t)size);
  return put_u32(cursor, (uint32_t)by_size);
}

static uint8_t *put_payload(uint8_t *cursor, const br_event *event) {
  cursor = put_record(cursor, event, event->size_bytes, event->by_bytes);
  memcpy(cursor, br_event_payload(event), br_event_tail_bytes(event));
  return cursor + br_event_tail_bytes(event);
}

/* Whose payload is copied; of the others it is their JSON. */
static bool is_copied(const br_event *event) {
  return event->kind == BR_EVENT_MESSAGE || event->kind == BR_EVENT_INJECTED ||
         event->kind == BR_EVENT_ERROR;
}

size_t br_binary_bound(const br_event_json *json, const br_event *event) {
  return BR_BINARY_RECORD_BYTES +
         (is_copied(event) ? br_event_tail_bytes(event) : br_event_json_bound(json, event));
}

uint8_t *br_binary_event(br_event_json *json, uint8_t *cursor, const br_event *event) {
  if (is_copied(event)) {
    return put_payload(cursor, event);
  }
  uint8_t *payload = cursor + BR_BINARY_RECORD_BYTES;
  uint8_t *end = br_event_json_write(json, payload, event);
  (void)put_record(cursor, event, (size_t)(end - payload), 0);
  return end;
}

uint8_t *br_binary_gap(br_event_json *json, uint8_t *cursor, const br_gap *gap) {
  br_event event = {.kind = BR_BINARY_KIND_GAP, .seq = gap->to};
  uint8_t *payload = cursor + BR_BINARY_RECORD_BYTES;
  uint8_t *end = br_gap_json_write(json, payload, gap);
  (void)put_record(cursor, &event, (size_t)(end - payload), 0);
  return end;
}
