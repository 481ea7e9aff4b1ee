/* One injection by POST. HTTP thread.
 *
 * Success: the command reaches the pipe thread, its `injected` event gets a seq, its result says
 * that the kernel took the bytes: 201, or 202 when nobody has them yet. Not waited for: 202 as soon
 * as it is handed over. Failures: as outcome.c has them. The request gives up first (504): under a
 * key, the answer is kept for the next. */
#include "post.h"

#include <stdlib.h>

#include "check.h"
#include "outcome.h"
#include "poster.h"

enum { ANSWER_MAX_BYTES = 4096 };

typedef struct post {
  br_asked asked;
  br_poster poster;
  struct post *next_free;
} post;

/* ---- those under way ---- */

static post *post_create(br_api *api) {
  post *created = api->free_posts;
  if (created) {
    api->free_posts = created->next_free;
  } else {
    created = malloc(sizeof *created);
  }
  return created;
}

/* There are never more than connections, and keys. */
static void post_recycle(br_api *api, post *ended) {
  ended->next_free = api->free_posts;
  api->free_posts = ended;
}

void br_posts_fini(br_api *api) {
  while (api->free_posts) {
    post *unused = api->free_posts;
    api->free_posts = unused->next_free;
    free(unused);
  }
}

static void post_end(br_poster *poster) {
  post *ended = BR_CONTAINER_OF(poster, post, poster);
  br_ask_cancel(&poster->api->asker, &ended->asked);
  post_recycle(poster->api, ended);
}

static void on_abandon(web_request *request, void *user) {
  post *abandoned = user;
  (void)request;
  if (!br_poster_outlives(&abandoned->poster, post_end)) {
    post_end(&abandoned->poster);
  }
}

/* ---- answers ---- */

static void on_result(br_asked *asked, const br_result *result) {
  post *ended = asked->user;
  br_api *api = ended->poster.api;
  const br_registry *registry = br_hub_registry(api->hub);
  br_outcome outcome = br_outcome_of_result(asked, result);
  if (outcome.status < 300) {
    web_buffer body;
    web_buffer_init(&body, ANSWER_MAX_BYTES);
    web_buffer_append_text(&body, "{");
    br_api_describe_taken(&body, api, asked, result);
    web_buffer_append_text(&body, "}\n");
    br_poster_answer(&ended->poster, outcome.status, &body);
  } else {
    br_problem problem;
    const br_pipe_info *pipe = br_registry_pipe_at(registry, asked->pipe);
    br_problem_of_result(asked, result, pipe ? pipe->config : NULL, &problem);
    br_poster_refuse(&ended->poster, &problem);
  }
  post_recycle(api, ended);
}

static void respond_accepted(br_poster *poster, const br_command *command) {
  const br_api *api = poster->api;
  web_buffer body;
  web_buffer_init(&body, ANSWER_MAX_BYTES);
  web_buffer_append_format(
      &body,
      "{\"run\":\"%s\",\"result\":\"accepted\",\"pipe\":\"%s\",\"session\":%llu,\"bytes\":%u}\n",
      br_hub_run(api->hub), br_registry_name(br_hub_registry(api->hub), command->pipe),
      (unsigned long long)command->session, command->size_bytes);
  br_poster_answer(poster, 202, &body);
}

/* ---- requests ---- */

/* Nobody waits for what becomes of it. */
static void post_unwaited(br_poster *poster, br_command *command, const void *data,
                          const br_sent_by *by) {
  br_ask_status status = br_ask_send(&poster->api->asker, command, data, by);
  if (status == BR_ASK_OK) {
    respond_accepted(poster, command);
  } else {
    br_problem problem;
    br_problem_of_ask(status, &problem);
    br_poster_refuse(poster, &problem);
  }
}

static void post_waited(br_poster *poster, br_command *command, const void *data,
                        const br_sent_by *by) {
  br_api *api = poster->api;
  post *sent = post_create(api);
  br_ask_status status = BR_ASK_NO_MEMORY;
  if (sent) {
    *sent = (post){.asked = {.on_result = on_result, .user = sent}, .poster = *poster};
    status = br_ask(&api->asker, &sent->asked, command, data, by);
  }
  if (status == BR_ASK_OK) {
    web_request_on_abandon(poster->request, on_abandon, sent);
    return;
  }
  br_problem problem;
  br_problem_of_ask(status, &problem);
  br_poster_refuse(poster, &problem);
  if (sent) {
    post_recycle(api, sent);
  }
}

void br_post_one(br_api *api, web_request *request, br_command *command,
                 const br_post_message *message) {
  br_poster poster;
  br_sent_by by;
  if (!br_poster_begin(&poster, api, request)) {
    return;
  }
  br_api_sent_by(request, "http", &by);
  command->size_bytes = (uint32_t)message->size;
  if (message->is_waited_for) {
    post_waited(&poster, command, message->data, &by);
  } else {
    post_unwaited(&poster, command, message->data, &by);
  }
}
