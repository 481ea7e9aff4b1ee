/* Requests that carry a key, so that who does not know whether one arrived can say it again: what
 * was done once is not done again, and gets the same answer. Bounded in number, bytes and time; the
 * oldest answers are forgotten first. After the Internet draft "The Idempotency-Key HTTP Header
 * Field". Pure but for memory; HTTP thread. */
#ifndef BRIDGE_SRC_IDEMPOTENCY_H
#define BRIDGE_SRC_IDEMPOTENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  BR_KEY_MAX_BYTES = 255,
  BR_KEYS_MAX = 1024,              /* keys known at once                     */
  BR_KEYS_BYTES = 4 << 20,         /* of all answers that are kept           */
  BR_KEYS_ANSWER_BYTES = 1 << 20,  /* of one                                 */
  BR_KEYS_KEEP_MS = 10 * 60 * 1000 /* after that an answered key is new again */
};

/* What a request asked for: two that differ have other fingerprints, but for an accident of 2^-128.
 * It is no protection against somebody who looks for another request with the same one. */
typedef struct br_fingerprint {
  uint64_t words[2];
} br_fingerprint;

/* Begins as {0}; each part counts with its bounds. `data` may be NULL if `size` is 0. */
void br_fingerprint_add(br_fingerprint *fingerprint, const void *data, size_t size);

typedef struct br_key br_key;   /* a request under a key */
typedef struct br_keys br_keys; /* all of them           */

typedef enum br_key_state {
  BR_KEY_NEW,       /* not known                                            */
  BR_KEY_UNDER_WAY, /* the same request goes on just now                    */
  BR_KEY_ANSWERED,  /* the same request was answered: `out_key` has it      */
  BR_KEY_OTHER      /* it is of another request                             */
} br_key_state;

br_keys *br_keys_create(void);
void br_keys_destroy(br_keys *keys); /* accepts NULL */

/* `out_key` is set if ANSWERED. */
br_key_state br_keys_find(br_keys *keys, const char *text, const br_fingerprint *fingerprint,
                          uint64_t now_ns, br_key **out_key);
/* Of one that is NEW: from now on it is UNDER_WAY. NULL: no memory, or all keys are of requests
 * under way. */
br_key *br_keys_begin(br_keys *keys, const char *text, const br_fingerprint *fingerprint);
/* It is ANSWERED by this, of at most BR_KEYS_ANSWER_BYTES; copied. Without memory for it the key is
 * forgotten. */
void br_keys_answer(br_keys *keys, br_key *key, unsigned status, const void *body, size_t size,
                    uint64_t now_ns);
/* Nothing was done: the key is NEW again. */
void br_keys_forget(br_keys *keys, br_key *key);

unsigned br_key_status(const br_key *key);
const void *br_key_body(const br_key *key, size_t *out_size);

#endif
