/* One or many messages on their way into the same pipe or session, in order, and what became of
 * them in all. HTTP thread.
 *
 * Messages that find the command queue full are kept in here until there is room. Nothing is
 * allocated for a message. */
#ifndef BRIDGE_SRC_INJECTION_BATCH_H
#define BRIDGE_SRC_INJECTION_BATCH_H

#include "ask.h"
#include "bridge/registry.h"
#include "client_command.h"
#include "outcome.h"

enum { BR_BATCH_OUTCOMES_MAX = 12 }; /* more than there are codes */

typedef struct br_batch_outcome {
  br_outcome outcome;
  uint32_t count;
} br_batch_outcome;

typedef struct br_batch br_batch;
struct br_batch {
  /* The owner's, from the loop: the last message that waited is handed over. */
  void (*on_sent)(br_batch *batch);
  /* The owner's, from the loop: it is done. It may be freed in here. */
  void (*on_end)(br_batch *batch);
  void *user;
  br_asker *asker;
  const br_registry *registry;
  const br_sent_by *by; /* must outlive the batch  */
  br_command command;   /* its target and direction */

  br_client_messages rest; /* not handed over yet; of `kept` */
  uint8_t *kept;           /* owned */
  br_ask_waiter waiter;
  br_asked asked;
  /* What became of the others: how many by each code. */
  br_batch_outcome outcomes[BR_BATCH_OUTCOMES_MAX];
  uint32_t outcome_count;
  uint64_t bytes;
  uint64_t first_seq, last_seq;        /* of the `injected` events; 0: there was none */
  br_result last;                      /* result */
  char failure[BR_OUTCOME_TEXT_BYTES]; /* of the first that was refused, in words; "": none was */
};

/* Begins to hand over `messages`, which are borrowed for this call. What the owner sets is set, all
 * else is zero. Neither callback comes inside this call: look at br_batch_is_done behind it. */
void br_batch_begin(br_batch *batch, const br_client_messages *messages);
/* Nobody wants to know any more; what was not handed over is not injected. */
void br_batch_cancel(br_batch *batch);
static inline bool br_batch_is_waiting(const br_batch *batch) {
  return batch->rest.count > 0;
}
static inline bool br_batch_is_done(const br_batch *batch) {
  return batch->rest.count == 0 && batch->asked.under_way == 0;
}

#endif
