/* Cases of many: clients, messages, comings and goings; and the contract of events under random
 * steps. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Writes to the client's end until it is full; nothing else. */
static void fill_with_lines(suite_client *client) {
  static char lines[4096];
  if (lines[0] == '\0') {
    memset(lines, 'x', sizeof lines);
    for (size_t end = 63; end < sizeof lines; end += 64) {
      lines[end] = '\n';
    }
  }
  size_t taken = sizeof lines;
  while (suite_backend_under_test.clients->write(client, lines, sizeof lines, &taken) == PC_OK) {
  }
  /* a line that was cut is ended by the next one: only their number is of interest */
}

static void timer_set(pc_timer *timer, void *user) {
  (void)timer;
  *(bool *)user = true;
}

static bool new_one_is_served(const suite_fixture *fixture, unsigned number) {
  return fixture->session_count == number + 1 && fixture->sessions[number]->message_count == 1;
}

static bool all_grew(session_record *const *records, const uint64_t *before, int count) {
  for (int index = 0; index < count; index++) {
    if (records[index]->bytes <= before[index]) {
      return false;
    }
  }
  return true;
}

/* In turns, so that it does not depend on the machine: everybody is served in every turn or two */
static void case_47_busy_clients_starve_neither_a_new_one_nor_a_timer(void **state) {
  (void)state;
  enum { BUSY = 100 };
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->does_not_keep = true;
  fixture_start(fixture);
  suite_client *busy[BUSY];
  session_record *records[BUSY];
  for (int index = 0; index < BUSY; index++) {
    busy[index] = client_connect(fixture, &records[index]);
  }
  for (int round = 0; round < 20; round++) {
    uint64_t before[BUSY];
    for (int index = 0; index < BUSY; index++) {
      fill_with_lines(busy[index]);
      before[index] = records[index]->bytes;
    }
    bool is_due = false;
    pc_timer timer = {.routine = timer_set, .user = &is_due};
    assert_int_equal(pc_timer_start(fixture->loop, &timer, 0), PC_OK);
    unsigned sessions = fixture->session_count;
    suite_client *fresh = client_connect_only(fixture);
    client_write_text(fixture, fresh, "new\n");
    for (int count = 0; count < 5; count++) {
      turn(fixture);
    }
    assert_true(is_due);
    if (suite_backend_under_test.is_concurrent) { /* whose turns the system gives */
      TURN_UNTIL(fixture, new_one_is_served(fixture, sessions) && all_grew(records, before, BUSY));
    }
    assert_true(new_one_is_served(fixture, sessions));
    assert_true(all_grew(records, before, BUSY));
    client_close(fresh);
  }
  fixture_stop(fixture, 1000);
  for (int index = 0; index < BUSY; index++) {
    client_close(busy[index]);
  }
  fixture_destroy(fixture);
}

static void case_48_two_hundred_clients_at_once_are_all_served(void **state) {
  (void)state;
  enum { COUNT = 200 };
  suite_fixture *fixture = fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  fixture->does_echo = true;
  fixture_start(fixture);
  suite_client *clients[COUNT];
  for (int index = 0; index < COUNT; index++) {
    clients[index] = client_connect_only(fixture);
  }
  for (int round = 0; round < 3; round++) {
    char text[64];
    for (int index = 0; index < COUNT; index++) {
      snprintf(text, sizeof text, "round %d of %d", round, index);
      client_write_text(fixture, clients[index], text);
    }
    for (int index = 0; index < COUNT; index++) {
      snprintf(text, sizeof text, "round %d of %d", round, index);
      client_expect_text(fixture, clients[index], text);
    }
  }
  assert_int_equal(pc_server_session_count(fixture->server), COUNT);
  for (int index = 0; index < COUNT; index++) {
    client_close(clients[index]);
  }
  TURN_UNTIL(fixture, fixture->open_count == 0);
  fixture_destroy(fixture);
}

/* Everybody says something at once on a pipe whose messages may be large: whatever a backend has of
 * buffers of that size, there are fewer of them than of messages. */
static void crowd_that_speaks_at_once_is_heard_in_order(void **state) {
  (void)state;
  enum { COUNT = 150, MESSAGES = 6, SIZE = 3000 };
  static uint8_t data[SIZE];
  suite_fixture *fixture = fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  fixture->options.limits.max_message_bytes = 190 * 1024;
  fixture_start(fixture);
  suite_client *clients[COUNT];
  session_record *records[COUNT];
  for (int index = 0; index < COUNT; index++) {
    clients[index] = client_connect(fixture, &records[index]);
  }
  for (unsigned message = 0; message < MESSAGES; message++) {
    for (int index = 0; index < COUNT; index++) {
      size_t taken = 0;
      pattern_fill(data, SIZE, (uint32_t)index * MESSAGES + message);
      assert_int_equal(suite_backend_under_test.clients->write(clients[index], data, SIZE, &taken),
                       PC_OK);
    }
  }
  for (int index = 0; index < COUNT; index++) {
    TURN_UNTIL(fixture, records[index]->message_count == MESSAGES);
    for (unsigned message = 0; message < MESSAGES; message++) {
      pattern_fill(data, SIZE, (uint32_t)index * MESSAGES + message);
      expect_message(records[index], message, data, SIZE);
    }
    client_close(clients[index]);
  }
  fixture_destroy(fixture);
}

/* Turns that nothing else wakes, until it has said so much. */
static void turn_until_said(suite_fixture *fixture, const session_record *record, uint64_t bytes) {
  bool is_late = false;
  pc_timer timer = {.routine = timer_set, .user = &is_late};
  assert_int_equal(pc_timer_start(fixture->loop, &timer, (uint64_t)DEADLINE_MS), PC_OK);
  while (record->bytes < bytes) {
    assert_int_equal(pc_loop_turn(fixture->loop, -1), PC_OK);
    assert_false(is_late);
  }
  pc_timer_stop(fixture->loop, &timer);
}

/* Whoever is read again while others take all of a backend's buffers, and is silent then, is heard
 * when he speaks. All are refused and resumed at once, so that the speakers come first. */
static void silent_one_behind_a_crowd_that_speaks_is_heard_later(void **state) {
  (void)state;
  enum { SPEAKERS = 40, MESSAGES = 40, ALL = 220 };
  suite_fixture *fixture = fixture_create(PC_TYPE_MESSAGE, PC_FRAMING_NONE);
  fixture->options.limits.max_message_bytes = 190 * 1024;
  fixture->does_not_keep = true;
  fixture->is_take_limited = true;
  fixture_start(fixture);
  suite_client *clients[ALL];
  session_record *records[ALL];
  for (int index = 0; index < ALL; index++) {
    clients[index] = client_connect(fixture, &records[index]);
    client_write_text(fixture, clients[index], "+");
  }
  turn_some(fixture);
  for (int count = 0; count < SPEAKERS * MESSAGES; count++) {
    client_write_text(fixture, clients[count % SPEAKERS], "+");
  }
  turn_some(fixture);
  fixture->is_take_limited = false;
  for (int index = 0; index < ALL; index++) {
    pc_session_resume(records[index]->session);
  }
  for (int index = 0; index < ALL; index++) {
    turn_until_said(fixture, records[index], index < SPEAKERS ? MESSAGES + 1 : 1);
  }
  for (int index = ALL - 1; index >= 0; index--) {
    uint64_t before = records[index]->bytes;
    client_write_text(fixture, clients[index], "+");
    turn_until_said(fixture, records[index], before + 1);
    client_close(clients[index]);
  }
  fixture_destroy(fixture);
}

/* Many come before the loop takes a turn, with a limit that is near or far. */
static void crowd_that_comes_at_once_is_let_in_up_to_the_limit(void **state) {
  (void)state;
  enum { COUNT = 200 };
  static const uint32_t limits[] = {20, 1024, 100000};
  for (int index = 0; index < 3; index++) {
    suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
    fixture->options.limits.max_instances = limits[index];
    fixture_start(fixture);
    turn_some(fixture);
    suite_client *clients[COUNT];
    for (int count = 0; count < COUNT; count++) {
      clients[count] = client_connect_only(fixture);
    }
    unsigned expected = limits[index] < COUNT ? limits[index] : COUNT;
    TURN_UNTIL(fixture, fixture->session_count == expected);
    turn_some(fixture);
    assert_int_equal(fixture->session_count, expected);
    client_close(clients[0]);
    TURN_UNTIL(fixture, expected == COUNT || fixture->session_count == expected + 1);
    fixture_stop(fixture, 0);
    for (int count = 1; count < COUNT; count++) {
      client_expect_end(fixture, clients[count]); /* also those that were never let in */
      client_close(clients[count]);
    }
    fixture_destroy(fixture);
  }
}

static void case_54_stop_under_traffic_tells_every_end_and_nothing_after(void **state) {
  (void)state;
  enum { COUNT = 20 };
  suite_fixture *fixture = fixture_create(PC_TYPE_BYTE, PC_FRAMING_LINE);
  fixture->does_not_keep = true;
  fixture_start(fixture);
  suite_client *clients[COUNT];
  session_record *records[COUNT];
  for (int index = 0; index < COUNT; index++) {
    clients[index] = client_connect(fixture, &records[index]);
  }
  for (unsigned round = 0; round < 30; round++) {
    for (int index = 0; index < COUNT; index++) {
      fill_with_lines(clients[index]);
      (void)!pc_session_write(records[index]->session, "answer", 6, round);
    }
    turn(fixture);
  }
  uint64_t begin = clock_ms();
  fixture_stop(fixture, 500);
  assert_true(clock_ms() - begin < 2000u * (unsigned)test_scale());
  for (int index = 0; index < COUNT; index++) {
    assert_int_equal(records[index]->disconnected_count, 1);
    assert_int_equal(records[index]->reason, PC_CLOSE_STOP);
    assert_int_equal(records[index]->written_count, 30);
    client_close(clients[index]);
  }
  turn_some(fixture); /* the record fails the test on any callback now */
  fixture_destroy(fixture);
}

/* ---- random steps ---- */

enum { SLOTS = 8, STEPS = 10000 };

/* What the model knows of a client. */
typedef struct random_slot {
  suite_client *client; /* NULL: closed */
  unsigned number;      /* also the number of its session: they are accepted in order */
  unsigned sent;        /* messages accepted whole */
  bool is_half_closed;
} random_slot;

typedef struct random_model {
  suite_fixture *fixture;
  uint32_t random;
  random_slot slots[SLOTS];
  unsigned connected;
  unsigned sent[STEPS];     /* by session number: messages that the client wrote whole */
  unsigned accepted[STEPS]; /* writes that the server accepted                         */
  bool is_server_closed[STEPS];
} random_model;

static uint32_t model_random(random_model *model, uint32_t below) {
  model->random = model->random * 1664525u + 1013904223u;
  return (model->random >> 8) % below;
}

static void step_connect(random_model *model, random_slot *slot) {
  if (!slot->client) {
    *slot =
        (random_slot){.client = client_connect_only(model->fixture), .number = model->connected++};
  }
}

static void step_send(random_model *model, random_slot *slot) {
  if (!slot->client || slot->is_half_closed) {
    return;
  }
  char text[600];
  bool is_byte = model->fixture->options.type == PC_TYPE_BYTE;
  int size = snprintf(text, sizeof text, "%u/%u/%0*d%s", slot->number, model->sent[slot->number],
                      (int)model_random(model, 500) + 1, 0, is_byte ? "\n" : "");
  size_t taken = 0;
  pc_status status =
      suite_backend_under_test.clients->write(slot->client, text, (size_t)size, &taken);
  model->sent[slot->number] += status == PC_OK;
  assert_true(status == PC_OK || taken == 0); /* small writes are taken whole or not at all */
}

static void step_close(random_slot *slot) {
  if (slot->client) {
    client_close(slot->client);
    slot->client = NULL;
  }
}

static void step_half_close(random_slot *slot) {
  if (slot->client && !slot->is_half_closed) {
    client_half_close(slot->client);
    slot->is_half_closed = true;
  }
}

static void step_receive(random_slot *slot) {
  char data[1024];
  size_t size;
  if (slot->client) {
    (void)!suite_backend_under_test.clients->read(slot->client, data, sizeof data, &size);
  }
}

static session_record *model_any_open(random_model *model) {
  suite_fixture *fixture = model->fixture;
  for (unsigned tries = 0; tries < 8 && fixture->session_count > 0; tries++) {
    unsigned number =
        fixture->session_count - 1 -
        model_random(model, fixture->session_count < 12 ? fixture->session_count : 12);
    if (fixture->sessions[number]->session) {
      return fixture->sessions[number];
    }
  }
  return NULL;
}

static unsigned record_number(const suite_fixture *fixture, const session_record *record) {
  unsigned number = fixture->session_count;
  while (fixture->sessions[--number] != record) {
  }
  return number;
}

static void step_server(random_model *model, uint32_t action) {
  session_record *record = model_any_open(model);
  if (!record) {
    return;
  }
  unsigned number = record_number(model->fixture, record);
  if (action == 0) {
    model->is_server_closed[number] = true;
    pc_session_close(record->session, model_random(model, 2) == 0);
  } else if (action < 5) {
    pc_session_resume(record->session);
  } else {
    pc_status status = pc_session_write(record->session, "an answer of some length\n",
                                        model_random(model, 25) + 1, model->accepted[number]);
    model->accepted[number] += status == PC_OK;
  }
}

/* Each message tells its session and its place in it. */
static void model_on_message(suite_fixture *fixture, session_record *record,
                             const pc_message *message) {
  unsigned number;
  unsigned place;
  char text[32] = "";
  memcpy(text, message->data, message->size_bytes < 31 ? message->size_bytes : 31);
  assert_int_equal(sscanf(text, "%u/%u/", &number, &place), 2);
  assert_ptr_equal(fixture->sessions[number], record);
  assert_int_equal(place, record->message_count - 1);
}

static void model_step(random_model *model) {
  random_slot *slot = &model->slots[model_random(model, SLOTS)];
  uint32_t action = model_random(model, 100);
  if (action < 8) {
    step_connect(model, slot);
  } else if (action < 45) {
    step_send(model, slot);
  } else if (action < 48) {
    step_close(slot);
  } else if (action < 50) {
    step_half_close(slot);
  } else if (action < 60) {
    step_receive(slot);
  } else if (action < 75) {
    step_server(model, model_random(model, 40));
  } else if (action < 80) {
    suite_fixture *fixture = model->fixture;
    fixture->is_take_limited = model_random(model, 2) == 0;
    fixture->take_count = model_random(model, 4);
  } else {
    turn_now(model->fixture);
  }
}

static void model_settle(random_model *model) {
  suite_fixture *fixture = model->fixture;
  fixture->is_take_limited = false;
  for (int index = 0; index < SLOTS; index++) {
    step_close(&model->slots[index]);
  }
  TURN_UNTIL(fixture, fixture->session_count == model->connected);
  for (unsigned number = 0; number < fixture->session_count; number++) {
    if (fixture->sessions[number]->session) {
      pc_session_resume(fixture->sessions[number]->session);
    }
  }
  TURN_UNTIL(fixture, fixture->open_count == 0);
}

static void case_55_events_contract_holds_under_random_steps(void **state) {
  (void)state;
  static random_model model;
  static const pc_type types[] = {PC_TYPE_BYTE, PC_TYPE_MESSAGE};
  for (int kind = 0; kind < 2; kind++) {
    memset(&model, 0, sizeof model);
    model.random = 20240 + (uint32_t)kind;
    model.fixture = fixture_create(types[kind], kind ? PC_FRAMING_NONE : PC_FRAMING_LINE);
    suite_fixture *fixture = model.fixture;
    fixture->on_message = model_on_message;
    fixture->options.limits.max_write_queue_bytes = 2048;
    fixture_start(fixture);
    for (unsigned step = 0; step < STEPS; step++) {
      model_step(&model);
    }
    model_settle(&model);
    unsigned complete = 0;
    for (unsigned number = 0; number < fixture->session_count; number++) {
      const session_record *record = fixture->sessions[number];
      assert_int_equal(record->connected_count, 1);
      assert_int_equal(record->disconnected_count, 1);
      assert_int_equal(record->written_count, model.accepted[number]);
      for (unsigned tag = 0; tag < record->written_count; tag++) {
        assert_int_equal(record->written_tags[tag], tag);
      }
      if (!model.is_server_closed[number]) { /* then nothing of it may be missing */
        assert_int_equal(record->reason, PC_CLOSE_PEER);
        assert_int_equal(record->message_count, model.sent[number]);
        complete++;
      } else {
        assert_true(record->message_count <= model.sent[number]);
      }
    }
    assert_true(complete > 50); /* the steps are such that something happens */
    fixture_destroy(fixture);
  }
}

const struct CMUnitTest cases_load[] = {
    cmocka_unit_test(case_47_busy_clients_starve_neither_a_new_one_nor_a_timer),
    cmocka_unit_test(case_48_two_hundred_clients_at_once_are_all_served),
    cmocka_unit_test(crowd_that_speaks_at_once_is_heard_in_order),
    cmocka_unit_test(silent_one_behind_a_crowd_that_speaks_is_heard_later),
    cmocka_unit_test(crowd_that_comes_at_once_is_let_in_up_to_the_limit),
    cmocka_unit_test(case_54_stop_under_traffic_tells_every_end_and_nothing_after),
    cmocka_unit_test(case_55_events_contract_holds_under_random_steps),
    {0}};
