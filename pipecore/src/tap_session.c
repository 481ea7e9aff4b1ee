/* One client of a tap and its upstream. The loop's thread.
 *
 * Success: a client is accepted and not read yet → connect → both sessions are joined, and relay.c
 * passes on what either says → each session ends when both of its directions have ended
 * (session_*.c) → with the second one the pair is told closed. Failures: the upstream cannot be had
 * (told; the client is closed; a full backlog is tried again for a while, as a client of its own
 * would wait there); one session ends for another reason: the other one ends too, after it got what
 * was said. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "tap_private.h"

enum { INSERTION_WAIT_MS = 500, BUSY_RETRY_MS = 20, BUSY_RETRIES = 250, NS_PER_MS = 1000000 };

static pc_tap_session *pair_of(const pc_relay_end *end) {
  return PC_CONTAINER_OF(end->relay, pc_tap_session, relay);
}

static pc_relay_end *client_end(pc_tap_session *pair) {
  return &pair->relay.ends[0];
}

static pc_relay_end *upstream_end(pc_tap_session *pair) {
  return &pair->relay.ends[1];
}

/* The end through which a direction reaches its receiver. */
static pc_relay_end *end_to(pc_tap_session *pair, pc_direction direction) {
  return direction == PC_DIRECTION_C2S ? upstream_end(pair) : client_end(pair);
}

/* ---- the end of a pair ---- */

/* A reason that somebody gave counts for more than a side that simply closed. */
static void pair_note_end(pc_tap_session *pair, pc_close_reason reason, pc_status status) {
  bool is_plain = reason == PC_CLOSE_PEER || reason == PC_CLOSE_UPSTREAM;
  bool was_plain = pair->end.reason == PC_CLOSE_PEER || pair->end.reason == PC_CLOSE_UPSTREAM;
  if (!pair->has_end || (was_plain && !is_plain)) {
    pair->has_end = true;
    pair->end.reason = reason;
    pair->end.status = status;
  }
}

static void pair_end_if_done(pc_tap_session *pair) {
  pc_tap *tap = pair->tap;
  if (client_end(pair)->session || upstream_end(pair)->session ||
      pair->connect.operation.state != PC_OPERATION_IDLE) {
    return;
  }
  pc_timer_stop(tap->loop, &pair->retry_timer);
  for (int index = 0; index < 2; index++) {
    const pc_relay_end *end = &pair->relay.ends[index];
    pair->end.lost_bytes[end->direction] = end->lost_bytes;
    pair->end.lost_descriptors[end->direction] += end->lost_descriptors;
  }
  if (pair->is_opened) {
    if (tap->on.on_closed) {
      tap->on.on_closed(pair, &pair->end, tap->user);
    }
  }
  pc_session_discard(pair->spare);
  free(pair);
  tap->pair_count--;
  pc_server_linger(tap->server, -1);
  pc_tap_end_if_done(tap);
}

/* ---- insertions ---- */

pc_insertion_list *pc_tap_insertions(pc_relay *relay) {
  return &pair_of(&relay->ends[0])->tap->insertions;
}

void pc_tap_insertion_end(pc_insertion *insertion, pc_status status) {
  pc_tap_session *pair = pair_of(insertion->end);
  pc_direction direction = insertion->end->other->direction;
  uint64_t tag = insertion->tag;
  free(insertion);
  if (tag != 0 && pair->tap->on.on_written) {
    pair->tap->on.on_written(pair, direction, tag, status, pair->tap->user);
  }
}

static void insertion_timer_start(pc_tap *tap) {
  uint64_t deadline_ns = tap->insertions.oldest->deadline_ns;
  uint64_t now_ns = pc_loop_now_ns(tap->loop);
  uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
  pc_timer_start_reserved(tap->loop, &tap->insertion_timer, (left_ns + NS_PER_MS - 1) / NS_PER_MS);
}

void pc_tap_on_insertion_timer(pc_timer *timer, void *user) {
  (void)timer;
  pc_tap *tap = user;
  uint64_t now_ns = pc_loop_now_ns(tap->loop);
  while (tap->insertions.oldest && tap->insertions.oldest->deadline_ns <= now_ns) {
    /* The oldest of all is the first of its end. */
    pc_tap_insertion_end(pc_relay_waiting_pop(tap->insertions.oldest->end), PC_E_TIMEOUT);
  }
  if (tap->insertions.oldest) {
    insertion_timer_start(tap);
  }
}

pc_status pc_tap_session_write(pc_tap_session *session, pc_direction direction, const void *data,
                               uint32_t size, uint64_t tag) {
  pc_tap *tap = session->tap;
  pc_loop_check_thread(tap->loop);
  uint64_t deadline_ns = pc_loop_now_ns(tap->loop) + (uint64_t)INSERTION_WAIT_MS * NS_PER_MS;
  bool was_empty = !tap->insertions.oldest;
  pc_status status = pc_relay_insert(end_to(session, direction), data, size, tag, deadline_ns);
  if (was_empty && tap->insertions.oldest) {
    insertion_timer_start(tap);
  }
  return status;
}

/* ---- sessions' callbacks ---- */

static pc_status session_on_message(pc_session *session, const pc_message *message, void *user) {
  const pc_tap *tap = user;
  const pc_relay_end *end = session->relay;
  return tap->on.on_message(pair_of(end), end->direction, message, tap->user);
}

static void session_on_skipped(pc_session *session, uint64_t size_bytes, void *user) {
  const pc_tap *tap = user;
  const pc_relay_end *end = session->relay;
  if (tap->on.on_skipped) {
    tap->on.on_skipped(pair_of(end), end->direction, size_bytes, tap->user);
  }
}

static bool session_on_input_end(pc_session *session, void *user) {
  (void)session;
  (void)user;
  return true; /* the other side may have more to say */
}

/* Of what passes the tag is 0. */
static void session_on_written(pc_session *session, uint64_t tag, pc_status status, void *user) {
  (void)user;
  if (tag != 0) {
    pc_insertion *insertion = (pc_insertion *)(uintptr_t)tag;
    session->relay->inserted_bytes -= insertion->wire_bytes;
    pc_tap_insertion_end(insertion, status);
  }
}

void pc_tap_unframed(pc_relay_end *end) {
  pc_tap_session *pair = pair_of(end);
  if (pair->tap->on.on_unframed) {
    pair->tap->on.on_unframed(pair, end->direction, pair->tap->user);
  }
}

void pc_tap_input_ended(pc_relay_end *end) {
  bool is_client = end->direction == PC_DIRECTION_C2S;
  pair_note_end(pair_of(end), is_client ? PC_CLOSE_PEER : PC_CLOSE_UPSTREAM, PC_OK);
}

static void session_on_disconnected(pc_session *session, pc_close_reason reason, pc_status status,
                                    void *user) {
  (void)user;
  pc_relay_end *end = session->relay;
  if (!end) {
    return; /* refused for want of memory */
  }
  pc_tap_session *pair = pair_of(end);
  pair->end.lost_descriptors[end->other->direction] += session->queue.lost_count;
  pc_session *other = end->other->session;
  if (reason != PC_CLOSE_PEER) {
    pair_note_end(pair, reason, status);
  }
  end->session = NULL;
  if (end == client_end(pair)) {
    pc_server_linger(pair->tap->server,
                     1); /* until the pair is gone: its upstream's queue is memory too */
  }
  pc_relay_refuse_waiting(end, PC_E_NOT_CONNECTED);
  if (reason == PC_CLOSE_PEER || reason == PC_CLOSE_ERROR) {
    pc_relay_input_end(end, true); /* what it has said is delivered, however long that takes */
  } else if (other) {
    pc_session_end(other, reason, status, true);
  }
  pair_end_if_done(pair);
}

const pc_session_events pc_tap_session_events = {.on_message = session_on_message,
                                                 .on_skipped = session_on_skipped,
                                                 .on_input_end = session_on_input_end,
                                                 .on_written = session_on_written,
                                                 .on_disconnected = session_on_disconnected};

/* ---- a client comes ---- */

static void tap_tell_unreachable(pc_tap *tap, const pc_peer *client, const pc_failure *failure) {
  if (tap->on.on_unreachable) {
    tap->on.on_unreachable(tap, client, failure, tap->user);
  }
}

static void pair_fail(pc_tap_session *pair, const pc_failure *failure) {
  pc_tap *tap = pair->tap;
  pc_session *client = client_end(pair)->session;
  if (client && client->state == SESSION_OPEN) {
    tap_tell_unreachable(tap, &pair->client_peer, failure);
    pc_session_end(client, PC_CLOSE_ERROR, failure->status, false);
  }
  pair_end_if_done(pair);
}

static void pair_connect(pc_tap_session *pair) {
  pair->tap->upstreams.backend->connect(pc_loop_backend_state(pair->tap->loop), &pair->connect);
}

static void pair_on_retry_timer(pc_timer *timer, void *user) {
  (void)timer;
  pair_connect(user);
}

/* A full backlog is where a client of the upstream's own would wait. */
static bool pair_retries(pc_tap_session *pair) {
  return pair->connect.failure.status == PC_E_BUSY && pair->busy_count++ < BUSY_RETRIES &&
         client_end(pair)->session && !pair->tap->is_stopping &&
         pc_timer_start(pair->tap->loop, &pair->retry_timer, BUSY_RETRY_MS) == PC_OK;
}

static void pair_on_connect(pc_operation *operation) {
  pc_tap_session *pair = PC_CONTAINER_OF(operation, pc_tap_session, connect.operation);
  if (operation->status == PC_OK) {
    pc_session *session = pair->spare;
    pair->spare = NULL;
    upstream_end(pair)->session = session;
    session->relay = upstream_end(pair);
    pc_host_add(&pair->tap->upstreams, session, pair->connect.channel, &pair->connect.peer);
  } else if (!pair_retries(pair)) {
    pair_fail(pair, &pair->connect.failure);
  }
}

/* Both are there. */
bool pc_tap_on_upstream(pc_session *session, const pc_peer *peer, void *user) {
  pc_tap *tap = user;
  pc_tap_session *pair = pair_of(session->relay);
  pc_session *client = client_end(pair)->session;
  if (!client || client->state != SESSION_OPEN) {
    return false;
  }
  pair->is_opened = true;
  if (tap->on.on_opened && !tap->on.on_opened(pair, &pair->client_peer, peer, tap->user)) {
    pair_note_end(pair, PC_CLOSE_REFUSED, PC_OK);
    pc_session_end(client, PC_CLOSE_REFUSED, PC_OK, false);
    return false;
  }
  pair->relay.is_joined = true;
  pc_session_read_next(client);
  return true;
}

static pc_tap_session *pair_create(pc_tap *tap, pc_session *client, const pc_peer *peer) {
  pc_tap_session *pair = calloc(1, sizeof *pair);
  pc_session *spare = pc_session_create(&tap->upstreams);
  if (!pair || !spare) {
    free(pair);
    pc_session_discard(spare);
    return NULL;
  }
  pair->tap = tap;
  pair->spare = spare;
  pair->client_peer = *peer;
  pair->connect.path = tap->upstream;
  pair->connect.type = tap->type;
  pair->connect.max_message_bytes = tap->max_message_bytes;
  pair->connect.is_passing = true;
  pc_operation_init(&pair->connect.operation, pair_on_connect);
  pair->retry_timer = (pc_timer){.routine = pair_on_retry_timer, .user = pair};
  pc_relay_init(&pair->relay);
  client_end(pair)->session = client;
  client->relay = client_end(pair);
  tap->pair_count++;
  return pair;
}

bool pc_tap_on_client(pc_session *session, const pc_peer *peer, void *user) {
  pc_tap *tap = user;
  pc_tap_session *pair = pair_create(tap, session, peer);
  if (!pair) {
    pc_failure failure = {.status = PC_E_NO_MEMORY, .action = "connect"};
    tap_tell_unreachable(tap, peer, &failure);
    return false;
  }
  pair_connect(pair);
  return true;
}

/* ---- the owner's calls ---- */

void pc_tap_session_close(pc_tap_session *session, bool flush) {
  for (int index = 0; index < 2; index++) {
    if (session->relay.ends[index].session) {
      pc_session_close(session->relay.ends[index].session, flush);
    }
  }
}

void pc_tap_session_resume(pc_tap_session *session) {
  for (int index = 0; index < 2; index++) {
    if (session->relay.ends[index].session) {
      pc_session_resume(session->relay.ends[index].session);
    }
  }
}

void pc_tap_session_describe_client(const pc_tap_session *session, uint32_t parts,
                                    pc_peer_details *out_details) {
  const pc_session *client = session->relay.ends[0].session;
  if (client) {
    pc_session_describe_peer(client, parts, out_details);
  } else {
    memset(out_details, 0, sizeof *out_details);
  }
}

void pc_tap_session_set_user(pc_tap_session *session, void *session_user) {
  session->user = session_user;
}

void *pc_tap_session_user(const pc_tap_session *session) {
  return session->user;
}
