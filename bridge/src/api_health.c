/* GET /healthz: asks the pipe thread and says whether it answered. HTTP thread. */
#include "api_private.h"

enum { PATIENCE_MS = 1000 };

static void respond_health(web_request *request, unsigned status, const br_api *api,
                           const char *word) {
  const br_registry *registry = br_hub_registry(api->hub);
  web_server_stats stats;
  web_server_get_stats(web_request_server(request), &stats);
  web_buffer body;
  web_buffer_init(&body, 4096);
  web_buffer_append_format(
      &body,
      "{\"status\":\"%s\",\"version\":\"%s\",\"run\":\"%s\",\"seq\":%llu,\"pipes\":%zu,"
      "\"sessions\":%zu,\"observers\":%u,\"backend\":\"%s\"}\n",
      word, PIPEBRIDGE_VERSION, br_hub_run(api->hub), (unsigned long long)br_hub_seq(api->hub),
      registry->pipe_count, registry->sessions.count, stats.websockets + stats.streams,
      api->backend);
  br_api_respond(request, status, &body);
}

static void health_overdue(web_timer *timer, void *user) {
  pending *waiting = user;
  (void)timer;
  const br_api *api = waiting->api;
  respond_health(br_pending_finish(waiting), 503, api, "stuck");
}

void br_handle_health(web_request *request, void *user) {
  br_api *api = user;
  br_command command = {.kind = BR_COMMAND_PING};
  pending *waiting = br_api_ask(api, request, &command, NULL);
  if (waiting) {
    waiting->timer.routine = health_overdue;
    waiting->timer.user = waiting;
    web_timer_start(web_request_server(request), &waiting->timer, PATIENCE_MS);
  }
}

void br_health_alive(br_api *api, const br_event *record) {
  pending *waiting = br_id_table_get(&api->pending, record->command_id);
  if (waiting) {
    respond_health(br_pending_finish(waiting), 200, api, "ok");
  }
}
