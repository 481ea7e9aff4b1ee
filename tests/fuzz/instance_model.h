/* A model of instances, for fuzz_instance.c: what was written each way and not read yet, which
 * client has which server's end, and what is pending. What the library answers is checked against
 * it, and then applied to it. One thread.
 *
 * The model does not know how much the system holds: a write may be over or wait. But it knows the
 * order, that no read may wait when there is something to read, and no write when there is nothing
 * unread before it. */
#ifndef TESTS_FUZZ_INSTANCE_MODEL_H
#define TESTS_FUZZ_INSTANCE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "fuzz.h"
#include "pipecore/instance.h"

enum {
  SERVERS_MAX = 3,
  CLIENTS_MAX = 4,
  ENDS_MAX = SERVERS_MAX + CLIENTS_MAX,
  PENDING_MAX = 6,
  BACKLOG_MAX = 16,
  MESSAGE_MAX = 65536
};

typedef struct model_operation model_operation;

/* What one write put into its stream, or will. Freed when it is read and its write is over. */
typedef struct model_chunk {
  uint32_t seed;
  uint32_t size; /* fewer than were to be written, if that ended in the middle */
  uint32_t read; /* of them */
  bool is_pending;
  bool is_out; /* of its stream: read, or nobody will */
  struct model_chunk *next;
} model_chunk;

typedef struct model_stream {
  model_chunk *first;
} model_stream;

/* A client and what it is connected with. */
typedef struct model_link {
  model_stream to_server;
  model_stream to_client;
  bool is_client_gone;
  bool is_server_gone;
  unsigned references;
} model_link;

typedef enum operation_kind { CONNECT, READ, WRITE } operation_kind;

struct model_operation {
  pc_overlapped overlapped; /* first: a routine finds its operation by it */
  operation_kind kind;
  bool has_routine;
  uint8_t *data;
  uint32_t size;
  uint8_t *request;   /* of a transaction: what it wrote */
  model_chunk *chunk; /* of a write */
  bool is_told;       /* by its routine */
  bool is_over;       /* its result is in the model */
  pc_status status;
  uint32_t bytes;
  model_operation *next; /* of those that are not told yet */
};

typedef struct model_queue {
  model_operation *all[PENDING_MAX];
  unsigned count;
} model_queue;

typedef struct model_end {
  pc_instance *instance; /* NULL: closed */
  bool is_server;
  bool is_message_mode;
  pc_instance_state state; /* CLOSING counts as connected */
  bool is_presented;       /* a connect told of the client */
  model_link *link;        /* of a server's end: NULL unless connected */
  model_queue connects;
  model_queue reads;
  model_queue writes;
} model_end;

typedef struct model {
  pc_type type;
  bool asks_results; /* how progress is made: by asking for results, or by waits only */
  bool is_waiting;   /* inside an alertable wait */
  model_end ends[ENDS_MAX];
  model_end *listening[SERVERS_MAX]; /* in the order in which they began */
  unsigned listening_count;
  model_link *backlog[BACKLOG_MAX];
  unsigned backlog_count;
  model_operation *untold; /* with a routine that did not run yet */
  uint32_t seed;
} model_state;

uint8_t model_byte(uint32_t seed, uint32_t index);

/* ---- streams ---- */
model_stream *stream_in(const model_end *end);
model_stream *stream_out(const model_end *end);
/* What this end reads or writes has nobody at the other side. */
bool is_other_gone(const model_end *end);
model_chunk *stream_append(model_stream *stream, uint32_t seed, uint32_t size);
void stream_remove(model_stream *stream, model_chunk *chunk);

/* ---- ends ---- */
unsigned server_count(const model_state *model);
void client_add(model_state *model, model_end *end);
void server_listen(model_state *model, model_end *end);
/* Closed (PC_E_ABORTED) or disconnected (PC_E_NOT_CONNECTED): what pends ends so. */
void end_leave(model_state *model, model_end *end, pc_status why);

/* ---- operations ---- */
model_operation *operation_create(operation_kind kind, bool has_routine, uint32_t size);
void operation_free(model_operation *operation);
void model_routine(pc_status status, uint32_t bytes, pc_overlapped *overlapped);
/* What the call that began it answered. */
void operation_begun(model_state *model, model_end *end, model_operation *operation,
                     pc_status status);
/* A read of a message pipe in byte mode that finds no bytes went over messages that have none. */
void empty_messages_skip(const model_state *model, model_end *end);
/* A cancelled one is over. */
void operation_cancelled(model_state *model, model_end *end, model_queue *queue, unsigned index);

/* Everything that is over goes into the model; then nothing may pend that has no reason to. */
void model_settle(model_state *model);
/* Alertable waits, until nothing is due. */
void model_wait(model_state *model);

#endif
