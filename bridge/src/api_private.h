/* What the api's files share. HTTP thread. */
#ifndef BRIDGE_SRC_API_PRIVATE_H
#define BRIDGE_SRC_API_PRIVATE_H

#include "ask.h"
#include "bridge/api.h"
#include "web/server.h"

struct br_api {
  br_api_options options;
  br_hub *hub;
  const char *backend;
  br_asker asker;
  struct post *free_posts;
};

/* ---- api.c ---- */
/* The answer when a command could not be sent. */
void br_api_respond_unasked(web_request *request, br_ask_status status);
/* Who injects by this request; `via` names the surface. */
void br_api_sent_by(const web_request *request, const char *via, br_sent_by *out_by);
/* `status` with what was put together in `body`, or 503 if that failed. Takes the memory over. */
void br_api_respond(web_request *request, unsigned status, web_buffer *body);
void br_api_respond_as(web_request *request, unsigned status, const char *content_type,
                       web_buffer *body);
/* The pipe or session that the path (or `?pipe=`, `?session=`) names; NULL or 0: answered already. */
const br_pipe_info *br_api_pipe(br_api *api, web_request *request, const char *name,
                                uint16_t *out_index);
const br_session_info *br_api_session(br_api *api, web_request *request);
void br_api_respond_no_session(web_request *request, const char *id);
/* What `pipe`, `session`, `direction`, `kind` and `q` ask for, all of it at once; without `kind`, `otherwise` too
 * ("" or a filter). NULL: answered already. */
br_filter *br_api_filter(br_api *api, web_request *request, const char *otherwise);
/* `text` of the parameter or header `name`, a SEQ or RUN:SEQ; NULL leaves both outputs alone. False: answered already. */
bool br_api_since(br_api *api, web_request *request, const char *name, const char *text,
                  br_start_mode *out_start, uint64_t *out_seq);
/* A decimal number; false: not one. */
bool br_api_parse_u64(const char *text, uint64_t *out_value);

/* ---- api_lists.c ---- */
/* As br_api_filter, but it chooses sessions. */
br_filter *br_api_session_filter(br_api *api, web_request *request);
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
void br_posts_fini(br_api *api);

/* ---- api_history.c ---- */
void br_handle_messages(web_request *request, void *user);

/* ---- api_raw.c ---- */
void br_handle_pipe_socket(web_request *request, void *user);

/* ---- api_events.c ---- */
/* The answer when there can be no observer. */
void br_api_respond_unobserved(web_request *request, br_observe_result result);
void br_handle_events(web_request *request, void *user);

/* ---- api_description.c ---- */
void br_handle_description(web_request *request, void *user);

/* ---- api_health.c ---- */
void br_handle_health(web_request *request, void *user);

#endif
