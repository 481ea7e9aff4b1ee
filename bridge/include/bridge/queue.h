/* A bounded, lock-free, multi-producer single-consumer queue of variable-sized records: a byte
 * ring.
 *
 * A producer reserves by compare-and-swap, fills the record in place, and commits by release. The
 * consumer sees records in the order of their reservation, and zeroes what it consumed. FULL is a
 * result. Records are aligned to 8 bytes; one never wraps (a padding record fills the end of the
 * ring).
 *
 * Sleep protocol: the consumer says that it sleeps, looks once more, then waits; a producer that
 * finds it sleeping after a commit wakes it, once. Each function says which thread may call it. */
#ifndef BRIDGE_QUEUE_H
#define BRIDGE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct br_queue br_queue;

typedef enum br_queue_result { BR_QUEUE_OK, BR_QUEUE_FULL, BR_QUEUE_TOO_BIG } br_queue_result;

/* `capacity_bytes`: a power of two from 4 KiB to 1 GiB. NULL: no memory, or not such a number. */
br_queue *br_queue_create(size_t capacity_bytes);
void br_queue_destroy(br_queue *queue);
/* Largest record that br_queue_reserve accepts: a quarter of the capacity less the header. */
size_t br_queue_max_record_bytes(const br_queue *queue);

/* ---- producers: any thread ---- */
/* On OK, `*out_record` has room for `size` bytes, all zero, aligned to 8; commit it soon: the
 * consumer waits behind it. Otherwise nothing happened: FULL passes when the consumer drains,
 * TOO_BIG never. */
br_queue_result br_queue_reserve(br_queue *queue, size_t size, void **out_record);
void br_queue_commit(br_queue *queue, void *record);
/* Call once after a batch of commits: true if the consumer slept; the caller must then wake it, and
 * nobody else will. */
bool br_queue_wake_needed(br_queue *queue);

/* For the one producer that waits when the queue is full, instead of giving up. False: the queue is
 * at most half full, go on. True: wait; br_queue_room_wanted will tell the consumer once. */
bool br_queue_prepare_wait(br_queue *queue);

/* ---- the consumer: one thread ---- */
/* Call after br_queue_drain: true if the producer waits and the queue is at most half full again;
 * the caller must then wake it, and nobody else will. */
bool br_queue_room_wanted(br_queue *queue);
typedef void (*br_queue_handler)(const void *record, size_t size, void *user);
/* Hands over at most `max_bytes` of records, counted as they lie in the ring (at least one record,
 * if there is one). Returns their number. A record is valid during the handler, which must not call
 * a function for the consumer; its space is free again after br_queue_drain returned: keep
 * `max_bytes` well below the capacity. */
size_t br_queue_drain(br_queue *queue, size_t max_bytes, br_queue_handler handler, void *user);
/* Bytes consumed so far. */
uint64_t br_queue_position(const br_queue *queue);
/* As of now: no reason to sleep, or not to (br_queue_prepare_sleep is). */
bool br_queue_is_empty(const br_queue *queue);
/* False: there are records, do not sleep. True: wait now; then, for whatever reason the wait ended,
 * call br_queue_awake before the next drain. A wake-up may come once too often, never too
 * rarely. */
bool br_queue_prepare_sleep(br_queue *queue);
void br_queue_awake(br_queue *queue);

/* Bytes of the ring reserved and not yet consumed, headers and padding included. Any thread; a
 * snapshot. */
size_t br_queue_used_bytes(const br_queue *queue);

#endif
