/* A hash table of keys, and a list of the answered ones, oldest first. HTTP thread. */
#include "idempotency.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { BUCKETS = BR_KEYS_MAX, NS_PER_MS = 1000000 };

struct br_key {
  br_key *next_in_bucket;
  br_key *older, *newer; /* among the answered */
  br_fingerprint fingerprint;
  uint64_t answered_ns; /* 0: under way */
  unsigned status;
  void *body; /* owned */
  size_t body_bytes;
  char text[];
};

struct br_keys {
  br_key *buckets[BUCKETS];
  br_key *oldest, *newest; /* answered */
  size_t count;
  size_t answer_bytes;
};

/* ---- fingerprints ---- */

static uint64_t mix(uint64_t hash, uint64_t word, uint64_t factor) {
  hash = (hash ^ word) * factor;
  return hash ^ hash >> 29;
}

static void fingerprint_mix(br_fingerprint *fingerprint, uint64_t word) {
  fingerprint->words[0] = mix(fingerprint->words[0], word, UINT64_C(0x9e3779b97f4a7c15));
  fingerprint->words[1] =
      mix(fingerprint->words[1] + UINT64_C(0x632be59bd9b4e019), word, UINT64_C(0xd6e8feb86659fd93));
}

void br_fingerprint_add(br_fingerprint *fingerprint, const void *data, size_t size) {
  const uint8_t *at = data;
  fingerprint_mix(fingerprint, size);
  for (size_t left = size; left > 0;) {
    uint64_t word = 0;
    size_t part = left < sizeof word ? left : sizeof word;
    memcpy(&word, at, part);
    fingerprint_mix(fingerprint, word);
    at += part;
    left -= part;
  }
}

static bool fingerprint_equals(const br_fingerprint *one, const br_fingerprint *other) {
  return one->words[0] == other->words[0] && one->words[1] == other->words[1];
}

/* ---- the table ---- */

br_keys *br_keys_create(void) {
  return calloc(1, sizeof(br_keys));
}

static br_key **bucket_of(br_keys *keys, const char *text) {
  br_fingerprint hash = {{0}};
  br_fingerprint_add(&hash, text, strlen(text));
  return &keys->buckets[hash.words[0] % BUCKETS];
}

static void answered_append(br_keys *keys, br_key *key) {
  key->older = keys->newest;
  *(keys->newest ? &keys->newest->newer : &keys->oldest) = key;
  keys->newest = key;
}

static void answered_remove(br_keys *keys, br_key *key) {
  *(key->older ? &key->older->newer : &keys->oldest) = key->newer;
  *(key->newer ? &key->newer->older : &keys->newest) = key->older;
}

void br_keys_forget(br_keys *keys, br_key *key) {
  br_key **link = bucket_of(keys, key->text);
  while (*link != key) {
    link = &(*link)->next_in_bucket;
  }
  *link = key->next_in_bucket;
  if (key->answered_ns != 0) {
    answered_remove(keys, key);
  }
  keys->count--;
  keys->answer_bytes -= key->body_bytes;
  free(key->body);
  free(key);
}

static void oldest_forget(br_keys *keys) {
  BR_CHECK(keys->oldest->answered_ns != 0 && !keys->oldest->older);
  br_keys_forget(keys, keys->oldest);
}

void br_keys_destroy(br_keys *keys) {
  for (size_t index = 0; keys && index < BUCKETS; index++) {
    while (keys->buckets[index]) {
      br_keys_forget(keys, keys->buckets[index]);
    }
  }
  free(keys);
}

static void expired_forget(br_keys *keys, uint64_t now_ns) {
  while (keys->oldest &&
         keys->oldest->answered_ns + (uint64_t)BR_KEYS_KEEP_MS * NS_PER_MS <= now_ns) {
    oldest_forget(keys);
  }
}

br_key_state br_keys_find(br_keys *keys, const char *text, const br_fingerprint *fingerprint,
                          uint64_t now_ns, br_key **out_key) {
  expired_forget(keys, now_ns);
  br_key *key = *bucket_of(keys, text);
  while (key && strcmp(key->text, text) != 0) {
    key = key->next_in_bucket;
  }
  if (!key) {
    return BR_KEY_NEW;
  }
  if (!fingerprint_equals(&key->fingerprint, fingerprint)) {
    return BR_KEY_OTHER;
  }
  if (key->answered_ns == 0) {
    return BR_KEY_UNDER_WAY;
  }
  *out_key = key;
  return BR_KEY_ANSWERED;
}

br_key *br_keys_begin(br_keys *keys, const char *text, const br_fingerprint *fingerprint) {
  size_t size = strlen(text) + 1;
  if (keys->count == BR_KEYS_MAX && keys->oldest) {
    oldest_forget(keys);
  }
  br_key *key = keys->count < BR_KEYS_MAX ? calloc(1, sizeof *key + size) : NULL;
  if (key) {
    br_key **bucket = bucket_of(keys, text);
    memcpy(key->text, text, size);
    key->fingerprint = *fingerprint;
    key->next_in_bucket = *bucket;
    *bucket = key;
    keys->count++;
  }
  return key;
}

void br_keys_answer(br_keys *keys, br_key *key, unsigned status, const void *body, size_t size,
                    uint64_t now_ns) {
  BR_CHECK(size <= BR_KEYS_ANSWER_BYTES);
  while (keys->oldest && keys->answer_bytes + size > BR_KEYS_BYTES) {
    oldest_forget(keys);
  }
  key->body = malloc(size + 1);
  if (!key->body) {
    br_keys_forget(keys, key);
    return;
  }
  keys->answer_bytes += size;
  memcpy(key->body, body, size);
  key->body_bytes = size;
  key->status = status;
  key->answered_ns = now_ns > 0 ? now_ns : 1;
  answered_append(keys, key);
}

unsigned br_key_status(const br_key *key) {
  return key->status;
}

const void *br_key_body(const br_key *key, size_t *out_size) {
  *out_size = key->body_bytes;
  return key->body;
}
