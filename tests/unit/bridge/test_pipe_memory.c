/* A pipe is added, changed and removed while each allocation fails once: what cannot be done is
 * refused, and nothing is left of it. One thread: the pipes' loop is turned by hand. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/pipe_config.h"
#include "failing_memory.h"
#include "pipes_private.h"

enum { QUEUE_BYTES = 64 * 1024, TURNS_MAX = 1000 };

typedef struct fixture {
  char folder[64];
  br_config config;
  br_queue *events;
  br_queue *commands;
  br_pipes *pipes;
  unsigned added, changed, removed, refused, results;
} fixture;

static void wake_reader(void *user) {
  (void)user;
}

static fixture *fixture_open(void) {
  fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  strcpy(f->folder, "/tmp/test_pipe_memory.XXXXXX");
  assert_non_null(mkdtemp(f->folder));
  f->config = (br_config){.runtime_dir = f->folder,
                          .events = {.queue_bytes = QUEUE_BYTES, .max_message_bytes = 4096}};
  f->events = br_queue_create(QUEUE_BYTES);
  f->commands = br_queue_create(QUEUE_BYTES);
  char error[256] = "";
  f->pipes = br_pipes_create(&(br_pipes_options){.config = &f->config,
                                                 .events = f->events,
                                                 .commands = f->commands,
                                                 .wake_reader = wake_reader,
                                                 .user = f},
                             error, sizeof error);
  assert_non_null(f->pipes);
  return f;
}

static void fixture_close(fixture *f) {
  br_pipes_destroy(f->pipes);
  br_queue_destroy(f->events);
  br_queue_destroy(f->commands);
  assert_int_equal(rmdir(f->folder), 0); /* nothing was left in it */
  free(f);
}

/* As the HTTP thread: what is handed back is freed. */
static void take(const void *record, size_t size, void *user) {
  fixture *f = user;
  const br_event *event = record;
  (void)size;
  br_pipe_handover handover = {0};
  br_pipe_refusal refusal;
  if (br_is_pipe_event(event->kind)) {
    memcpy(&handover, br_event_payload(event), sizeof handover);
  } else if (event->kind == BR_RECORD_PIPE_REFUSED) {
    memcpy(&refusal, br_event_payload(event), sizeof refusal);
    assert_int_equal(refusal.status, PC_E_NO_MEMORY);
    assert_true(refusal.text[0] != '\0');
    handover.old_config = refusal.config;
  }
  f->added += event->kind == BR_EVENT_PIPE_ADDED;
  f->changed += event->kind == BR_EVENT_PIPE_CHANGED;
  f->removed += event->kind == BR_EVENT_PIPE_REMOVED;
  f->refused += event->kind == BR_RECORD_PIPE_REFUSED;
  f->results += event->kind == BR_RECORD_RESULT;
  br_pipe_config_destroy(handover.old_config);
  free(handover.old_live);
}

/* Turns until the command is answered. */
static void ask(fixture *f, br_command_kind kind, const void *payload, uint32_t size) {
  br_command command = {.kind = (uint8_t)kind, .id = 1, .size_bytes = size};
  void *record;
  assert_int_equal(br_queue_reserve(f->commands, sizeof command + size, &record), BR_QUEUE_OK);
  memcpy(record, &command, sizeof command);
  memcpy((br_command *)record + 1, payload, size);
  br_queue_commit(f->commands, record);
  unsigned results = f->results;
  for (int turn = 0; f->results == results; turn++) {
    assert_true(turn < TURNS_MAX);
    assert_int_equal(pc_loop_turn(f->pipes->loop, 0), PC_OK);
    br_queue_drain(f->events, QUEUE_BYTES, take, f);
  }
}

/* Whether it could be read. */
static bool ask_config(fixture *f, br_command_kind kind, const char *text) {
  char error[256];
  br_pipe_config *config =
      br_pipe_config_parse(text, strlen(text), "p", &f->config, error, sizeof error);
  if (!config) {
    assert_non_null(strstr(error, "out of memory"));
    return false;
  }
  ask(f, kind, &config, sizeof config);
  return true;
}

static void life(fixture *f, const char *text, const char *changed) {
  if (!ask_config(f, BR_COMMAND_PIPE_ADD, text) || f->added == 0) {
    return;
  }
  (void)ask_config(f, BR_COMMAND_PIPE_CHANGE, changed);
  uint32_t drain_ms = 0;
  ask(f, BR_COMMAND_PIPE_REMOVE, &drain_ms, sizeof drain_ms);
  assert_int_equal(f->removed, 1);
}

static void any_allocation_may_fail(const char *text, const char *changed) {
  unsigned failed = 0;
  for (unsigned number = 0;; number++) {
    fail_from = fail_to = 0;
    fixture *f = fixture_open();
    allocation_count = 0;
    fail_from = number;
    fail_to = number + 1;
    life(f, text, changed);
    bool is_beyond = allocation_count <= number;
    fail_from = fail_to = 0;
    failed += f->added + f->changed < 2;
    /* What failed leaves room for the same thing. */
    f->added = f->changed = f->removed = f->refused = 0;
    life(f, text, changed);
    assert_int_equal(f->added + f->changed + f->removed, 3);
    assert_int_equal(f->refused, 0);
    fixture_close(f);
    if (is_beyond) {
      break;
    }
  }
  assert_true(failed > 5); /* else none failed, and nothing was tested */
}

static void server_comes_changes_and_goes(void **state) {
  (void)state;
  any_allocation_may_fail("{\"path\":\"p.sock\",\"framing\":\"line\"}",
                          "{\"path\":\"p.sock\",\"framing\":\"nul\"}");
}

static void tap_comes_changes_and_goes(void **state) {
  (void)state;
  any_allocation_may_fail("{\"role\":\"tap\",\"path\":\"p.sock\",\"upstream\":\"u\"}",
                          "{\"role\":\"tap\",\"path\":\"p.sock\",\"upstream\":\"u\","
                          "\"framing\":\"line\"}");
}

static void client_comes_changes_and_goes(void **state) {
  (void)state;
  any_allocation_may_fail("{\"role\":\"client\",\"path\":\"u\"}",
                          "{\"role\":\"client\",\"path\":\"u\",\"reply\":\"echo\"}");
}

static void fifo_comes_changes_and_goes(void **state) {
  (void)state;
  any_allocation_may_fail("{\"transport\":\"fifo\",\"access\":\"inbound\",\"path\":\"p.fifo\"}",
                          "{\"transport\":\"fifo\",\"access\":\"inbound\",\"path\":\"p.fifo\","
                          "\"framing\":\"line\"}");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(server_comes_changes_and_goes),
      cmocka_unit_test(tap_comes_changes_and_goes),
      cmocka_unit_test(client_comes_changes_and_goes),
      cmocka_unit_test(fifo_comes_changes_and_goes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
