/* The registry: what is known of open sessions, of closed ones, and of those that it had to forget;
 * pipes that come and go. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/describe.h"
#include "bridge/registry.h"

enum { FIRST_WALL_NS = 1000 };

typedef struct fixture {
  br_pipe_config pipe;
  br_pipe_live live;
  br_registry registry;
} fixture;

static int set_up(void **state) {
  static fixture made;
  made = (fixture){.pipe = {.name = (char *)"demo"}};
  uint16_t index;
  assert_true(br_registry_init(&made.registry));
  assert_int_equal(br_registry_reserve(&made.registry, "demo", &index), BR_RESERVE_OK);
  assert_int_equal(index, 0);
  br_registry_add(&made.registry, index, &made.pipe, &made.live);
  *state = &made;
  return 0;
}

static int tear_down(void **state) {
  fixture *made = *state;
  br_registry_fini(&made->registry);
  return 0;
}

/* As the pipe thread announces it. */
static br_session_info *session_open(fixture *made, uint64_t id) {
  static const pc_peer_details nothing;
  static uint8_t packed[BR_PEER_DETAILS_MAX_BYTES];
  struct {
    br_event event;
    br_opened opened;
  } record = {
      .event = {.kind = BR_EVENT_OPENED, .session = id, .wall_ns = FIRST_WALL_NS + id},
  };
  size_t size = br_peer_details_pack(&nothing, "", packed);
  br_session_info *session = calloc(1, sizeof *session + size);
  assert_non_null(session);
  memcpy(session + 1, packed, size);
  session->id = id;
  session->peer.pid = (int64_t)(4000 + id);
  record.opened.info = session;
  br_registry_apply(&made->registry, &record.event);
  return session;
}

static void session_close(fixture *made, br_session_info *session) {
  struct {
    br_event event;
    br_closed closed;
  } record = {
      .event = {.kind = BR_EVENT_CLOSED, .session = session->id, .wall_ns = 9 * FIRST_WALL_NS},
      .closed = {.reason = PC_CLOSE_PEER, .status = PC_E_TOO_BIG, .info = session},
  };
  br_registry_apply(&made->registry, &record.event);
}

static void expect_list(fixture *made, unsigned states, const char *query, const char *expected) {
  web_buffer text;
  web_buffer_init(&text, 1 << 20);
  br_filter_error error;
  br_filter *filter = br_filter_compile(query, strlen(query), &error);
  assert_non_null(filter);
  br_describe_sessions(&text, &made->registry, states, filter);
  br_filter_destroy(filter);
  web_buffer_append(&text, "", 1);
  char ids[64] = "";
  for (const char *at = (const char *)text.data; (at = strstr(at, "{\"id\":")); at++) {
    size_t size = strlen(ids);
    (void)snprintf(ids + size, sizeof ids - size, "%ld ", strtol(at + 6, NULL, 10));
  }
  assert_string_equal(ids, expected);
  web_buffer_fini(&text);
}

static void session_that_closed_is_remembered_with_its_reason(void **state) {
  fixture *made = *state;
  br_session_info *session = session_open(made, 1);
  assert_ptr_equal(br_registry_session(&made->registry, 1), session);
  br_count_set(&session->counters.c2s.messages, 5);
  session_close(made, session);
  assert_null(br_registry_session(&made->registry, 1));
  assert_true(br_registry_was_session(&made->registry, 1));
  const br_session_info *known = br_registry_known_session(&made->registry, 1);
  assert_non_null(known);
  assert_int_equal(known->opened_wall_ns, FIRST_WALL_NS + 1);
  assert_int_equal(known->closed_wall_ns, 9 * FIRST_WALL_NS);
  assert_int_equal(known->close_reason, PC_CLOSE_PEER);
  assert_int_equal(known->close_status, PC_E_TOO_BIG);
  assert_int_equal(br_count(&known->counters.c2s.messages), 5);
}

static void sessions_are_listed_by_state_and_filter(void **state) {
  fixture *made = *state;
  br_session_info *sessions[4];
  for (size_t index = 0; index < 4; index++) {
    sessions[index] = session_open(made, index + 1);
  }
  session_close(made, sessions[2]);
  session_close(made, sessions[0]);
  expect_list(made, BR_SESSION_OPEN, "", "2 4 ");
  expect_list(made, BR_SESSION_CLOSED, "", "3 1 ");
  expect_list(made, BR_SESSION_OPEN | BR_SESSION_CLOSED, "", "3 1 2 4 ");
  expect_list(made, BR_SESSION_OPEN | BR_SESSION_CLOSED, "pid:4001,4002 pipe:demo", "1 2 ");
  expect_list(made, BR_SESSION_OPEN, "pipe:other", "");
}

static void sessions_that_closed_first_are_forgotten_first(void **state) {
  fixture *made = *state;
  br_session_info *open = session_open(made, 1);
  enum { CLOSED = BR_CLOSED_SESSIONS_MAX + 10 };
  for (uint64_t id = 2; id < 2 + CLOSED; id++) {
    session_close(made, session_open(made, id));
  }
  const br_registry *registry = &made->registry;
  assert_int_equal(registry->closed.count, BR_CLOSED_SESSIONS_MAX);
  assert_int_equal(registry->forgotten_count, 10);
  assert_null(br_registry_known_session(registry, 11));
  assert_true(br_registry_was_session(registry, 11));
  assert_non_null(br_registry_known_session(registry, 12));
  assert_ptr_equal(br_registry_session(registry, 1), open);
  assert_false(br_registry_was_session(registry, 1));
  assert_false(br_registry_was_session(registry, 2 + CLOSED));
}

/* ---- pipes ---- */

static uint16_t pipe_add(fixture *made, const char *name) {
  uint16_t index;
  assert_int_equal(br_registry_reserve(&made->registry, name, &index), BR_RESERVE_OK);
  br_registry_add(&made->registry, index, &made->pipe, &made->live);
  return index;
}

static void expect_pipes(const fixture *made, const char *expected) {
  char names[64] = "";
  for (size_t place = 0; place < made->registry.pipe_count; place++) {
    size_t size = strlen(names);
    (void)snprintf(names + size, sizeof names - size, "%s ",
                   br_registry_name(&made->registry, made->registry.listed[place]));
  }
  assert_string_equal(names, expected);
}

static void index_of_a_removed_pipe_keeps_its_name_and_is_no_other_pipes(void **state) {
  fixture *made = *state;
  uint16_t first = pipe_add(made, "first");
  uint16_t second = pipe_add(made, "second");
  br_registry_remove(&made->registry, first, 70);
  expect_pipes(made, "demo second ");
  assert_null(br_registry_pipe(&made->registry, "first", NULL));
  assert_null(br_registry_pipe_at(&made->registry, first));
  assert_non_null(br_registry_pipe_at(&made->registry, second));
  assert_string_equal(br_registry_name(&made->registry, first), "first");
  uint16_t again = pipe_add(made, "first");
  assert_int_equal(again, second + 1);
  uint16_t found;
  assert_non_null(br_registry_pipe(&made->registry, "first", &found));
  assert_int_equal(found, again);
}

static void removed_pipes_are_told_as_long_as_memory_may_hold_their_events(void **state) {
  fixture *made = *state;
  br_registry_remove(&made->registry, pipe_add(made, "gone"), 70);
  for (uint64_t oldest = 70; oldest <= 71; oldest++) {
    web_buffer text;
    web_buffer_init(&text, 4096);
    br_describe_removed(&text, &made->registry, oldest);
    web_buffer_append(&text, "", 1);
    assert_string_equal((const char *)text.data,
                        oldest == 70 ? "[{\"name\":\"gone\",\"index\":1}]" : "[]");
    web_buffer_fini(&text);
  }
}

static void index_that_was_given_up_unused_is_the_next_ones(void **state) {
  fixture *made = *state;
  uint16_t index, next;
  assert_int_equal(br_registry_reserve(&made->registry, "never", &index), BR_RESERVE_OK);
  assert_true(br_registry_is_adding(&made->registry, "never"));
  assert_null(br_registry_pipe(&made->registry, "never", NULL));
  br_registry_cancel(&made->registry, index);
  assert_false(br_registry_is_adding(&made->registry, "never"));
  assert_int_equal(br_registry_reserve(&made->registry, "other", &next), BR_RESERVE_OK);
  assert_int_equal(next, index);
}

static void pipes_are_bounded_at_once_and_in_a_run(void **state) {
  fixture *made = *state;
  uint16_t index = 0;
  for (size_t count = 1; count < BR_PIPES_MAX; count++) {
    index = pipe_add(made, "one of many");
  }
  uint16_t unused;
  assert_int_equal(br_registry_reserve(&made->registry, "x", &unused), BR_RESERVE_TOO_MANY);
  while (index + 1 < BR_PIPE_INDEXES) {
    br_registry_remove(&made->registry, index, 1);
    index = pipe_add(made, "one of many");
  }
  br_registry_remove(&made->registry, index, 1);
  assert_int_equal(br_registry_reserve(&made->registry, "x", &unused), BR_RESERVE_RUN_IS_FULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(session_that_closed_is_remembered_with_its_reason, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(sessions_are_listed_by_state_and_filter, set_up, tear_down),
      cmocka_unit_test_setup_teardown(sessions_that_closed_first_are_forgotten_first, set_up,
                                      tear_down),
      CASE(index_of_a_removed_pipe_keeps_its_name_and_is_no_other_pipes),
      CASE(removed_pipes_are_told_as_long_as_memory_may_hold_their_events),
      CASE(index_that_was_given_up_unused_is_the_next_ones),
      CASE(pipes_are_bounded_at_once_and_in_a_run),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
