/* pc_server over the fake: what needs its clock, its failures on order or its small pipes. The
 * cases that every backend has are in tests/conformance. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "pipecore/fake.h"
#include "pipecore/server.h"

enum { SESSIONS_MAX = 16, TAGS_MAX = 64 };

typedef struct owner {
  pc_loop *loop;
  pc_server *server;
  pc_server_options options;
  pc_session *sessions[SESSIONS_MAX];
  unsigned connected;
  unsigned disconnected;
  unsigned messages;
  unsigned errors;
  unsigned stopped;
  pc_failure failure;
  pc_close_reason reason;
  pc_status status;
  uint64_t tags[TAGS_MAX];
  pc_status statuses[TAGS_MAX];
  unsigned written;
  pc_status answer; /* of on_message */
} owner_record;

static bool owner_on_connected(pc_session *session, const pc_peer *peer, void *user) {
  owner_record *owner = user;
  assert_int_equal(peer->pid, -1);
  owner->sessions[owner->connected++ % SESSIONS_MAX] = session;
  return true;
}

static pc_status owner_on_message(pc_session *session, const pc_message *message, void *user) {
  (void)session;
  (void)message;
  owner_record *owner = user;
  owner->messages += owner->answer == PC_OK;
  return owner->answer;
}

static void owner_on_written(pc_session *session, uint64_t tag, pc_status status, void *user) {
  (void)session;
  owner_record *owner = user;
  assert_true(owner->written < TAGS_MAX);
  owner->tags[owner->written] = tag;
  owner->statuses[owner->written++] = status;
}

static void owner_on_disconnected(pc_session *session, pc_close_reason reason, pc_status status,
                                  void *user) {
  (void)session;
  owner_record *owner = user;
  owner->disconnected++;
  owner->reason = reason;
  owner->status = status;
}

static void owner_on_error(pc_server *server, const pc_failure *failure, void *user) {
  (void)server;
  owner_record *owner = user;
  owner->errors++;
  owner->failure = *failure;
}

static void owner_on_stopped(pc_server *server, void *user) {
  (void)server;
  owner_record *owner = user;
  owner->stopped++;
}

static const pc_server_events owner_events = {.session = {.on_connected = owner_on_connected,
                                                          .on_message = owner_on_message,
                                                          .on_written = owner_on_written,
                                                          .on_disconnected = owner_on_disconnected},
                                              .on_error = owner_on_error,
                                              .on_stopped = owner_on_stopped};

static void owner_init(owner_record *owner, pc_type type) {
  *owner = (owner_record){.answer = PC_OK};
  owner->options =
      (pc_server_options){.path = "pipe", .type = type, .on = owner_events, .user = owner};
  pc_loop_options options = {.backend = PC_BACKEND_FAKE};
  assert_int_equal(pc_loop_create(&options, &owner->loop), PC_OK);
}

static void owner_start(owner_record *owner) {
  assert_int_equal(pc_server_start(owner->loop, &owner->options, &owner->server, NULL), PC_OK);
}

static void turns(owner_record *owner) {
  for (int count = 0; count < 20; count++) {
    assert_int_equal(pc_loop_turn(owner->loop, 0), PC_OK);
  }
}

static void advance(owner_record *owner, uint64_t ms) {
  pc_fake_advance(owner->loop, ms);
  turns(owner);
}

static pc_fake_end *connect_client(owner_record *owner) {
  pc_fake_end *client = NULL;
  assert_int_equal(pc_fake_connect(owner->loop, "pipe", NULL, &client), PC_OK);
  return client;
}

static void owner_fini(owner_record *owner) {
  if (owner->server && owner->stopped == 0) {
    pc_server_stop(owner->server, 0);
    turns(owner);
  }
  assert_int_equal(owner->stopped, owner->server != NULL);
  assert_int_equal(owner->connected, owner->disconnected);
  pc_server_destroy(owner->server);
  pc_loop_destroy(owner->loop);
}

/* ---- failures ---- */

static void failing_accepts_are_told_once_an_episode_and_tried_again_after_a_while(void **state) {
  (void)state;
  owner_record owner;
  owner_init(&owner, PC_TYPE_BYTE);
  owner_start(&owner);
  for (unsigned episode = 1; episode <= 2; episode++) {
    pc_fake_fail(owner.loop, "accept", PC_E_NO_MEMORY, 3);
    pc_fake_end *client = connect_client(&owner);
    turns(&owner);
    assert_int_equal(owner.errors, episode);
    assert_int_equal(owner.failure.status, PC_E_NO_MEMORY);
    assert_string_equal(owner.failure.action, "accept");
    assert_non_null(owner.failure.advice);
    advance(&owner, 99);
    advance(&owner, 1); /* the second try fails too */
    advance(&owner, 100);
    assert_int_equal(owner.connected, 2 * (episode - 1));
    advance(&owner, 100);
    assert_int_equal(owner.connected, 2 * episode - 1);
    /* One more within a second belongs to the same shortage, although a client came through. */
    pc_fake_fail(owner.loop, "accept", PC_E_NO_MEMORY, 1);
    pc_fake_end *next = connect_client(&owner);
    turns(&owner);
    advance(&owner, 100);
    assert_int_equal(owner.connected, 2 * episode);
    assert_int_equal(owner.errors, episode);
    pc_fake_close(client);
    pc_fake_close(next);
    turns(&owner);
    advance(&owner, 1000);
  }
  owner_fini(&owner);
}

static void failing_read_ends_the_session_with_the_systems_status(void **state) {
  (void)state;
  owner_record owner;
  owner_init(&owner, PC_TYPE_MESSAGE);
  owner_start(&owner);
  pc_fake_end *client = connect_client(&owner);
  turns(&owner);
  pc_fake_fail(owner.loop, "read", PC_E_SYSTEM, 1);
  turns(&owner);
  assert_int_equal(owner.disconnected, 1);
  assert_int_equal(owner.reason, PC_CLOSE_ERROR);
  assert_int_equal(owner.status, PC_E_SYSTEM);
  pc_fake_close(client);
  owner_fini(&owner);
}

static void failing_write_ends_the_session_and_tells_every_tag(void **state) {
  (void)state;
  owner_record owner;
  owner_init(&owner, PC_TYPE_MESSAGE);
  owner_start(&owner);
  pc_fake_end *client = connect_client(&owner);
  turns(&owner);
  pc_fake_fail(owner.loop, "write", PC_E_NO_MEMORY, 1);
  assert_int_equal(pc_session_write(owner.sessions[0], "a", 1, 7), PC_OK);
  assert_int_equal(pc_session_write(owner.sessions[0], "b", 1, 8), PC_OK);
  turns(&owner);
  assert_int_equal(owner.written, 2);
  assert_int_equal(owner.tags[0], 7);
  assert_int_equal(owner.tags[1], 8);
  assert_int_equal(owner.statuses[0], PC_E_NO_MEMORY);
  assert_int_equal(owner.disconnected, 1);
  assert_int_equal(owner.reason, PC_CLOSE_ERROR);
  assert_int_equal(owner.status, PC_E_NO_MEMORY);
  pc_fake_close(client);
  owner_fini(&owner);
}

/* ---- writing through a small pipe ---- */

static void stream_written_through_pipes_of_any_size_arrives_whole(void **state) {
  (void)state;
  static const char expected[] = "first,second,third,fourth,";
  for (size_t capacity = 1; capacity <= sizeof expected; capacity++) {
    owner_record owner;
    owner_init(&owner, PC_TYPE_BYTE);
    owner_start(&owner);
    pc_fake_set_capacity(owner.loop, capacity);
    pc_fake_end *client = connect_client(&owner);
    turns(&owner);
    assert_int_equal(pc_session_write(owner.sessions[0], "first,", 6, 1), PC_OK);
    assert_int_equal(pc_session_write(owner.sessions[0], "second,", 7, 2), PC_OK);
    turns(&owner);
    assert_int_equal(pc_session_write(owner.sessions[0], "third,", 6, 3), PC_OK);
    assert_int_equal(pc_session_write(owner.sessions[0], "fourth,", 7, 4), PC_OK);
    char got[64] = "";
    size_t size = 0;
    while (size < sizeof expected - 1) {
      size_t part = 0;
      if (pc_fake_read(client, got + size, sizeof got - size, &part) == PC_OK) {
        size += part;
      }
      turns(&owner);
    }
    assert_string_equal(got, expected);
    assert_int_equal(owner.written, 4);
    for (unsigned index = 0; index < 4; index++) {
      assert_int_equal(owner.tags[index], index + 1);
      assert_int_equal(owner.statuses[index], PC_OK);
    }
    pc_fake_close(client);
    turns(&owner);
    owner_fini(&owner);
  }
}

static void messages_of_one_turn_go_out_together_at_its_end(void **state) {
  (void)state;
  owner_record owner;
  owner_init(&owner, PC_TYPE_BYTE);
  owner_start(&owner);
  pc_fake_end *client = connect_client(&owner);
  turns(&owner);
  assert_int_equal(pc_session_write(owner.sessions[0], "one", 3, 1), PC_OK);
  assert_int_equal(pc_session_write(owner.sessions[0], "two", 3, 2), PC_OK);
  char got[16];
  size_t size;
  assert_int_equal(pc_fake_read(client, got, sizeof got, &size), PC_AGAIN);
  assert_int_equal(owner.written, 0); /* not inside the call */
  turns(&owner);
  assert_int_equal(pc_fake_read(client, got, sizeof got, &size), PC_OK);
  assert_int_equal(size, 6);
  pc_fake_close(client);
  turns(&owner);
  owner_fini(&owner);
}

/* ---- time ---- */

static void each_flush_has_its_own_two_seconds(void **state) {
  (void)state;
  owner_record owner;
  owner_init(&owner, PC_TYPE_BYTE);
  owner_start(&owner);
  pc_fake_set_capacity(owner.loop, 1);
  pc_fake_end *clients[3];
  for (int index = 0; index < 3; index++) {
    clients[index] = connect_client(&owner);
    turns(&owner);
    assert_int_equal(pc_session_write(owner.sessions[index], "never read", 10, 0), PC_OK);
  }
  for (unsigned index = 0; index < 3; index++) { /* at 0, 500 and 1000 ms */
    pc_session_close(owner.sessions[index], true);
    advance(&owner, 500);
  }
  advance(&owner, 499);
  assert_int_equal(owner.disconnected, 0);
  advance(&owner, 1);
  assert_int_equal(owner.disconnected, 1);
  pc_session_close(owner.sessions[1], false); /* not any more */
  turns(&owner);
  assert_int_equal(owner.disconnected, 2);
  advance(&owner, 999);
  assert_int_equal(owner.disconnected, 2);
  advance(&owner, 1);
  assert_int_equal(owner.disconnected, 3);
  for (int index = 0; index < 3; index++) {
    assert_int_equal(owner.statuses[index], PC_E_ABORTED);
    pc_fake_close(clients[index]);
  }
  owner_fini(&owner);
}

static void stop_waits_for_the_drain_time_and_no_longer(void **state) {
  (void)state;
  owner_record owner;
  owner_init(&owner, PC_TYPE_BYTE);
  owner_start(&owner);
  pc_fake_set_capacity(owner.loop, 1);
  pc_fake_end *lazy = connect_client(&owner);
  pc_fake_end *quick = connect_client(&owner);
  turns(&owner);
  assert_int_equal(pc_session_write(owner.sessions[0], "xyz", 3, 1), PC_OK);
  pc_server_stop(owner.server, 5000);
  turns(&owner);
  assert_int_equal(owner.disconnected, 1); /* nothing was left to write to that one */
  assert_int_equal(owner.reason, PC_CLOSE_STOP);
  advance(&owner, 4999);
  assert_int_equal(owner.disconnected, 1);
  assert_int_equal(owner.stopped, 0);
  advance(&owner, 1);
  assert_int_equal(owner.disconnected, 2);
  assert_int_equal(owner.stopped, 1);
  pc_fake_close(lazy);
  pc_fake_close(quick);
  owner_fini(&owner);
}

/* ---- options ---- */

static void start_is_refused(owner_record *owner, pc_status expected) {
  pc_server *server = NULL;
  pc_failure failure = {.status = PC_OK};
  assert_int_equal(pc_server_start(owner->loop, &owner->options, &server, &failure), expected);
  assert_null(server);
  assert_int_equal(failure.status, expected);
  assert_non_null(failure.action);
  assert_non_null(failure.advice);
}

static void options_that_make_no_sense_are_refused_with_advice(void **state) {
  (void)state;
  owner_record owner;
  owner_init(&owner, PC_TYPE_MESSAGE);
  const pc_server_options good = owner.options;
  owner.options.on.session.on_message = NULL;
  start_is_refused(&owner, PC_E_INVALID_ARG);
  owner.options = good;
  owner.options.framing = PC_FRAMING_LINE;
  start_is_refused(&owner, PC_E_INVALID_ARG);
  owner.options = good;
  owner.options.path = "";
  start_is_refused(&owner, PC_E_NAME);
  owner.options = good;
  owner.options.limits.max_instances = pc_limits_max.max_instances + 1;
  start_is_refused(&owner, PC_E_INVALID_ARG);
  owner.options = good;
  owner.options.limits.max_message_bytes = pc_limits_max.max_message_bytes + 1;
  start_is_refused(&owner, PC_E_INVALID_ARG);
  owner.options = good;
  owner.options.limits.max_write_queue_bytes = pc_limits_min.max_write_queue_bytes - 1;
  start_is_refused(&owner, PC_E_INVALID_ARG);
  owner.options = good;
  owner.options.limits.idle_timeout_ms = pc_limits_max.idle_timeout_ms + 1;
  start_is_refused(&owner, PC_E_INVALID_ARG);
  owner.options = good;
  owner.options.limits.accept_burst = 5; /* of what rate? */
  start_is_refused(&owner, PC_E_INVALID_ARG);
  owner.options = good;
  owner.options.type = PC_TYPE_BYTE;
  owner.options.framing = PC_FRAMING_LENGTH16_LE;
  owner.options.limits.max_message_bytes = 65536;
  start_is_refused(&owner, PC_E_INVALID_ARG);
  owner.options = good;
  static const pc_admission_rule anybody = {.uid = -1, .gid = -1};
  owner.options.admission = (pc_admission_rules){.allow = &anybody, .allow_count = 1};
  start_is_refused(&owner, PC_E_INVALID_ARG);
  owner.options.admission = (pc_admission_rules){.deny = &anybody, .deny_count = 1};
  start_is_refused(&owner, PC_E_INVALID_ARG);
  owner.options = good;
  owner_start(&owner);
  owner_fini(&owner);
}

static void fifo_of_a_backend_that_has_none_is_not_supported(void **state) {
  (void)state;
  owner_record owner;
  owner_init(&owner, PC_TYPE_BYTE);
  owner.options.transport = PC_TRANSPORT_FIFO;
  owner.options.access = PC_ACCESS_INBOUND;
  start_is_refused(&owner, PC_E_NOT_SUPPORTED);
  pc_loop_destroy(owner.loop);
}

static void callbacks_of_no_interest_may_be_missing(void **state) {
  (void)state;
  owner_record owner;
  owner_init(&owner, PC_TYPE_BYTE);
  owner.options.framing = PC_FRAMING_LINE;
  owner.options.on =
      (pc_server_events){.session = {.on_message = owner.options.on.session.on_message}};
  owner_start(&owner);
  pc_fake_fail(owner.loop, "accept", PC_E_NO_DESCRIPTORS, 1);
  pc_fake_end *client = connect_client(&owner);
  assert_int_equal(pc_fake_write(client, "one\ntwo\n", 8), PC_OK);
  turns(&owner);
  advance(&owner, 200); /* the accept is tried again */
  assert_int_equal(owner.messages, 2);
  assert_int_equal(pc_server_session_count(owner.server), 1);
  pc_server_stop(owner.server, 0);
  turns(&owner);
  assert_int_equal(pc_server_session_count(owner.server), 0);
  pc_fake_close(client);
  pc_server_destroy(owner.server);
  pc_loop_destroy(owner.loop);
}

static void every_limit_has_a_default_within_its_bounds(void **state) {
  (void)state;
  const uint32_t *defaults = (const uint32_t *)&pc_limits_default;
  const uint32_t *min = (const uint32_t *)&pc_limits_min;
  const uint32_t *max = (const uint32_t *)&pc_limits_max;
  assert_true(pc_limits_min.max_instances >= 1 && pc_limits_min.max_message_bytes >= 1);
  for (size_t index = 0; index < sizeof(pc_limits) / sizeof(uint32_t); index++) {
    assert_in_range(defaults[index], min[index], max[index]);
  }
}

static void every_close_reason_has_a_name(void **state) {
  (void)state;
  for (int reason = PC_CLOSE_PEER; reason <= PC_CLOSE_REFUSED; reason++) {
    assert_string_not_equal(pc_close_reason_name((pc_close_reason)reason), "unknown");
  }
  assert_string_equal(pc_close_reason_name((pc_close_reason)99), "unknown");
}

/* While the owner is full, sessions bring one message at a time: what they bring they have to
 * keep. */
static void owner_that_is_full_is_brought_little(void **state) {
  (void)state;
  owner_record owner;
  owner_init(&owner, PC_TYPE_MESSAGE);
  owner.answer = PC_AGAIN;
  owner_start(&owner);
  pc_fake_set_capacity(owner.loop, 4);
  pc_fake_end *first = connect_client(&owner);
  pc_fake_end *second = connect_client(&owner);
  turns(&owner);
  assert_int_equal(pc_fake_write(first, "full", 4), PC_OK);
  turns(&owner);
  for (int count = 0; count < 4; count++) {
    assert_int_equal(pc_fake_write(second, "x", 1), PC_OK);
  }
  turns(&owner);
  /* one of the four was read: there is room for one, and no more */
  assert_int_equal(pc_fake_write(second, "x", 1), PC_OK);
  assert_int_equal(pc_fake_write(second, "x", 1), PC_AGAIN);
  owner.answer = PC_OK;
  pc_session_resume(owner.sessions[0]);
  pc_session_resume(owner.sessions[1]);
  turns(&owner);
  assert_int_equal(owner.messages, 6);
  pc_fake_close(first);
  pc_fake_close(second);
  turns(&owner);
  owner_fini(&owner);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(failing_accepts_are_told_once_an_episode_and_tried_again_after_a_while),
      cmocka_unit_test(failing_read_ends_the_session_with_the_systems_status),
      cmocka_unit_test(failing_write_ends_the_session_and_tells_every_tag),
      cmocka_unit_test(stream_written_through_pipes_of_any_size_arrives_whole),
      cmocka_unit_test(messages_of_one_turn_go_out_together_at_its_end),
      cmocka_unit_test(each_flush_has_its_own_two_seconds),
      cmocka_unit_test(stop_waits_for_the_drain_time_and_no_longer),
      cmocka_unit_test(options_that_make_no_sense_are_refused_with_advice),
      cmocka_unit_test(fifo_of_a_backend_that_has_none_is_not_supported),
      cmocka_unit_test(callbacks_of_no_interest_may_be_missing),
      cmocka_unit_test(every_limit_has_a_default_within_its_bounds),
      cmocka_unit_test(every_close_reason_has_a_name),
      cmocka_unit_test(owner_that_is_full_is_brought_little),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
