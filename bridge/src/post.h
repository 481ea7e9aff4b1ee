/* What a POST of messages comes to, once it is known whom it is for: one injection, one for each
 * session that a filter chooses, or a file of them. Each answers the request, now or later. HTTP
 * thread. */
#ifndef BRIDGE_SRC_POST_H
#define BRIDGE_SRC_POST_H

#include "api_private.h"

/* A message on its way in. */
typedef struct br_post_message {
  const void *data; /* valid during the call */
  size_t size;
  const char *direction; /* as `?direction=`; NULL: not said */
  bool is_waited_for;    /* for the kernel to take it */
} br_post_message;

/* ---- post.c ---- */
/* `command` says into what; the pipe takes the message. */
void br_post_one(br_api *api, web_request *request, br_command *command,
                 const br_post_message *message);

/* ---- post_matching.c ---- */
/* Into each open session that `filter` chooses, which is taken over. */
void br_post_matching(br_api *api, web_request *request, br_filter *filter,
                      const br_post_message *message);

/* ---- post_lines.c ---- */
/* The body as lines of JSON. `target`: where they go that do not say; its pipe counts if
 * `has_pipe`. */
void br_post_lines(br_api *api, web_request *request, const br_command *target, bool has_pipe);

#endif
