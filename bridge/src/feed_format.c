/* The formats NDJSON, server-sent events, pipebridge.v1.json and pipebridge.v1.bin. HTTP thread. */
#include "feed_format.h"

#include <inttypes.h>
#include <string.h>

#include "bridge/describe.h"
#include "feed_binary.h"
#include "web/text.h"

static uint8_t *write_bytes(uint8_t *cursor, const char *text, size_t size) {
  memcpy(cursor, text, size);
  return cursor + size;
}
#define WRITE(cursor, literal) write_bytes((cursor), (literal), sizeof(literal) - 1)

static uint8_t *piece_begin_plain(const char *run, uint8_t *cursor) {
  (void)run;
  return cursor;
}

static uint8_t *piece_end_plain(uint8_t *start, uint8_t *cursor, uint32_t event_count) {
  (void)start;
  (void)event_count;
  return cursor;
}

static size_t json_bound(const br_event_json *json, const br_event *event) {
  return br_event_json_bound(json, event) + FEED_RECORD_BYTES;
}

/* ---- NDJSON ---- */

static uint8_t *lines_event(br_event_json *json, uint8_t *cursor, const br_event *event) {
  return WRITE(br_event_json_write(json, cursor, event), "\n");
}

static uint8_t *lines_gap(br_event_json *json, uint8_t *cursor, const br_gap *gap) {
  return WRITE(br_gap_json_write(json, cursor, gap), "\n");
}

static void lines_greet(const br_hub *hub, uint64_t behind, web_buffer *out) {
  (void)behind;
  web_buffer_append_format(out, "{\"kind\":\"hello\",\"run\":\"%s\",\"seq\":%" PRIu64 "}\n",
                           br_hub_run(hub), br_hub_seq(hub));
}

/* ---- server-sent events (WHATWG HTML §9.2) ---- */

/* "id: RUN:SEQ\ndata: ", so that a browser that comes back asks for what comes after it. */
static uint8_t *sse_begin(const br_event_json *json, uint8_t *cursor, uint64_t seq) {
  cursor = WRITE(cursor, "id: ");
  cursor = write_bytes(cursor, json->run, BR_RUN_TEXT_BYTES - 1);
  cursor = WRITE(cursor, ":");
  cursor = web_json_write_u64(cursor, seq);
  return WRITE(cursor, "\ndata: ");
}

static uint8_t *sse_event(br_event_json *json, uint8_t *cursor, const br_event *event) {
  cursor = sse_begin(json, cursor, event->seq);
  return WRITE(br_event_json_write(json, cursor, event), "\n\n");
}

static uint8_t *sse_gap(br_event_json *json, uint8_t *cursor, const br_gap *gap) {
  cursor = sse_begin(json, cursor, gap->to);
  return WRITE(br_gap_json_write(json, cursor, gap), "\n\n");
}

/* The hello's id is where the stream begins: a browser that hears no more than this comes back
 * there. */
static void sse_greet(const br_hub *hub, uint64_t behind, web_buffer *out) {
  web_buffer_append_format(out, "retry: 2000\nid: %s:%" PRIu64 "\ndata: ", br_hub_run(hub), behind);
  lines_greet(hub, behind, out);
  web_buffer_append_text(out, "\n");
}

/* ---- pipebridge.v1.json ---- */

static uint8_t *batch_begin(const char *run, uint8_t *cursor) {
  cursor = WRITE(cursor, "{\"type\":\"events\",\"run\":\"");
  cursor = write_bytes(cursor, run, BR_RUN_TEXT_BYTES - 1);
  return WRITE(cursor, "\",\"events\":[");
}

static uint8_t *batch_event(br_event_json *json, uint8_t *cursor, const br_event *event) {
  return WRITE(br_event_json_write(json, cursor, event), ",");
}

static uint8_t *batch_gap(br_event_json *json, uint8_t *cursor, const br_gap *gap) {
  return WRITE(br_gap_json_write(json, cursor, gap), ",");
}

/* The last event's comma becomes the list's end. */
static uint8_t *batch_end(uint8_t *start, uint8_t *cursor, uint32_t event_count) {
  (void)start;
  (void)event_count;
  cursor[-1] = ']';
  return WRITE(cursor, "}");
}

static void snapshot_greet(const br_hub *hub, uint64_t behind, web_buffer *out) {
  (void)behind;
  web_buffer_append_format(out,
                           "{\"type\":\"snapshot\",\"run\":\"%s\",\"seq\":%" PRIu64
                           ",\"version\":\"%s\",\"pipes\":",
                           br_hub_run(hub), br_hub_seq(hub), PIPEBRIDGE_VERSION);
  br_describe_pipes(out, br_hub_registry(hub));
  web_buffer_append_text(out, ",\"removed_pipes\":");
  br_describe_removed(out, br_hub_registry(hub), br_memory_oldest(br_hub_memory(hub)));
  web_buffer_append_text(out, ",\"sessions\":");
  br_describe_sessions(out, br_hub_registry(hub), BR_SESSION_OPEN, NULL);
  web_buffer_append_text(out, "}");
}

/* ---- pipebridge.v1.bin ---- */

static void binary_greet(const br_hub *hub, uint64_t behind, web_buffer *out) {
  uint8_t *header = web_buffer_reserve(out, BR_BINARY_HEADER_BYTES);
  if (header) {
    br_binary_begin(header, BR_BINARY_SNAPSHOT, br_hub_run(hub));
    web_buffer_commit(out, BR_BINARY_HEADER_BYTES);
    snapshot_greet(hub, behind, out);
  }
}

static uint8_t *binary_begin(const char *run, uint8_t *cursor) {
  return br_binary_begin(cursor, BR_BINARY_EVENTS, run);
}

/* ---- payloads only: a WebSocket message each, as many in a piece as there are ---- */

static size_t frame_bound(const br_event_json *json, const br_event *event) {
  (void)json;
  return WEB_WS_HEADER_MAX + (size_t)event->size_bytes;
}

static uint8_t *frame_write(uint8_t *cursor, const br_event *event, web_ws_opcode opcode) {
  cursor += web_ws_write_header(cursor, opcode, event->size_bytes);
  memcpy(cursor, br_event_payload(event), event->size_bytes);
  return cursor + event->size_bytes;
}

static web_ws_opcode text_opcode(const br_event *event) {
  return web_utf8_is_valid(br_event_payload(event), event->size_bytes) ? WEB_WS_TEXT
                                                                       : WEB_WS_BINARY;
}

static web_ws_opcode binary_opcode(const br_event *event) {
  (void)event;
  return WEB_WS_BINARY;
}

static uint8_t *text_frame(br_event_json *json, uint8_t *cursor, const br_event *event) {
  (void)json;
  return frame_write(cursor, event, text_opcode(event));
}

static uint8_t *binary_frame(br_event_json *json, uint8_t *cursor, const br_event *event) {
  (void)json;
  return frame_write(cursor, event, WEB_WS_BINARY);
}

static const feed_format formats[] = {
    [BR_OBSERVE_NDJSON] = {.log = WEB_LOG_PLAIN,
                           .names_run = true,
                           .begin = piece_begin_plain,
                           .bound = json_bound,
                           .event = lines_event,
                           .gap = lines_gap,
                           .end = piece_end_plain,
                           .greet = lines_greet},
    [BR_OBSERVE_SSE] = {.log = WEB_LOG_PLAIN,
                        .names_run = true,
                        .begin = piece_begin_plain,
                        .bound = json_bound,
                        .event = sse_event,
                        .gap = sse_gap,
                        .end = piece_end_plain,
                        .greet = sse_greet,
                        .idle = ":\n\n"},
    [BR_OBSERVE_JSON] = {.log = WEB_LOG_WS_TEXT,
                         .begin = batch_begin,
                         .bound = json_bound,
                         .event = batch_event,
                         .gap = batch_gap,
                         .end = batch_end,
                         .greet = snapshot_greet},
    [BR_OBSERVE_BINARY] = {.log = WEB_LOG_WS_BINARY,
                           .begin = binary_begin,
                           .bound = br_binary_bound,
                           .event = br_binary_event,
                           .gap = br_binary_gap,
                           .end = br_binary_end,
                           .greet = binary_greet},
    [BR_OBSERVE_RAW] = {.log = WEB_LOG_PLAIN,
                        .begin = piece_begin_plain,
                        .bound = frame_bound,
                        .event = text_frame,
                        .opcode = text_opcode,
                        .end = piece_end_plain},
    [BR_OBSERVE_RAW_BINARY] = {.log = WEB_LOG_PLAIN,
                               .begin = piece_begin_plain,
                               .bound = frame_bound,
                               .event = binary_frame,
                               .opcode = binary_opcode,
                               .end = piece_end_plain},
};

const feed_format *br_feed_format(br_observe_format format) {
  return &formats[format];
}
