/* What the api's files share. HTTP thread. */
#ifndef BRIDGE_SRC_API_PRIVATE_H
#define BRIDGE_SRC_API_PRIVATE_H

#include "ask.h"
#include "bridge/api.h"
#include "call.h"
#include "idempotency.h"
#include "injection_target.h"
#include "pipe_request.h"
#include "web/server.h"

struct br_api {
  br_api_options options;
  br_hub *hub;
  const char *backend;
  br_asker asker;
  br_pipe_requester requester;
  struct raw_socket *raw_sockets;
  br_calls calls;
  struct connection *connections; /* WebSockets with a session of their own, all; */
  br_id_table connecting;         /* by the command that asked for the session,   */
  br_id_table connected;          /* and by the session                           */
  br_keys *keys;
  struct post *free_posts;
  struct br_poster *orphans; /* whose request is gone, and whose key waits for the answer */
  uint32_t files_count;      /* of messages, under way */
};

/* ---- api.c ---- */
/* The answer when a command could not be sent. */
void br_api_respond_unasked(web_request *request, br_ask_status status);
/* Who injects by this request; `via` names the surface. */
void br_api_sent_by(const web_request *request, const char *via, br_sent_by *out_by);
/* What became of an injection that was taken, as members of an object, without its braces. */
void br_api_describe_taken(web_buffer *out, const br_api *api, const br_asked *asked,
                           const br_result *result);
/* `status` with what was put together in `body`, or 503 if that failed. Takes the memory over. */
void br_api_respond(web_request *request, unsigned status, web_buffer *body);
void br_api_respond_as(web_request *request, unsigned status, const char *content_type,
                       web_buffer *body);
/* The pipe or session that the path (or `?pipe=`, `?session=`) names; NULL or 0: answered
 * already. */
const br_pipe_info *br_api_pipe(br_api *api, web_request *request, const char *name,
                                uint16_t *out_index);
const br_session_info *br_api_session(br_api *api, web_request *request);

/* ---- api_filter.c ---- */
/* As br_filter_of_parameters, of the request's. NULL: answered already. */
br_filter *br_api_filter(br_api *api, web_request *request, const char *otherwise);
/* Likewise, but it chooses sessions. */
br_filter *br_api_session_filter(br_api *api, web_request *request);
/* As br_max_lag_parse, of the request's. False: answered already. */
bool br_api_max_lag(web_request *request, uint32_t *out_bytes);
/* As br_since_parse, of the parameter or header `name`. False: answered already. */
bool br_api_since(br_api *api, web_request *request, const char *name, const char *text,
                  br_start_mode *out_start, uint64_t *out_seq);

/* ---- api_pipes.c ---- */
void br_handle_pipe(web_request *request, void *user);
void br_handle_pipe_put(web_request *request, void *user);
void br_handle_pipe_patch(web_request *request, void *user);
void br_handle_pipe_delete(web_request *request, void *user);

/* ---- api_lists.c ---- */
void br_handle_pipes(web_request *request, void *user);
void br_handle_sessions(web_request *request, void *user);
void br_handle_session(web_request *request, void *user);
void br_handle_session_delete(web_request *request, void *user);

/* ---- api_messages.c ---- */
void br_handle_pipe_message(web_request *request, void *user);
void br_handle_session_message(web_request *request, void *user);
void br_handle_message(web_request *request, void *user);

/* ---- post.c, poster.c ---- */
void br_posters_fini(br_api *api);
void br_posts_fini(br_api *api);

/* ---- api_call.c ---- */
void br_handle_session_call(web_request *request, void *user);
void br_handle_pipe_call(web_request *request, void *user);

/* ---- api_history.c ---- */
void br_handle_messages(web_request *request, void *user);

/* ---- api_raw.c ---- */
/* A pipe has changed or gone. */
void br_raw_sockets_look_at_pipe(br_api *api, uint16_t index);
/* Subprotocols of a WebSocket that stands for a pipe. */
extern const char *const br_raw_protocols[];
/* What `type` and the subprotocol ask for, else `is_binary`. False: answered already. */
bool br_raw_type(web_request *request, bool is_binary, bool *out_is_binary);
/* False: no upgrade was asked for, which is answered. */
bool br_raw_is_upgrade(web_request *request);
void br_handle_pipe_socket(web_request *request, void *user);

/* ---- api_connect.c ---- */
void br_handle_pipe_connect(web_request *request, void *user);
/* An event of a private session, or a record for one. */
void br_connection_on_record(br_api *api, const br_event *record);
void br_connections_fini(br_api *api);

/* ---- api_events.c ---- */
/* The answer when there can be no observer. */
void br_api_unobserved(br_observe_result result, br_problem *out_problem);
void br_api_respond_unobserved(web_request *request, br_observe_result result);
void br_handle_events(web_request *request, void *user);

/* ---- api_description.c ---- */
void br_handle_description(web_request *request, void *user);

/* ---- api_health.c ---- */
void br_handle_health(web_request *request, void *user);

#endif
