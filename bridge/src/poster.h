/* Whom a POST's answer goes to: the request, and its Idempotency-Key if it has one. The request may
 * be gone before the answer is there (it waited too long); under a key the answer is kept
 * nevertheless. HTTP thread. */
#ifndef BRIDGE_SRC_POSTER_H
#define BRIDGE_SRC_POSTER_H

#include "api_private.h"
#include "idempotency.h"
#include "problem.h"

typedef struct br_poster br_poster;
struct br_poster {
  br_api *api;
  web_request *request; /* NULL: it is gone */
  br_key *key;          /* NULL: it has none */
  /* Of one whose request is gone. */
  void (*destroy)(br_poster *poster);
  br_poster *previous, *next; /* in api->orphans */
};

/* First of all: whether there is something to do for this request. False: answered already, by what
 * was answered before, or since its key is not possible. */
bool br_poster_admit(br_api *api, web_request *request);
/* Right before something is done: from here on the key is under way. False: answered already. */
bool br_poster_begin(br_poster *out_poster, br_api *api, web_request *request);

/* The request is gone. True: what is under way goes on for the key's sake; `destroy` ends it if the
 * program ends before it does. False: there is no key, end it. */
bool br_poster_outlives(br_poster *poster, void (*destroy)(br_poster *poster));

/* One of these follows, once. What was done, below 300, is kept under the key; what was refused may
 * be tried again. */
/* Takes the memory of `body` over. */
void br_poster_answer(br_poster *poster, unsigned status, web_buffer *body);
void br_poster_refuse(br_poster *poster, const br_problem *problem);

#endif
