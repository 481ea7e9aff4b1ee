/* What the files of a WebSocket of GET /api/v1/events share: events_socket.c (its life and its
 * answers), events_view.c (what it shows), events_inject.c and events_call.c (what it asks of pipes
 * and sessions). HTTP thread. */
#ifndef BRIDGE_SRC_EVENTS_SOCKET_PRIVATE_H
#define BRIDGE_SRC_EVENTS_SOCKET_PRIVATE_H

#include "client_command.h"
#include "events_socket.h"

typedef struct events_socket {
  br_api *api;
  web_socket *socket;
  br_observer *observer; /* NULL: paused, or nothing is subscribed to */
  /* What the next observer begins with; its filter is not in here. */
  br_observe_options options;
  char *filter_text; /* owned; of the subscription while it is paused */
  bool is_paused;
  bool is_subscribed;
  br_sent_by by;
  struct socket_injection *injections; /* under way, the newest first */
  uint32_t injection_count;
  bool is_deaf;              /* its client is not listened to */
  br_ask_waiter listener;    /* until it is again             */
  struct socket_call *calls; /* under way */
} events_socket;

/* ---- events_socket.c ---- */
/* {"type":"answer","id":…,"ok":true, to be gone on with. */
web_buffer br_events_answer_begin(const char *id);
/* Closes the object and sends it. */
void br_events_answer_end(events_socket *self, web_buffer *answer);
void br_events_error(events_socket *self, const char *id, unsigned status, const char *code,
                     const char *detail);
void br_events_problem(events_socket *self, const char *id, const br_problem *problem);

/* ---- events_view.c ---- */
/* Begins to observe by the observer that there is. */
void br_events_show(events_socket *self);
void br_events_subscribe(events_socket *self, const br_client_command *command);
void br_events_unsubscribe(events_socket *self, const br_client_command *command);
void br_events_pause(events_socket *self, const br_client_command *command);
void br_events_resume(events_socket *self, const br_client_command *command);

/* ---- events_call.c ---- */
void br_events_call(events_socket *self, const br_client_command *command);
/* Nobody waits for the answers any more. */
void br_events_forget_calls(events_socket *self);

/* ---- events_inject.c ---- */
/* Of an open session: sessions close before their pipe goes. */
const br_pipe_info *br_events_pipe(const br_registry *registry, const br_session_info *session);
void br_events_inject(events_socket *self, const br_client_command *command);
void br_events_disconnect(events_socket *self, const br_client_command *command);
/* Nobody waits for what is under way any more. */
void br_events_forget_injections(events_socket *self);

#endif
