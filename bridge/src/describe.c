/* Control answers. HTTP thread; pure but for the counters, read as they are now. */
#include "bridge/describe.h"

#include <inttypes.h>
#include <string.h>

#include "bridge/pipe_config.h"
#include "web/text.h"

void br_describe_string(web_buffer *out, const char *text) {
  const uint8_t *data = (const uint8_t *)text;
  size_t size = strlen(text);
  if (!web_utf8_is_valid(data, size)) {
    web_buffer_append_text(out, "\"?\"");
    return;
  }
  uint8_t *cursor = web_buffer_reserve(out, WEB_JSON_STRING_BOUND(size));
  if (cursor) {
    web_buffer_commit(out, (size_t)(web_json_write_string(cursor, data, size) - cursor));
  }
}

static void describe_counters(web_buffer *out, const br_counters *counters) {
  web_buffer_append_format(
      out,
      "\"c2s\":{\"messages\":%" PRIu64 ",\"bytes\":%" PRIu64 "},\"s2c\":{\"messages\":%" PRIu64
      ",\"bytes\":%" PRIu64 "},\"skipped\":{\"messages\":%" PRIu64 ",\"bytes\":%" PRIu64
      "},\"dropped\":{\"messages\":%" PRIu64 ",\"bytes\":%" PRIu64 "},\"refused\":%" PRIu64
      ",\"lost\":{\"messages\":%" PRIu64 ",\"bytes\":%" PRIu64 "}",
      br_count(&counters->c2s.messages), br_count(&counters->c2s.bytes),
      br_count(&counters->s2c.messages), br_count(&counters->s2c.bytes),
      br_count(&counters->skipped.messages), br_count(&counters->skipped.bytes),
      br_count(&counters->dropped.messages), br_count(&counters->dropped.bytes),
      br_count(&counters->refused), br_count(&counters->lost.messages),
      br_count(&counters->lost.bytes));
}

/* How a pipe of role client stands to its server. */
static void describe_link(web_buffer *out, const br_link *link) {
  bool is_connected = br_count(&link->is_connected) != 0;
  uint64_t next_ns = br_count(&link->next_try_wall_ns);
  int32_t failure = atomic_load_explicit(&link->failure, memory_order_relaxed);
  web_buffer_append_format(out, ",\"connection\":{\"connected\":%s,\"failed\":%" PRIu64,
                           is_connected ? "true" : "false", br_count(&link->failed_count));
  if (!is_connected && failure != PC_OK) {
    web_buffer_append_format(out, ",\"failure\":\"%s\"", pc_status_name((pc_status)failure));
  }
  if (!is_connected && next_ns != 0) {
    web_buffer_append_format(out, ",\"next_try_wall_ns\":%" PRIu64, next_ns);
  }
  web_buffer_append_format(out, ",\"queued\":{\"messages\":%" PRIu64 ",\"bytes\":%" PRIu64 "}}",
                           br_count(&link->queued.messages), br_count(&link->queued.bytes));
}

static void describe_limits_reached(web_buffer *out, const br_pipe_live *live) {
  const br_limit_counters *limits = &live->limits;
  web_buffer_append_format(
      out,
      ",\"refused_clients\":%" PRIu64 ",\"limits_reached\":{\"max_instances\":%" PRIu64
      ",\"max_message_bytes\":%" PRIu64 ",\"max_write_queue_bytes\":%" PRIu64
      ",\"idle_timeout_ms\":%" PRIu64 ",\"accept_rate\":%" PRIu64 "}",
      br_count(&live->refused_clients), br_count(&limits->max_instances),
      br_count(&limits->max_message_bytes), br_count(&limits->max_write_queue_bytes),
      br_count(&limits->idle_timeout_ms), br_count(&limits->accept_rate));
}

static void describe_tap(web_buffer *out, const br_pipe_info *pipe) {
  const br_undelivered *undelivered = &pipe->live->undelivered;
  web_buffer_append_text(out, ",\"upstream\":");
  br_describe_string(out, pipe->config->upstream);
  web_buffer_append_format(out,
                           ",\"undelivered\":{\"c2s\":%" PRIu64 ",\"s2c\":%" PRIu64
                           ",\"descriptors\":%" PRIu64 ",\"clients\":%" PRIu64 "}",
                           br_count(&undelivered->c2s_bytes), br_count(&undelivered->s2c_bytes),
                           br_count(&undelivered->descriptors), br_count(&undelivered->clients));
}

void br_describe_pipe(web_buffer *out, const br_pipe_info *pipe) {
  const br_pipe_config *config = pipe->config;
  web_buffer_append_format(
      out,
      "{\"name\":\"%s\",\"index\":%u,\"role\":\"%s\",\"transport\":\"%s\","
      "\"access\":\"%s\",\"mode\":\"%s\","
      "\"framing\":\"%s\",\"reply\":\"%s\",\"oversize\":\"%s\",\"overflow\":\"%s\",\"path\":",
      config->name, (unsigned)pipe->index, br_role_name(config->role),
      pc_transport_name(config->transport), pc_access_name(config->access),
      config->type == PC_TYPE_BYTE ? "byte" : "message", pc_framing_name(config->framing),
      br_reply_name(config->reply), pc_oversize_name(config->oversize),
      br_overflow_name(config->overflow));
  br_describe_string(out, config->path);
  web_buffer_append_format(out,
                           ",\"sessions\":%" PRIu32 ",\"sessions_total\":%" PRIu64
                           ",\"injected\":%" PRIu64 ",\"errors\":%" PRIu64 ",",
                           pipe->sessions, pipe->sessions_total, pipe->injected, pipe->errors);
  describe_counters(out, &pipe->live->counters);
  describe_limits_reached(out, pipe->live);
  if (config->role == BR_ROLE_CLIENT) {
    web_buffer_append_format(out, ",\"shared\":%s", config->shared ? "true" : "false");
  }
  if (config->role == BR_ROLE_CLIENT && config->shared) {
    describe_link(out, &pipe->live->link);
  } else if (config->role == BR_ROLE_TAP) {
    describe_tap(out, pipe);
  }
  web_buffer_append_format(out,
                           ",\"limits\":{\"max_instances\":%" PRIu32
                           ",\"max_message_bytes\":%" PRIu32 ",\"max_write_queue_bytes\":%" PRIu32
                           ",\"idle_timeout_ms\":%" PRIu32 ",\"accept_rate\":%" PRIu32
                           ",\"accept_burst\":%" PRIu32 "}}",
                           config->limits.max_instances, config->limits.max_message_bytes,
                           config->limits.max_write_queue_bytes, config->limits.idle_timeout_ms,
                           config->limits.accept_rate, config->limits.accept_burst);
}

void br_describe_pipe_whole(web_buffer *out, const br_pipe_info *pipe) {
  br_describe_pipe(out, pipe);
  if (!out->failed) {
    out->size--; /* the object goes on */
  }
  web_buffer_append_text(out, ",\"config\":");
  br_pipe_config_write(pipe->config, out);
  web_buffer_append_text(out, "}");
}

void br_describe_session(web_buffer *out, const br_registry *registry,
                         const br_session_info *session) {
  web_buffer_append_format(
      out, "{\"id\":%" PRIu64 ",\"pipe\":\"%s\",\"private\":%s,\"opened_wall_ns\":%" PRIu64,
      session->id, br_registry_name(registry, session->pipe),
      session->is_private ? "true" : "false", session->opened_wall_ns);
  if (session->by_bytes > 0) {
    web_buffer_append_text(out, ",\"by\":");
    web_buffer_append(out, br_session_by(session), session->by_bytes);
  }
  web_buffer_append_text(out, ",\"peer\":");
  const br_peer_details *details = br_session_details(session);
  uint8_t *cursor = web_buffer_reserve(out, br_peer_json_bound(details));
  if (cursor) {
    web_buffer_commit(out, (size_t)(br_peer_json_write(cursor, &session->peer, details) - cursor));
  }
  if (session->has_upstream) {
    web_buffer_append_text(out, ",\"upstream\":");
    cursor = web_buffer_reserve(out, BR_PEER_IDS_JSON_BOUND);
    if (cursor) {
      web_buffer_commit(out, (size_t)(br_peer_ids_json_write(cursor, &session->upstream) - cursor));
    }
  }
  web_buffer_append_text(out, ",");
  describe_counters(out, &session->counters);
  if (session->closed_wall_ns == 0) {
    web_buffer_append_text(out, ",\"state\":\"open\"}");
  } else {
    web_buffer_append_format(out,
                             ",\"state\":\"closed\",\"closed_wall_ns\":%" PRIu64
                             ",\"reason\":\"%s\",\"status\":\"%s\"}",
                             session->closed_wall_ns, br_close_reason_name(session->close_reason),
                             pc_status_name((pc_status)session->close_status));
  }
}

void br_describe_pipes(web_buffer *out, const br_registry *registry) {
  web_buffer_append_text(out, "[");
  for (size_t place = 0; place < registry->pipe_count; place++) {
    web_buffer_append_text(out, place ? "," : "");
    br_describe_pipe(out, &registry->pipes[registry->listed[place]]);
  }
  web_buffer_append_text(out, "]");
}

void br_describe_removed(web_buffer *out, const br_registry *registry, uint64_t oldest_seq) {
  const char *separator = "";
  web_buffer_append_text(out, "[");
  for (size_t index = 0; index < registry->index_count; index++) {
    if (registry->pipes[index].removed_seq >= oldest_seq) {
      web_buffer_append_format(out, "%s{\"name\":\"%s\",\"index\":%zu}", separator,
                               registry->names[index], index);
      separator = ",";
    }
  }
  web_buffer_append_text(out, "]");
}

static void describe_list(web_buffer *out, const br_registry *registry, const br_session_list *list,
                          const br_filter *filter, const char **separator) {
  for (const br_session_info *session = list->first; session; session = session->next) {
    const char *pipe_name = br_registry_name(registry, session->pipe);
    if (!filter || br_filter_matches_session(filter, session, pipe_name)) {
      web_buffer_append_text(out, *separator);
      br_describe_session(out, registry, session);
      *separator = ",";
    }
  }
}

void br_describe_sessions(web_buffer *out, const br_registry *registry, unsigned states,
                          const br_filter *filter) {
  const char *separator = "";
  web_buffer_append_text(out, "[");
  if (states & BR_SESSION_CLOSED) {
    describe_list(out, registry, &registry->closed, filter, &separator);
  }
  if (states & BR_SESSION_OPEN) {
    describe_list(out, registry, &registry->open, filter, &separator);
  }
  web_buffer_append_text(out, "]");
}
