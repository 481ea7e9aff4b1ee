/* Answers to POSTs, kept under their keys. HTTP thread. */
#include "poster.h"

#include <string.h>

#include "host.h"

static const char *key_text(const web_request *request) {
  return web_request_header(request, "Idempotency-Key");
}

/* All that decides what a POST does. */
static br_fingerprint fingerprint_of(const web_request *request) {
  static const char *const params[] = {"pipe", "id"};
  static const char *const queries[] = {"pipe", "session", "q", "direction", "body", "wait"};
  br_fingerprint fingerprint = {{0}};
  for (size_t index = 0; index < sizeof params / sizeof params[0]; index++) {
    const char *value = web_request_param(request, params[index]);
    br_fingerprint_add(&fingerprint, value, value ? strlen(value) + 1 : 0);
  }
  for (size_t index = 0; index < sizeof queries / sizeof queries[0]; index++) {
    const char *value = web_request_query(request, queries[index]);
    br_fingerprint_add(&fingerprint, value, value ? strlen(value) + 1 : 0);
  }
  size_t size;
  const uint8_t *body = web_request_body(request, &size);
  br_fingerprint_add(&fingerprint, body, size);
  return fingerprint;
}

static bool key_is_possible(const char *text) {
  size_t size = strlen(text);
  for (size_t index = 0; index < size; index++) {
    if (text[index] < 0x20 || text[index] > 0x7e) {
      return false;
    }
  }
  return size > 0 && size <= BR_KEY_MAX_BYTES;
}

static void respond_again(web_request *request, const br_key *key) {
  size_t size;
  const void *body = br_key_body(key, &size);
  web_response_header(request, "Idempotency-Replayed", "true");
  web_respond(request, br_key_status(key), "application/json", body, size);
}

bool br_poster_admit(br_api *api, web_request *request) {
  const char *text = key_text(request);
  if (!text) {
    return true;
  }
  if (!key_is_possible(text)) {
    web_respond_problem(request, 400, "bad_idempotency_key",
                        "An Idempotency-Key is 1 to %d printable characters of ASCII.",
                        BR_KEY_MAX_BYTES);
    return false;
  }
  br_fingerprint fingerprint = fingerprint_of(request);
  br_key *key = NULL;
  switch (br_keys_find(api->keys, text, &fingerprint, br_host_mono_ns(), &key)) {
  case BR_KEY_NEW:
    return true;
  case BR_KEY_ANSWERED:
    respond_again(request, key);
    break;
  case BR_KEY_UNDER_WAY:
    web_response_header(request, "Retry-After", "1");
    web_respond_problem(request, 409, "idempotency_key_under_way",
                        "The request with this Idempotency-Key is not answered yet; try again.");
    break;
  case BR_KEY_OTHER:
    web_respond_problem(request, 422, "idempotency_key_reused",
                        "This Idempotency-Key was used for another request; take a new one for "
                        "each message.");
    break;
  }
  return false;
}

bool br_poster_begin(br_poster *out_poster, br_api *api, web_request *request) {
  const char *text = key_text(request);
  br_poster poster = {.api = api, .request = request};
  if (text) {
    br_fingerprint fingerprint = fingerprint_of(request);
    poster.key = br_keys_begin(api->keys, text, &fingerprint);
    if (!poster.key) {
      web_response_header(request, "Retry-After", "1");
      web_respond_problem(request, 429, "too_many_keys",
                          "%d requests with an Idempotency-Key are under way; try again.",
                          BR_KEYS_MAX);
      return false;
    }
  }
  *out_poster = poster;
  return true;
}

bool br_poster_outlives(br_poster *poster, void (*destroy)(br_poster *poster)) {
  if (!poster->key) {
    return false;
  }
  poster->request = NULL;
  poster->destroy = destroy;
  poster->previous = NULL;
  poster->next = poster->api->orphans;
  if (poster->next) {
    poster->next->previous = poster;
  }
  poster->api->orphans = poster;
  return true;
}

static void orphan_remove(const br_poster *poster) {
  *(poster->previous ? &poster->previous->next : &poster->api->orphans) = poster->next;
  if (poster->next) {
    poster->next->previous = poster->previous;
  }
}

void br_posters_fini(br_api *api) {
  while (api->orphans) {
    br_poster *orphan = api->orphans;
    orphan_remove(orphan);
    orphan->destroy(orphan);
  }
}

void br_poster_answer(br_poster *poster, unsigned status, web_buffer *body) {
  if (poster->key && !body->failed) {
    br_keys_answer(poster->api->keys, poster->key, status, body->data, body->size,
                   br_host_mono_ns());
  } else if (poster->key) {
    br_keys_forget(poster->api->keys, poster->key);
  }
  if (poster->request) {
    br_api_respond(poster->request, status, body);
  } else {
    orphan_remove(poster);
    web_buffer_fini(body);
  }
}

void br_poster_refuse(br_poster *poster, const br_problem *problem) {
  if (poster->key) {
    br_keys_forget(poster->api->keys, poster->key);
  }
  if (poster->request) {
    bool may_try_again = problem->status == 429 || strcmp(problem->code, "no_place") == 0;
    if (may_try_again) {
      web_response_header(poster->request, "Retry-After", "1");
    }
    br_problem_respond(poster->request, problem);
  } else {
    orphan_remove(poster);
  }
}
