/* pc_client on the fake's clock: when it tries, what it tells, which options it refuses. */
#include "test.h"

#include <string.h>

#include "pipecore/client.h"
#include "pipecore/fake.h"

typedef struct owner_record {
  pc_loop *loop;
  pc_client *client;
  pc_client_options options;
  pc_waiting waiting;
  unsigned waiting_count;
  unsigned connected_count;
  unsigned disconnected_count;
  unsigned stopped_count;
} owner_record;

static bool owner_on_connected(pc_session *session, const pc_peer *peer, void *user) {
  (void)session;
  assert_int_equal(peer->pid, 4711);
  ((owner_record *)user)->connected_count++;
  return true;
}

static pc_status owner_on_message(pc_session *session, const pc_message *message, void *user) {
  (void)session;
  (void)message;
  (void)user;
  return PC_OK;
}

static void owner_on_written(pc_session *session, uint64_t tag, pc_status status, void *user) {
  (void)session;
  (void)tag;
  (void)status;
  (void)user;
}

static void owner_on_disconnected(pc_session *session, pc_close_reason reason, pc_status status,
                                  void *user) {
  (void)session;
  (void)reason;
  (void)status;
  ((owner_record *)user)->disconnected_count++;
}

static void owner_on_waiting(pc_client *client, const pc_waiting *waiting, void *user) {
  owner_record *owner = user;
  assert_ptr_equal(client, owner->client);
  owner->waiting = *waiting;
  owner->waiting_count++;
}

static void owner_on_stopped(pc_client *client, void *user) {
  (void)client;
  ((owner_record *)user)->stopped_count++;
}

static void owner_init(owner_record *owner) {
  *owner = (owner_record){.options = {.path = "pipe",
                                      .type = PC_TYPE_BYTE,
                                      .framing = PC_FRAMING_LINE,
                                      .reconnect = {.first_delay_ms = 100, .max_delay_ms = 1600},
                                      .seed = 3,
                                      .on = {.session = {.on_connected = owner_on_connected,
                                                         .on_message = owner_on_message,
                                                         .on_written = owner_on_written,
                                                         .on_disconnected = owner_on_disconnected},
                                             .on_waiting = owner_on_waiting,
                                             .on_stopped = owner_on_stopped},
                                      .user = owner}};
  pc_loop_options loop_options = {.backend = PC_BACKEND_FAKE};
  assert_int_equal(pc_loop_create(&loop_options, &owner->loop), PC_OK);
}

static void turn(owner_record *owner) {
  for (int count = 0; count < 5; count++) {
    assert_int_equal(pc_loop_turn(owner->loop, 0), PC_OK);
  }
}

static void owner_fini(owner_record *owner) {
  pc_client_stop(owner->client, 0);
  turn(owner);
  assert_int_equal(owner->stopped_count, 1);
  pc_client_destroy(owner->client);
  pc_loop_destroy(owner->loop);
}

static void owner_start(owner_record *owner) {
  owner_init(owner);
  assert_int_equal(pc_client_start(owner->loop, &owner->options, &owner->client, NULL), PC_OK);
  turn(owner);
}

/* A server that lets the client in, stays for `ms`, and goes. */
static void server_serve(owner_record *owner, uint64_t ms) {
  const pc_peer peer = {.pid = 4711};
  pc_fake_listener *listener;
  pc_fake_end *end;
  assert_int_equal(pc_fake_listen(owner->loop, "pipe", PC_TYPE_BYTE, &peer, &listener), PC_OK);
  unsigned connected = owner->connected_count;
  pc_fake_advance(owner->loop, owner->waiting.delay_ms);
  turn(owner);
  assert_int_equal(owner->connected_count, connected + 1);
  assert_int_equal(pc_fake_accept(listener, &end), PC_OK);
  pc_fake_advance(owner->loop, ms);
  turn(owner);
  pc_fake_close(end);
  pc_fake_unlisten(listener);
  turn(owner);
  assert_int_equal(owner->disconnected_count, connected + 1);
}

static void each_try_comes_when_it_was_announced_and_not_before(void **state) {
  (void)state;
  owner_record owner;
  owner_start(&owner);
  for (unsigned count = 1; count < 20; count++) {
    assert_int_equal(owner.waiting_count, count);
    assert_int_equal(owner.waiting.failed_count, count);
    assert_int_equal(owner.waiting.failure.status, PC_E_NOT_FOUND);
    pc_fake_advance(owner.loop, owner.waiting.delay_ms - 1);
    turn(&owner);
    assert_int_equal(owner.waiting_count, count);
    pc_fake_advance(owner.loop, 1);
    turn(&owner);
  }
  owner_fini(&owner);
}

static void delays_grow_until_a_session_lasted(void **state) {
  (void)state;
  owner_record owner;
  owner_start(&owner);
  uint32_t longest = 0;
  for (unsigned count = 0; count < 40; count++) {
    pc_fake_advance(owner.loop, owner.waiting.delay_ms);
    turn(&owner);
    longest = owner.waiting.delay_ms > longest ? owner.waiting.delay_ms : longest;
    assert_in_range(owner.waiting.delay_ms, 1, 1600);
  }
  assert_true(longest > 800);
  server_serve(&owner, 1000);
  assert_int_equal(owner.waiting.failure.status, PC_OK);
  assert_int_equal(owner.waiting.failed_count, 0);
  assert_in_range(owner.waiting.delay_ms, 1, 100);
  owner_fini(&owner);
}

static void server_that_lets_in_and_throws_out_is_left_alone_more_and_more(void **state) {
  (void)state;
  owner_record owner;
  owner_start(&owner);
  uint32_t longest = 0;
  for (unsigned count = 0; count < 20; count++) {
    server_serve(&owner, 10);
    longest = owner.waiting.delay_ms > longest ? owner.waiting.delay_ms : longest;
  }
  assert_true(longest > 800);
  owner_fini(&owner);
}

static void same_seed_tries_at_the_same_times(void **state) {
  (void)state;
  uint32_t delays[10];
  for (int run = 0; run < 2; run++) {
    owner_record owner;
    owner_start(&owner);
    for (int count = 0; count < 10; count++) {
      if (run == 0) {
        delays[count] = owner.waiting.delay_ms;
      }
      assert_int_equal(owner.waiting.delay_ms, delays[count]);
      pc_fake_advance(owner.loop, owner.waiting.delay_ms);
      turn(&owner);
    }
    owner_fini(&owner);
  }
}

static void failures_of_any_kind_are_told_and_tried_again(void **state) {
  (void)state;
  static const pc_status failures[] = {PC_E_ACCESS, PC_E_BUSY, PC_E_NO_DESCRIPTORS, PC_E_NO_MEMORY,
                                       PC_E_SYSTEM};
  owner_record owner;
  owner_start(&owner);
  for (unsigned index = 0; index < sizeof failures / sizeof *failures; index++) {
    pc_fake_fail(owner.loop, "connect", failures[index], 1);
    pc_fake_advance(owner.loop, owner.waiting.delay_ms);
    turn(&owner);
    assert_int_equal(owner.waiting.failure.status, failures[index]);
  }
  server_serve(&owner, 1);
  owner_fini(&owner);
}

static void refused(pc_loop *loop, const pc_client_options *options, pc_status expected) {
  pc_client *client = NULL;
  pc_failure failure = {.status = PC_OK};
  assert_int_equal(pc_client_start(loop, options, &client, &failure), expected);
  assert_int_equal(failure.status, expected);
  assert_non_null(failure.action);
  assert_non_null(failure.advice);
  assert_null(client);
}

static void options_out_of_bounds_are_refused(void **state) {
  (void)state;
  owner_record owner;
  owner_init(&owner);
  const pc_client_options good = owner.options;
  pc_client_options options = good;
  options.path = "";
  refused(owner.loop, &options, PC_E_NAME);
  options = good;
  options.on.session.on_message = NULL;
  refused(owner.loop, &options, PC_E_INVALID_ARG);
  options = good;
  options.reconnect = (pc_reconnect){.first_delay_ms = 200, .max_delay_ms = 100};
  refused(owner.loop, &options, PC_E_INVALID_ARG);
  options.reconnect = (pc_reconnect){.max_delay_ms = pc_reconnect_max.max_delay_ms + 1};
  refused(owner.loop, &options, PC_E_INVALID_ARG);
  options.reconnect = (pc_reconnect){.first_delay_ms = pc_reconnect_max.first_delay_ms + 1};
  refused(owner.loop, &options, PC_E_INVALID_ARG);
  options = good;
  options.limits.max_message_bytes = pc_limits_max.max_message_bytes + 1;
  refused(owner.loop, &options, PC_E_INVALID_ARG);
  options = good;
  options.type = PC_TYPE_MESSAGE; /* with a framing */
  refused(owner.loop, &options, PC_E_INVALID_ARG);
  pc_loop_destroy(owner.loop);
}

/* One of the two delays alone is enough. */
static void delay_that_is_not_given_fits_the_one_that_is(void **state) {
  (void)state;
  static const pc_reconnect given[] = {
      {0, 0}, {0, 20}, {20 * 1000, 0}, {0, 3600 * 1000}, {60 * 1000, 0}};
  for (unsigned index = 0; index < sizeof given / sizeof *given; index++) {
    owner_record owner;
    owner_init(&owner);
    owner.options.reconnect = given[index];
    assert_int_equal(pc_client_start(owner.loop, &owner.options, &owner.client, NULL), PC_OK);
    owner_fini(&owner);
  }
}

static void callbacks_of_no_interest_may_be_missing(void **state) {
  (void)state;
  owner_record owner;
  owner_init(&owner);
  owner.options.on = (pc_client_events){.session = {.on_message = owner_on_message}};
  assert_int_equal(pc_client_start(owner.loop, &owner.options, &owner.client, NULL), PC_OK);
  turn(&owner);
  pc_fake_advance(owner.loop, 100);
  turn(&owner);
  pc_client_stop(owner.client, 0);
  turn(&owner);
  pc_client_destroy(owner.client);
  pc_loop_destroy(owner.loop);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_try_comes_when_it_was_announced_and_not_before),
      cmocka_unit_test(delays_grow_until_a_session_lasted),
      cmocka_unit_test(server_that_lets_in_and_throws_out_is_left_alone_more_and_more),
      cmocka_unit_test(same_seed_tries_at_the_same_times),
      cmocka_unit_test(failures_of_any_kind_are_told_and_tried_again),
      cmocka_unit_test(options_out_of_bounds_are_refused),
      cmocka_unit_test(callbacks_of_no_interest_may_be_missing),
      cmocka_unit_test(delay_that_is_not_given_fits_the_one_that_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
