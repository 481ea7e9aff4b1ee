/* Commands under way, by their id. HTTP thread.
 *
 * Success: reserved in the command queue, copied once, the pipe thread woken if it sleeps; the
 * result finds its br_asked by the id. Failures: the queue is full, told at once; who asked has
 * gone, then its id finds nothing. */
#include "ask.h"

#include <string.h>

#include "check.h"
#include "host.h"

void br_asker_fini(br_asker *asker) {
  BR_CHECK(asker->waiting.count == 0);
  br_id_table_fini(&asker->waiting);
}

static br_ask_status command_push(br_asker *asker, const br_command *command, const void *payload,
                                  const br_sent_by *by) {
  void *record;
  br_queue_result result =
      br_queue_reserve(asker->commands, sizeof *command + br_command_tail_bytes(command), &record);
  if (result != BR_QUEUE_OK) {
    return result == BR_QUEUE_FULL ? BR_ASK_FULL : BR_ASK_TOO_BIG;
  }
  memcpy(record, command, sizeof *command);
  uint8_t *tail = (uint8_t *)((br_command *)record + 1);
  if (command->size_bytes) {
    memcpy(tail, payload, command->size_bytes);
  }
  if (command->by_bytes) {
    memcpy(tail + command->size_bytes, by->json, command->by_bytes);
  }
  br_queue_commit(asker->commands, record);
  if (br_queue_wake_needed(asker->commands)) {
    asker->wake_pipes(asker->user);
  }
  return BR_ASK_OK;
}

static br_ask_status command_send(br_asker *asker, br_command *command, uint64_t id,
                                  const void *payload, const br_sent_by *by) {
  command->id = id;
  command->asked_ns = br_host_mono_ns();
  command->by_bytes = by ? by->size : 0;
  return command_push(asker, command, payload, by);
}

br_ask_status br_ask_send(br_asker *asker, br_command *command, const void *payload,
                          const br_sent_by *by) {
  return command_send(asker, command, ++asker->last_command_id, payload, by);
}

br_ask_status br_ask(br_asker *asker, br_asked *asked, br_command *command, const void *payload,
                     const br_sent_by *by) {
  bool is_first = asked->under_way == 0;
  uint64_t id = is_first ? ++asker->last_command_id : asked->command_id;
  /* Before the command is on its way, so that what cannot be waited for is not done either. */
  if (is_first && !br_id_table_put(&asker->waiting, id, asked)) {
    return BR_ASK_NO_MEMORY;
  }
  br_ask_status status = command_send(asker, command, id, payload, by);
  if (status != BR_ASK_OK) {
    if (is_first) {
      (void)br_id_table_remove(&asker->waiting, id);
    }
    return status;
  }
  if (is_first) {
    asked->command_id = id;
    asked->first_seq = asked->seq = 0;
  }
  asked->under_way++;
  asked->session = command->session;
  asked->size_bytes = command->size_bytes;
  asked->pipe = command->pipe;
  return BR_ASK_OK;
}

static void asked_end(br_asker *asker, br_asked *asked) {
  (void)br_id_table_remove(&asker->waiting, asked->command_id);
  asked->command_id = 0;
  asked->under_way = 0;
}

void br_ask_cancel(br_asker *asker, br_asked *asked) {
  if (asked->under_way > 0) {
    asked_end(asker, asked);
  }
}

void br_ask_on_injected(br_asker *asker, const br_event *injected) {
  br_asked *asked = br_id_table_get(&asker->waiting, injected->command_id);
  if (asked) {
    asked->first_seq = asked->first_seq ? asked->first_seq : injected->seq;
    asked->seq = injected->seq;
  }
}

void br_ask_on_result(br_asker *asker, const br_event *record) {
  br_asked *asked = br_id_table_get(&asker->waiting, record->command_id);
  if (asked) {
    br_result result;
    memcpy(&result, br_event_payload(record), sizeof result);
    if (asked->under_way == 1) {
      asked_end(asker, asked);
    } else {
      asked->under_way--;
    }
    asked->on_result(asked, &result);
  }
}

/* ---- waiting for room ---- */

void br_ask_wait(br_asker *asker, br_ask_waiter *waiter) {
  if (waiter->is_waiting) {
    return;
  }
  waiter->is_waiting = true;
  waiter->round = asker->waiter_round;
  waiter->next = NULL;
  waiter->previous = asker->waiter_last;
  *(waiter->previous ? &waiter->previous->next : &asker->waiter_first) = waiter;
  asker->waiter_last = waiter;
}

void br_ask_wait_cancel(br_asker *asker, br_ask_waiter *waiter) {
  if (!waiter->is_waiting) {
    return;
  }
  waiter->is_waiting = false;
  *(waiter->previous ? &waiter->previous->next : &asker->waiter_first) = waiter->next;
  *(waiter->next ? &waiter->next->previous : &asker->waiter_last) = waiter->previous;
}

void br_ask_serve_waiters(br_asker *asker) {
  if (br_ask_prepare_sleep(asker)) {
    return;
  }
  /* Who waits again meanwhile has its turn in the next round. */
  uint64_t round = ++asker->waiter_round;
  while (asker->waiter_first && asker->waiter_first->round != round) {
    br_ask_waiter *waiter = asker->waiter_first;
    br_ask_wait_cancel(asker, waiter);
    waiter->on_room(waiter);
  }
}

bool br_ask_prepare_sleep(br_asker *asker) {
  return !asker->waiter_first || br_queue_prepare_wait(asker->commands);
}
