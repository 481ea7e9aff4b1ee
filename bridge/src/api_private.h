/* What the api's files share. HTTP thread. */
#ifndef BRIDGE_SRC_API_PRIVATE_H
#define BRIDGE_SRC_API_PRIVATE_H

#include "bridge/api.h"
#include "bridge/id_table.h"
#include "web/server.h"

/* A request that waits for the pipe thread. */
typedef struct pending {
  br_api *api;
  web_request *request;
  uint64_t command_id;
  uint64_t seq; /* of the injected event; 0: none yet */
  uint64_t session;
  uint32_t size_bytes;
  uint16_t pipe;
  web_timer timer; /* health only */
} pending;

struct br_api {
  br_api_options options;
  br_hub *hub;
  const char *backend;
  br_id_table pending; /* by command id */
  uint64_t next_command_id;
};

/* ---- api.c ---- */
/* Hands a command over; false: the command queue is full. */
bool br_api_send(br_api *api, const br_command *command, const void *payload);
/* Sends `command` (its id is set here) and keeps the request until the pipe thread answers. NULL: answered
 * with 429 or 503 already. */
pending *br_api_ask(br_api *api, web_request *request, br_command *command, const void *payload);
/* Takes the request back: the caller answers it. */
web_request *br_pending_finish(pending *waiting);
/* `status` with what was put together in `body`, or 503 if that failed. Takes the memory over. */
void br_api_respond(web_request *request, unsigned status, web_buffer *body);
void br_api_respond_as(web_request *request, unsigned status, const char *content_type,
                       web_buffer *body);
/* The pipe or session that the path (or `?pipe=`, `?session=`) names; NULL or 0: answered already. */
const br_pipe_info *br_api_pipe(br_api *api, web_request *request, const char *name,
                                uint16_t *out_index);
const br_session_info *br_api_session(br_api *api, web_request *request);
/* What `pipe`, `session`, `direction`, `kind` and `q` ask for, all of it at once; without `kind`, `otherwise` too
 * ("" or a filter). NULL: answered already. */
br_filter *br_api_filter(br_api *api, web_request *request, const char *otherwise);
/* `text` of the parameter or header `name`, a SEQ or RUN:SEQ; NULL leaves both outputs alone. False: answered already. */
bool br_api_since(br_api *api, web_request *request, const char *name, const char *text,
                  br_start_mode *out_start, uint64_t *out_seq);
/* A decimal number; false: not one. */
bool br_api_parse_u64(const char *text, uint64_t *out_value);

/* ---- api_lists.c ---- */
void br_handle_pipes(web_request *request, void *user);
void br_handle_pipe(web_request *request, void *user);
void br_handle_sessions(web_request *request, void *user);
void br_handle_session(web_request *request, void *user);
void br_handle_session_delete(web_request *request, void *user);

/* ---- api_messages.c ---- */
/* Which way an injection goes: from the bridge's end of the pipe's sessions. None: nothing can be sent into it; of a
 * tap it must be said. */
br_direction br_api_direction_said(const br_pipe_config *config);
void br_handle_pipe_message(web_request *request, void *user);
void br_handle_session_message(web_request *request, void *user);
void br_injection_seq(br_api *api, const br_event *injected);
void br_injection_result(br_api *api, const br_event *record);

/* ---- api_history.c ---- */
void br_handle_messages(web_request *request, void *user);

/* ---- api_raw.c ---- */
void br_handle_pipe_socket(web_request *request, void *user);

/* ---- api_events.c ---- */
/* The answer when there can be no observer. */
void br_api_respond_unobserved(web_request *request, br_observe_result result);
void br_handle_events(web_request *request, void *user);

/* ---- api_health.c ---- */
void br_handle_health(web_request *request, void *user);
void br_health_alive(br_api *api, const br_event *record);

#endif
