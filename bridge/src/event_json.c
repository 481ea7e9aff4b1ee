/* The appender behind the event stream: no tree, no allocation, one pass over the payload to see
 * whether it is text and one to write it. HTTP thread. */
#include "bridge/event_json.h"

#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "web/text.h"

enum {
  /* Everything but names and payload, generously: keys, eight numbers of 20 digits, run, flags. */
  FIXED_BOUND = 768,
  PLACE_NAME_MAX_BYTES = 64 /* the configuration's rule */
};

static uint8_t *write_bytes(uint8_t *cursor, const char *text, size_t size) {
  memcpy(cursor, text, size);
  return cursor + size;
}
#define WRITE(cursor, literal) write_bytes((cursor), (literal), sizeof(literal) - 1)

static uint8_t *write_text(uint8_t *cursor, const char *text) {
  return write_bytes(cursor, text, strlen(text));
}

static uint8_t *write_string(uint8_t *cursor, const char *text) {
  return web_json_write_string(cursor, (const uint8_t *)text, strlen(text));
}

void br_event_json_init(br_event_json *encoder, const char *run, const char *const *pipe_names) {
  *encoder = (br_event_json){.run = run, .pipe_names = pipe_names, .stamp_mono_ns = UINT64_MAX};
}

size_t br_event_json_bound(const br_event_json *encoder, const br_event *event) {
  size_t payload = WEB_JSON_STRING_BOUND((size_t)event->size_bytes) + event->by_bytes;
  return FIXED_BOUND + strlen(encoder->pipe_names[event->pipe]) + payload;
}

static uint8_t *write_run(const br_event_json *encoder, uint8_t *cursor) {
  if (!encoder->run) {
    return cursor;
  }
  cursor = WRITE(cursor, ",\"run\":\"");
  cursor = write_bytes(cursor, encoder->run, BR_RUN_TEXT_BYTES - 1);
  return WRITE(cursor, "\"");
}

static uint8_t *write_stamp(br_event_json *encoder, uint8_t *cursor, const br_event *event) {
  if (event->mono_ns != encoder->stamp_mono_ns || event->wall_ns != encoder->stamp_wall_ns) {
    uint8_t *start = (uint8_t *)encoder->stamp;
    uint8_t *end = WRITE(start, ",\"wall_ns\":");
    end = web_json_write_u64(end, event->wall_ns);
    end = WRITE(end, ",\"mono_ns\":");
    end = web_json_write_u64(end, event->mono_ns);
    encoder->stamp_size = (size_t)(end - start);
    encoder->stamp_mono_ns = event->mono_ns;
    encoder->stamp_wall_ns = event->wall_ns;
  }
  return write_bytes(cursor, encoder->stamp, encoder->stamp_size);
}

static uint8_t *write_place(br_event_json *encoder, uint8_t *cursor, const br_event *event) {
  bool is_known = encoder->place_size > 0 && event->session == encoder->place_session &&
                  event->pipe == encoder->place_pipe;
  if (!is_known) {
    BR_CHECK(strlen(encoder->pipe_names[event->pipe]) <= PLACE_NAME_MAX_BYTES);
    uint8_t *start = (uint8_t *)encoder->place;
    uint8_t *end = WRITE(start, ",\"pipe\":\"");
    end = write_text(end, encoder->pipe_names[event->pipe]);
    end = WRITE(end, "\",\"session\":");
    end = web_json_write_u64(end, event->session);
    encoder->place_size = (size_t)(end - start);
    encoder->place_session = event->session;
    encoder->place_pipe = event->pipe;
  }
  return write_bytes(cursor, encoder->place, encoder->place_size);
}

static uint8_t *write_flags(uint8_t *cursor, const br_event *event) {
  if (event->flags == 0) {
    return cursor;
  }
  cursor = WRITE(cursor, ",\"flags\":[");
  if (event->flags & BR_FLAG_INCOMPLETE) {
    cursor = WRITE(cursor, "\"incomplete\",");
  }
  if (event->flags & BR_FLAG_REPLY) {
    cursor = WRITE(cursor, "\"reply\",");
  }
  if (event->flags & BR_FLAG_PRIVATE) {
    cursor = WRITE(cursor, "\"private\",");
  }
  cursor[-1] = ']';
  return cursor;
}

static uint8_t *write_by(uint8_t *cursor, const br_event *event) {
  return event->by_bytes == 0 ? cursor
                              : write_bytes(WRITE(cursor, ",\"by\":"),
                                            (const char *)br_event_by(event), event->by_bytes);
}

static uint8_t *write_payload(uint8_t *cursor, const br_event *event) {
  const uint8_t *data = br_event_payload(event);
  cursor = write_flags(cursor, event);
  if (event->kind == BR_EVENT_INJECTED || (event->flags & BR_FLAG_REPLY)) {
    cursor = WRITE(cursor, ",\"targets\":");
    cursor = web_json_write_u64(cursor, event->targets);
  }
  cursor = write_by(cursor, event);
  cursor = WRITE(cursor, ",\"size\":");
  cursor = web_json_write_u64(cursor, event->size_bytes);
  if (web_utf8_is_valid(data, event->size_bytes)) {
    cursor = WRITE(cursor, ",\"text\":");
    return web_json_write_string(cursor, data, event->size_bytes);
  }
  cursor = WRITE(cursor, ",\"base64\":\"");
  cursor = web_base64_write(cursor, data, event->size_bytes);
  return WRITE(cursor, "\"");
}

static uint8_t *write_direction(uint8_t *cursor, const br_event *event) {
  if (event->direction == BR_DIRECTION_C2S) {
    return WRITE(cursor, ",\"direction\":\"c2s\"");
  }
  return WRITE(cursor, ",\"direction\":\"s2c\"");
}

static uint8_t *write_peer(uint8_t *cursor, const br_event *event) {
  const br_opened *opened = (const br_opened *)(const void *)br_event_payload(event);
  cursor = write_by(write_flags(cursor, event), event);
  cursor = br_peer_json_write(WRITE(cursor, ",\"peer\":"), &opened->peer, &opened->details);
  return opened->has_upstream
             ? br_peer_ids_json_write(WRITE(cursor, ",\"upstream\":"), &opened->upstream)
             : cursor;
}

static uint8_t *write_reason(uint8_t *cursor, const br_event *event) {
  br_closed closed;
  memcpy(&closed, br_event_payload(event), sizeof closed);
  cursor = write_flags(cursor, event);
  cursor = WRITE(cursor, ",\"reason\":");
  cursor = write_string(cursor, br_close_reason_name(closed.reason));
  cursor = WRITE(cursor, ",\"status\":");
  return write_string(cursor, pc_status_name((pc_status)closed.status));
}

/* The pipe as JSON already; none where there was no memory for it. */
static uint8_t *write_state(uint8_t *cursor, const br_event *event) {
  if (event->size_bytes == 0) {
    return cursor;
  }
  cursor = WRITE(cursor, ",\"state\":");
  return write_bytes(cursor, (const char *)br_event_payload(event), event->size_bytes);
}

static uint8_t *write_dropped(uint8_t *cursor, const br_event *event) {
  br_dropped dropped;
  memcpy(&dropped, br_event_payload(event), sizeof dropped);
  cursor = web_json_write_u64(WRITE(cursor, ",\"count\":"), dropped.messages);
  return web_json_write_u64(WRITE(cursor, ",\"bytes\":"), dropped.bytes);
}

uint8_t *br_event_json_write(br_event_json *encoder, uint8_t *cursor, const br_event *event) {
  cursor = WRITE(cursor, "{\"seq\":");
  cursor = web_json_write_u64(cursor, event->seq);
  cursor = WRITE(cursor, ",\"kind\":\"");
  cursor = write_text(cursor, br_event_kind_name(event->kind));
  cursor = WRITE(cursor, "\"");
  cursor = write_run(encoder, cursor);
  cursor = write_stamp(encoder, cursor, event);
  cursor = write_place(encoder, cursor, event);
  switch ((br_event_kind)event->kind) {
  case BR_EVENT_MESSAGE:
  case BR_EVENT_INJECTED:
    cursor = write_direction(cursor, event);
    cursor = write_payload(cursor, event);
    break;
  case BR_EVENT_OPENED:
    cursor = write_peer(cursor, event);
    break;
  case BR_EVENT_CLOSED:
    cursor = write_reason(cursor, event);
    break;
  case BR_EVENT_ERROR:
    cursor = WRITE(cursor, ",\"detail\":");
    cursor = web_json_write_string(cursor, br_event_payload(event), event->size_bytes);
    break;
  case BR_EVENT_PIPE_ADDED:
  case BR_EVENT_PIPE_CHANGED:
  case BR_EVENT_PIPE_REMOVED:
    cursor = write_state(cursor, event);
    break;
  case BR_EVENT_DROPPED:
    cursor = write_dropped(write_direction(cursor, event), event);
    break;
  case BR_RECORD_RESULT:
  case BR_RECORD_PIPE_REFUSED:
  case BR_RECORD_UNCONNECTED:
  case BR_RECORD_TAKEN:
    break;
  }
  return WRITE(cursor, "}");
}

static const char *const gap_reasons[] = {
    [BR_GAP_SLOW] = "slow", [BR_GAP_EXPIRED] = "expired", [BR_GAP_RUN] = "run"};

uint8_t *br_gap_json_write(const br_event_json *encoder, uint8_t *cursor, const br_gap *gap) {
  cursor = WRITE(cursor, "{\"seq\":");
  cursor = web_json_write_u64(cursor, gap->to);
  cursor = WRITE(cursor, ",\"kind\":\"gap\"");
  cursor = write_run(encoder, cursor);
  cursor = WRITE(cursor, ",\"from\":");
  cursor = web_json_write_u64(cursor, gap->from);
  cursor = WRITE(cursor, ",\"to\":");
  cursor = web_json_write_u64(cursor, gap->to);
  cursor = WRITE(cursor, ",\"count\":");
  cursor = web_json_write_u64(cursor, gap->count);
  cursor = WRITE(cursor, ",\"reason\":");
  cursor = write_string(cursor, gap_reasons[gap->reason]);
  return WRITE(cursor, "}");
}
