/* Cases of more clients than instances: refused, waiting, served in their turn. */
#include "low.h"

/* A client on a thread of its own. */
typedef struct visitor {
  low_fixture *fixture;
  int timeout_ms;
  atomic_bool is_freed; /* set right before the server frees an instance */
  bool was_freed;       /* what it found when it was let in */
  pc_status status;
  pc_instance *instance;
  uint64_t took_ms;
} visitor;

static void visitor_open(void *user) {
  visitor *self = user;
  uint64_t begin = host_clock_ms();
  self->status = pc_instance_open(self->fixture->path, self->fixture->options.type,
                                  self->timeout_ms, &self->instance);
  self->took_ms = host_clock_ms() - begin;
  self->was_freed = atomic_load(&self->is_freed);
}

static void visitor_wait(void *user) {
  visitor *self = user;
  self->status =
      pc_instance_wait(self->fixture->path, self->fixture->options.type, self->timeout_ms);
  self->was_freed = atomic_load(&self->is_freed);
}

static void full_create(low_fixture *fixture, pc_when_full when_full, low_pair pairs[2]) {
  fixture->options.max_instances = 2;
  fixture->options.when_full = when_full;
  pairs[0] = pair_connect(fixture);
  pairs[1] = pair_connect(fixture);
}

static void case_34_client_over_the_instances_is_busy_or_times_out(void **state) {
  low_fixture *fixture = *state;
  low_pair pairs[2];
  full_create(fixture, PC_WHEN_FULL_BUSY, pairs);
  visitor third = {.fixture = fixture, .timeout_ms = PC_TIMEOUT_NOT_AT_ALL};
  for (int round = 0; round < 3; round++) {
    visitor_open(&third);
    assert_int_equal(third.status, PC_E_BUSY);
    assert_true(third.took_ms < 250u * (unsigned)test_scale());
  }
  visitor_wait(&third);
  assert_int_equal(third.status, PC_E_BUSY);
  third.timeout_ms = 300;
  visitor_open(&third);
  assert_int_equal(third.status, PC_E_TIMEOUT);
  assert_in_range(third.took_ms, 290, 3000);
  visitor_wait(&third);
  assert_int_equal(third.status, PC_E_TIMEOUT);
  assert_null(third.instance);
  instance_close(fixture, pairs[0].client);
  assert_int_equal(read_status(fixture, pairs[0].server), PC_E_BROKEN);
  assert_int_equal(pc_instance_disconnect(pairs[0].server), PC_OK);
  low_operation *connect = connect_begin(fixture, pairs[0].server);
  (void)operation_pends(connect);
  pc_instance *client = client_open(fixture);
  assert_int_equal(operation_end(connect), PC_OK);
  write_text(fixture, client, "in");
  read_expect(fixture, pairs[0].server, "in");
  visitor_open(&third); /* full again */
  assert_int_equal(third.status, PC_E_TIMEOUT);
}

/* What counts is who listens, not how many there may be. */
static void case_34_one_instance_of_many_is_busy_too(void **state) {
  low_fixture *fixture = *state;
  fixture->options.when_full = PC_WHEN_FULL_BUSY;
  low_pair pair = pair_connect(fixture);
  visitor second = {.fixture = fixture, .timeout_ms = PC_TIMEOUT_NOT_AT_ALL};
  visitor_open(&second);
  assert_int_equal(second.status, PC_E_BUSY);
  assert_int_equal(pc_instance_disconnect(pair.server), PC_OK); /* not listening yet */
  visitor_open(&second);
  assert_int_equal(second.status, PC_E_BUSY);
  pc_instance *other = server_create(fixture); /* listens from the first */
  pc_instance *client = client_open(fixture);
  assert_int_equal(connect_now(fixture, other), PC_OK);
  write_text(fixture, client, "in");
  read_expect(fixture, other, "in");
}

/* Two instances listen, no call has taken a client yet. */
static void case_34_clients_that_no_call_took_fill_the_pipe_too(void **state) {
  low_fixture *fixture = *state;
  fixture->options.when_full = PC_WHEN_FULL_BUSY;
  pc_instance *servers[] = {server_create(fixture), server_create(fixture)};
  pc_instance *clients[] = {client_open(fixture), client_open(fixture)};
  visitor third = {.fixture = fixture, .timeout_ms = PC_TIMEOUT_NOT_AT_ALL};
  visitor_open(&third);
  assert_int_equal(third.status, PC_E_BUSY);
  for (int index = 0; index < 2; index++) {
    assert_int_equal(connect_now(fixture, servers[index]), PC_OK);
    write_text(fixture, clients[index], "in");
    read_expect(fixture, servers[index], "in");
  }
}

static void case_34_default_time_out_is_the_servers(void **state) {
  low_fixture *fixture = *state;
  fixture->options.default_timeout_ms = PC_DEFAULT_TIMEOUT_MS;
  fixture->options.when_full = PC_WHEN_FULL_BUSY;
  (void)pair_connect(fixture);
  visitor second = {.fixture = fixture, .timeout_ms = PC_TIMEOUT_DEFAULT};
  visitor_open(&second);
  assert_int_equal(second.status, PC_E_TIMEOUT);
  assert_in_range(second.took_ms, 40, 3000);
}

/* Queued ones wait their turn, in open or, where the system queues connections, in their first
 * read. */
typedef struct queued {
  visitor visitor;
  atomic_bool was_served;
} queued;

static void queued_run(void *user) {
  queued *self = user;
  visitor_open(&self->visitor);
  assert_int_equal(self->visitor.status, PC_OK);
  read_expect(self->visitor.fixture, self->visitor.instance, "your turn");
  assert_true(atomic_load(&self->visitor.is_freed));
  atomic_store(&self->was_served, true);
}

static void case_35_client_over_the_instances_waits_its_turn(void **state) {
  low_fixture *fixture = *state;
  low_pair pairs[2];
  full_create(fixture, PC_WHEN_FULL_QUEUE, pairs);
  queued third = {.visitor = {.fixture = fixture, .timeout_ms = PC_TIMEOUT_NONE}};
  host_thread *thread = thread_start(queued_run, &third);
  write_text(fixture, pairs[1].client, "undisturbed");
  read_expect(fixture, pairs[1].server, "undisturbed");
  instance_close(fixture, pairs[0].client);
  assert_int_equal(read_status(fixture, pairs[0].server), PC_E_BROKEN);
  assert_false(atomic_load(&third.was_served));
  atomic_store(&third.visitor.is_freed, true);
  assert_int_equal(pc_instance_disconnect(pairs[0].server), PC_OK);
  assert_int_equal(connect_now(fixture, pairs[0].server), PC_OK);
  write_text(fixture, pairs[0].server, "your turn");
  host_thread_join(thread);
  instance_keep(fixture, third.visitor.instance);
}

static void freed_instance_wakes(low_fixture *fixture, void (*visit)(void *user)) {
  fixture->options.max_instances = 1;
  fixture->options.when_full = PC_WHEN_FULL_BUSY;
  low_pair pair = pair_connect(fixture);
  visitor second = {.fixture = fixture, .timeout_ms = DEADLINE_MS};
  host_thread *thread = thread_start(visit, &second);
  host_pause_ms(50); /* it is most likely waiting by now; right either way */
  instance_close(fixture, pair.client);
  atomic_store(&second.is_freed, true);
  assert_int_equal(pc_instance_disconnect(pair.server), PC_OK);
  low_operation *connect = connect_begin(fixture, pair.server);
  host_thread_join(thread);
  assert_int_equal(second.status, PC_OK);
  assert_true(second.was_freed);
  if (!second.instance) {
    (void)client_open(fixture); /* it only waited: the instance is still free */
  } else {
    instance_keep(fixture, second.instance);
  }
  assert_int_equal(operation_end(connect), PC_OK);
}

static void case_36_open_waits_until_an_instance_is_free(void **state) {
  freed_instance_wakes(*state, visitor_open);
}

static void case_36_wait_ends_when_an_instance_is_free(void **state) {
  freed_instance_wakes(*state, visitor_wait);
}

static void case_36_new_instance_ends_a_wait(void **state) {
  low_fixture *fixture = *state;
  fixture->options.when_full = PC_WHEN_FULL_BUSY;
  (void)pair_connect(fixture);
  visitor second = {.fixture = fixture, .timeout_ms = DEADLINE_MS};
  host_thread *thread = thread_start(visitor_open, &second);
  host_pause_ms(20);
  atomic_store(&second.is_freed, true);
  pc_instance *server = server_create(fixture);
  assert_int_equal(connect_now(fixture, server), PC_OK);
  host_thread_join(thread);
  assert_int_equal(second.status, PC_OK);
  assert_true(second.was_freed);
  instance_keep(fixture, second.instance);
}

/* The race that WaitNamedPipe and CreateFile have between them: all are let in, whoever comes
 * first. */
static void crowd_that_opens_at_once_gets_in_one_by_one(void **state) {
  low_fixture *fixture = *state;
  enum { COUNT = 10 };
  fixture->options.max_instances = 1;
  fixture->options.when_full = PC_WHEN_FULL_BUSY;
  pc_instance *server = server_create(fixture);
  visitor crowd[COUNT];
  host_thread *threads[COUNT];
  for (int index = 0; index < COUNT; index++) {
    crowd[index] = (visitor){.fixture = fixture, .timeout_ms = DEADLINE_MS};
    threads[index] = thread_start(visitor_open, &crowd[index]);
  }
  for (int served = 0; served < COUNT; served++) {
    assert_int_equal(connect_now(fixture, server), PC_OK);
    assert_int_equal(pc_instance_disconnect(server), PC_OK);
  }
  for (int index = 0; index < COUNT; index++) {
    host_thread_join(threads[index]);
    assert_int_equal(crowd[index].status, PC_OK);
    instance_keep(fixture, crowd[index].instance);
  }
}

const low_case cases_full[] = {
    LOW_CASE(case_34_client_over_the_instances_is_busy_or_times_out, ALL_FORMS),
    LOW_CASE(case_34_one_instance_of_many_is_busy_too, ALL_FORMS),
    LOW_CASE(case_34_clients_that_no_call_took_fill_the_pipe_too, ALL_FORMS),
    LOW_CASE(case_34_default_time_out_is_the_servers, ALL_FORMS),
    LOW_CASE(case_35_client_over_the_instances_waits_its_turn, ALL_FORMS),
    LOW_CASE(case_36_open_waits_until_an_instance_is_free, ALL_FORMS),
    LOW_CASE(case_36_wait_ends_when_an_instance_is_free, ALL_FORMS),
    LOW_CASE(case_36_new_instance_ends_a_wait, ALL_FORMS),
    LOW_CASE(crowd_that_opens_at_once_gets_in_one_by_one, ALL_FORMS),
    {0}};
