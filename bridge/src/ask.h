/* Asking the pipe thread: a command goes through the command queue, what becomes of it comes back
 * through the event queue, and whoever asked is told. Everything that injects (POST, files of
 * messages, WebSockets, calls) and what only wants to hear that the thread lives goes this way.
 * HTTP thread.
 *
 * A br_asked lies in its owner, who does not free it while it is under way: until on_result, which
 * comes exactly once for each br_ask and never inside it, or br_ask_cancel. Nothing is allocated
 * for it. Many commands may be under way for one, which has one id for all of them: their results
 * are counted, not told apart. */
#ifndef BRIDGE_SRC_ASK_H
#define BRIDGE_SRC_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/event.h"
#include "bridge/id_table.h"
#include "bridge/queue.h"
#include "sent_by.h"

typedef struct br_asked br_asked;
struct br_asked {
  /* The owner's. If no other command is under way for it, it may be freed in here. */
  void (*on_result)(br_asked *asked, const br_result *result);
  void *user;
  /* Set by br_ask, from the command. */
  uint64_t command_id; /* 0: not under way */
  uint32_t under_way;  /* commands */
  uint32_t size_bytes;
  uint64_t session; /* 0: the whole pipe */
  uint16_t pipe;
  /* Of the `injected` event, known before on_result; 0: there was none. Of many commands, the first
   * and the last. */
  uint64_t first_seq;
  uint64_t seq;
};

/* Somebody whose command found the queue full. Lies in its owner; zeroed but for the first two
 * members. */
typedef struct br_ask_waiter br_ask_waiter;
struct br_ask_waiter {
  /* The owner's, from the loop: there is room, try again; if that is still not enough, wait again.
   * It may be freed in here. */
  void (*on_room)(br_ask_waiter *waiter);
  void *user;
  bool is_waiting;
  uint64_t round;
  br_ask_waiter *previous, *next;
};

/* This thread's end of the command queue. */
typedef struct br_asker {
  br_queue *commands;
  void (*wake_pipes)(void *user); /* there are new commands; the pipe thread sleeps */
  void *user;
  br_id_table waiting; /* br_asked by command id */
  uint64_t last_command_id;
  br_ask_waiter *waiter_first, *waiter_last; /* for room, longest first */
  uint64_t waiter_round;
} br_asker;

typedef enum br_ask_status {
  BR_ASK_OK,
  BR_ASK_FULL,    /* passes when the pipe thread has taken what waits */
  BR_ASK_TOO_BIG, /* never fits                                       */
  BR_ASK_NO_MEMORY
} br_ask_status;

/* A zeroed asker with the first three members set is a new one. Nothing may be under way. */
void br_asker_fini(br_asker *asker);

/* Hands `command` over with its payload and who sent it (NULL: unknown, or no injection); its id
 * and time are set here. Nobody waits for what becomes of it. */
br_ask_status br_ask_send(br_asker *asker, br_command *command, const void *payload,
                          const br_sent_by *by);
/* Likewise, and `asked` is told. Unless BR_ASK_OK nothing was sent and nothing more is under
 * way. */
br_ask_status br_ask(br_asker *asker, br_asked *asked, br_command *command, const void *payload,
                     const br_sent_by *by);
/* Who asked has gone: on_result will not come. What was asked happens nevertheless. Also of one
 * that is not under way. */
void br_ask_cancel(br_asker *asker, br_asked *asked);

/* on_room comes when the queue is at most half full. Of one that waits already: nothing happens. */
void br_ask_wait(br_asker *asker, br_ask_waiter *waiter);
/* It will not come. Also of one that does not wait. */
void br_ask_wait_cancel(br_asker *asker, br_ask_waiter *waiter);
/* Once a turn of the loop: lets those try that wait, if there is room. */
void br_ask_serve_waiters(br_asker *asker);
/* Right before the loop may sleep; false: there is room now. True: who makes room wakes this
 * thread. */
bool br_ask_prepare_sleep(br_asker *asker);

/* From the event queue: an `injected` event, which has its seq, or a BR_RECORD_RESULT. */
void br_ask_on_injected(br_asker *asker, const br_event *injected);
void br_ask_on_result(br_asker *asker, const br_event *record);

#endif
