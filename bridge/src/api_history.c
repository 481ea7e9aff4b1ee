/* What was said: GET /api/v1/messages, from memory. HTTP thread.
 *
 * Success: at most `limit` events that pass the filter, in the order asked for, and the cursor
 * behind them. One request looks at a bounded part of memory, so that it never holds up the stream:
 * its cursor may then come with fewer events than the limit. What memory no longer holds is told by
 * a gap in its place. */
#include <string.h>

#include "api_private.h"
#include "bridge/event_json.h"

enum {
  LIMIT_DEFAULT = 100,
  LIMIT_MAX = 1000,
  ANSWER_MAX_BYTES = 64 * 1024 * 1024,
  ANSWER_ENOUGH_BYTES = 4 * 1024 * 1024, /* no further event once it has as many */
  SCAN_MAX_EVENTS = 50000,
  SCAN_MAX_BYTES = 8 * 1024 * 1024
};

typedef struct history_page {
  const br_hub *hub;
  br_filter *filter;
  uint64_t since; /* the last event before the range */
  uint64_t until; /* the last event in it            */
  br_start_mode start;
  uint64_t limit;
  bool is_oldest_first;
  bool is_lines; /* NDJSON */

  br_event_json json;
  web_buffer body;
  uint64_t count;
  uint64_t scanned_events, scanned_bytes;
} history_page;

static void item_separate(history_page *page) {
  if (!page->is_lines && page->count > 0) {
    web_buffer_append(&page->body, ",", 1);
  }
  page->count++;
}

static void item_end(history_page *page) {
  if (page->is_lines) {
    web_buffer_append(&page->body, "\n", 1);
  }
}

static void event_append(history_page *page, const br_event *event) {
  item_separate(page);
  uint8_t *start = web_buffer_reserve(&page->body, br_event_json_bound(&page->json, event));
  if (start) {
    uint8_t *end = br_event_json_write(&page->json, start, event);
    web_buffer_commit(&page->body, (size_t)(end - start));
  }
  item_end(page);
}

static void gap_append(history_page *page, uint64_t from, uint64_t to) {
  br_gap gap = {.from = from,
                .to = to,
                .count = to >= from ? to - from + 1 : 0,
                .reason = page->start == BR_START_RUN ? BR_GAP_RUN : BR_GAP_EXPIRED};
  item_separate(page);
  uint8_t *start = web_buffer_reserve(&page->body, BR_GAP_JSON_BOUND);
  if (start) {
    uint8_t *end = br_gap_json_write(&page->json, start, &gap);
    web_buffer_commit(&page->body, (size_t)(end - start));
  }
  item_end(page);
}

static bool is_enough(const history_page *page) {
  return page->count >= page->limit || page->body.size >= ANSWER_ENOUGH_BYTES ||
         page->scanned_events >= SCAN_MAX_EVENTS || page->scanned_bytes >= SCAN_MAX_BYTES;
}

static void event_look_at(history_page *page, uint64_t seq) {
  const br_event *event = br_memory_get(br_hub_memory(page->hub), seq);
  if (!event) {
    return; /* larger than the whole memory: the range begins behind it */
  }
  page->scanned_events++;
  page->scanned_bytes += event->size_bytes;
  if (br_hub_matches(page->hub, page->filter, event)) {
    event_append(page, event);
  }
}

/* Returns the last event looked at: the next page's `since`. */
static uint64_t oldest_first(history_page *page, uint64_t oldest) {
  uint64_t seq = page->since;
  if (seq + 1 < oldest || page->start == BR_START_RUN) {
    gap_append(page, seq + 1, oldest - 1);
    seq = oldest - 1;
  }
  while (seq < page->until && !is_enough(page)) {
    event_look_at(page, ++seq);
  }
  return seq;
}

/* Returns the first event not looked at: the next page's `until`. */
static uint64_t newest_first(history_page *page, uint64_t oldest) {
  uint64_t seq = page->until;
  while (seq > page->since && seq >= oldest && !is_enough(page)) {
    event_look_at(page, seq--);
  }
  if (seq > page->since && seq < oldest) {
    gap_append(page, page->since + 1, seq);
    seq = page->since;
  }
  return seq;
}

static void history_write(history_page *page) {
  const char *run = br_hub_run(page->hub);
  web_buffer *body = &page->body;
  br_event_json_init(&page->json, run, br_hub_pipe_names(page->hub));
  if (!page->is_lines) {
    web_buffer_append_format(body, "{\"run\":\"%s\",\"events\":[", run);
  }
  uint64_t oldest = br_memory_oldest(br_hub_memory(page->hub));
  uint64_t cursor = page->is_oldest_first ? oldest_first(page, oldest) : newest_first(page, oldest);
  bool has_more = page->is_oldest_first ? cursor < page->until : cursor > page->since;
  if (page->is_lines) {
    return; /* each line says run and seq itself */
  }
  if (has_more) {
    web_buffer_append_format(body, "],\"next\":\"%s:%llu\"}\n", run, (unsigned long long)cursor);
  } else {
    web_buffer_append_text(body, "],\"next\":null}\n");
  }
}

/* ---- parameters; false: answered with the error ---- */

static bool parse_limit(web_request *request, history_page *page) {
  const char *text = web_request_query(request, "limit");
  page->limit = LIMIT_DEFAULT;
  if (!text ||
      (br_api_parse_u64(text, &page->limit) && page->limit >= 1 && page->limit <= LIMIT_MAX)) {
    return true;
  }
  web_respond_problem(request, 400, "bad_limit", "limit=%s is not a number from 1 to %d.", text,
                      LIMIT_MAX);
  return false;
}

static bool parse_order(web_request *request, history_page *page) {
  const char *text = web_request_query(request, "order");
  page->is_oldest_first = text && strcmp(text, "oldest") == 0;
  if (!text || page->is_oldest_first || strcmp(text, "newest") == 0) {
    return true;
  }
  web_respond_problem(request, 400, "bad_order", "order=%s is neither newest nor oldest.", text);
  return false;
}

static bool parse_range(br_api *api, web_request *request, history_page *page) {
  br_start_mode until_start = BR_START_SINCE;
  page->until = br_hub_seq(api->hub);
  const char *since = web_request_query(request, "since");
  const char *until = web_request_query(request, "until");
  if (!br_api_since(api, request, "since", since, &page->start, &page->since) ||
      !br_api_since(api, request, "until", until, &until_start, &page->until)) {
    return false;
  }
  if (page->start == BR_START_RUN) {
    page->since = 0; /* of another run: all that there is of this one */
  }
  if (until_start == BR_START_RUN) {
    web_respond_problem(request, 400, "other_run",
                        "until=%s is not of this run, %s, of which %llu events are known.", until,
                        br_hub_run(api->hub), (unsigned long long)br_hub_seq(api->hub));
    return false;
  }
  return true;
}

void br_handle_messages(web_request *request, void *user) {
  br_api *api = user;
  const char *accept = web_request_header(request, "Accept");
  history_page page = {.hub = api->hub,
                       .start = BR_START_SINCE,
                       .is_lines = accept && strstr(accept, "application/x-ndjson")};
  if (!parse_limit(request, &page) || !parse_order(request, &page) ||
      !parse_range(api, request, &page)) {
    return;
  }
  page.filter = br_api_filter(api, request, "kind:message,injected");
  if (!page.filter) {
    return;
  }
  web_buffer_init(&page.body, ANSWER_MAX_BYTES);
  history_write(&page);
  br_filter_destroy(page.filter);
  br_api_respond_as(request, 200, page.is_lines ? "application/x-ndjson" : "application/json",
                    &page.body);
}
