/* GET /healthz: asks the pipe thread and says whether it answered. HTTP thread. */
#include <stdlib.h>

#include "api_private.h"

enum { PATIENCE_MS = 1000 };

/* One who waits to hear that it lives. */
typedef struct health {
  br_asked asked;
  br_api *api;
  web_request *request;
  web_timer patience;
} health;

static void health_destroy(health *ended) {
  web_timer_stop(web_request_server(ended->request), &ended->patience);
  br_ask_cancel(&ended->api->asker, &ended->asked);
  free(ended);
}

static void respond_health(health *ended, unsigned status, const char *word) {
  web_request *request = ended->request;
  const br_api *api = ended->api;
  const br_registry *registry = br_hub_registry(api->hub);
  web_server_stats stats;
  health_destroy(ended);
  web_server_get_stats(web_request_server(request), &stats);
  web_buffer body;
  web_buffer_init(&body, 4096);
  web_buffer_append_format(
      &body,
      "{\"status\":\"%s\",\"version\":\"%s\",\"run\":\"%s\",\"seq\":%llu,\"pipes\":%zu,"
      "\"sessions\":%zu,\"observers\":%u,\"backend\":\"%s\"}\n",
      word, PIPEBRIDGE_VERSION, br_hub_run(api->hub), (unsigned long long)br_hub_seq(api->hub),
      registry->pipe_count, registry->sessions.count,
      stats.websockets + stats.streams - api->files_count, api->backend);
  br_api_respond(request, status, &body);
}

static void on_overdue(web_timer *timer, void *user) {
  (void)timer;
  respond_health(user, 503, "stuck");
}

static void on_alive(br_asked *asked, const br_result *result) {
  (void)result;
  respond_health(asked->user, 200, "ok");
}

static void on_abandon(web_request *request, void *user) {
  (void)request;
  health_destroy(user);
}

void br_handle_health(web_request *request, void *user) {
  br_api *api = user;
  br_command command = {.kind = BR_COMMAND_PING};
  health *asking = calloc(1, sizeof *asking);
  if (!asking) {
    br_api_respond_unasked(request, BR_ASK_NO_MEMORY);
    return;
  }
  *asking = (health){.asked = {.on_result = on_alive, .user = asking},
                     .api = api,
                     .request = request,
                     .patience = {.routine = on_overdue, .user = asking}};
  br_ask_status status = br_ask(&api->asker, &asking->asked, &command, NULL, NULL);
  if (status != BR_ASK_OK) {
    free(asking);
    br_api_respond_unasked(request, status);
    return;
  }
  web_request_on_abandon(request, on_abandon, asking);
  web_timer_start(web_request_server(request), &asking->patience, PATIENCE_MS);
}
