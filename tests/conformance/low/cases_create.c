/* Cases of making and finding a pipe: names, modes, limits, first instances. */
#include "low.h"

static const pc_type both_types[] = {PC_TYPE_BYTE, PC_TYPE_MESSAGE};

static void create_expect(low_fixture *fixture, pc_status expected) {
  pc_instance *instance = (pc_instance *)fixture; /* outputs stay untouched */
  pc_failure failure = {.status = PC_OK};
  assert_int_equal(pc_instance_create(&fixture->options, &instance, &failure), expected);
  assert_ptr_equal(instance, fixture);
  assert_int_equal(failure.status, expected);
  assert_non_null(failure.action);
}

static void case_01_absent_pipe_is_not_found_at_once(void **state) {
  low_fixture *fixture = *state;
  static const int timeouts_ms[] = {PC_TIMEOUT_DEFAULT, PC_TIMEOUT_NOT_AT_ALL, PC_TIMEOUT_NONE,
                                    5000};
  uint64_t begin = host_clock_ms();
  for (int type = 0; type < 2; type++) {
    for (int index = 0; index < 4; index++) {
      pc_instance *instance = NULL;
      char reply[4];
      uint32_t bytes;
      assert_int_equal(
          pc_instance_open(fixture->path, both_types[type], timeouts_ms[index], &instance),
          PC_E_NOT_FOUND);
      assert_null(instance);
      assert_int_equal(pc_instance_wait(fixture->path, both_types[type], timeouts_ms[index]),
                       PC_E_NOT_FOUND);
      assert_int_equal(
          pc_instance_call(fixture->path, "x", 1, reply, sizeof reply, timeouts_ms[index], &bytes),
          PC_E_NOT_FOUND);
    }
  }
  assert_true(host_clock_ms() - begin < 4000u * (unsigned)test_scale());
}

static void case_01_pipe_is_gone_with_its_last_instance(void **state) {
  low_fixture *fixture = *state;
  pc_instance *first = server_create(fixture);
  pc_instance *second = server_create(fixture);
  instance_close(fixture, first);
  instance_close(fixture, client_open(fixture)); /* the second still listens */
  instance_close(fixture, second);
  assert_int_equal(pc_instance_wait(fixture->path, PC_TYPE_MESSAGE, PC_TIMEOUT_NOT_AT_ALL),
                   PC_E_NOT_FOUND);
  (void)server_create(fixture); /* and may come back */
  (void)client_open(fixture);
}

static void case_02_bad_names_are_refused_and_nothing_made(void **state) {
  low_fixture *fixture = *state;
  const char *path;
  unsigned count = 0;
  for (; (path = host_bad_path(count)) != NULL; count++) {
    fixture->options.path = path;
    create_expect(fixture, PC_E_NAME);
    pc_instance *instance = NULL;
    assert_int_equal(pc_instance_open(path, PC_TYPE_MESSAGE, PC_TIMEOUT_NOT_AT_ALL, &instance),
                     PC_E_NAME);
    assert_null(instance);
    assert_int_equal(pc_instance_wait(path, PC_TYPE_MESSAGE, PC_TIMEOUT_NOT_AT_ALL), PC_E_NAME);
  }
  assert_true(count >= 2);
}

static void case_03_message_reads_of_a_byte_pipe_are_refused(void **state) {
  low_fixture *fixture = *state;
  fixture->options.type = PC_TYPE_BYTE;
  create_expect(fixture, PC_E_INVALID_ARG);
  low_pair pair = pair_create(fixture, PC_TYPE_BYTE);
  assert_int_equal(pc_instance_set_read_mode(pair.server, PC_TYPE_MESSAGE), PC_E_INVALID_ARG);
  assert_int_equal(pc_instance_set_read_mode(pair.client, PC_TYPE_MESSAGE), PC_E_INVALID_ARG);
  assert_int_equal(pc_instance_set_read_mode(pair.client, PC_TYPE_BYTE), PC_OK);
}

static void maximum_of_instances_is_1_to_254_or_unlimited(void **state) {
  low_fixture *fixture = *state;
  fixture->options.max_instances = PC_INSTANCES_UNLIMITED + 1;
  create_expect(fixture, PC_E_INVALID_ARG);
  fixture->options.max_instances = 2;
  pc_instance *first = server_create(fixture);
  (void)server_create(fixture);
  create_expect(fixture, PC_E_BUSY);
  instance_close(fixture, first);
  (void)server_create(fixture);
  create_expect(fixture, PC_E_BUSY);
}

static void unlimited_instances_are_more_than_255(void **state) {
  low_fixture *fixture = *state;
  fixture->options.max_instances = PC_INSTANCES_UNLIMITED;
  for (int count = 0; count < 300; count++) {
    (void)server_create(fixture);
  }
  pc_instance_info info;
  pc_instance_get_info(fixture->instances[0], &info);
  assert_int_equal(info.current_instances, 300);
}

static void instances_of_a_pipe_have_its_type_and_access(void **state) {
  low_fixture *fixture = *state;
  (void)server_create(fixture);
  fixture->options.type = PC_TYPE_BYTE;
  fixture->options.read_mode = PC_TYPE_BYTE;
  create_expect(fixture, PC_E_ACCESS);
  fixture->options.type = PC_TYPE_MESSAGE; /* the read mode is each one's own */
  (void)server_create(fixture);
  fixture->options.access = PC_ACCESS_INBOUND;
  create_expect(fixture, PC_E_ACCESS);
}

static void client_of_the_other_type_is_refused(void **state) {
  low_fixture *fixture = *state;
  for (int index = 0; index < 2; index++) {
    fixture->options.type = both_types[index];
    fixture->options.read_mode = both_types[index];
    pc_instance *server = server_create(fixture);
    pc_instance *instance = NULL;
    pc_type other = both_types[1 - index];
    assert_int_equal(pc_instance_open(fixture->path, other, 100, &instance), PC_E_BAD_MODE);
    assert_int_equal(pc_instance_wait(fixture->path, other, 100), PC_E_BAD_MODE);
    assert_null(instance);
    instance_close(fixture, server);
  }
}

static void case_37_first_instance_is_refused_beside_another(void **state) {
  low_fixture *fixture = *state;
  fixture->options.is_first_instance = true;
  pc_instance *first = server_create(fixture);
  create_expect(fixture, PC_E_IN_USE);
  fixture->options.is_first_instance = false;
  (void)server_create(fixture);
  pc_instance *client = client_open(fixture); /* the first one is unharmed */
  assert_int_equal(connect_now(fixture, first), PC_OK);
  write_text(fixture, client, "still there");
  read_expect(fixture, first, "still there");
}

static void access_of_a_pipe_is_for_its_server_end(void **state) {
  low_fixture *fixture = *state;
  fixture->options.access = PC_ACCESS_INBOUND;
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  write_text(fixture, pair.client, "in");
  read_expect(fixture, pair.server, "in");
  assert_int_equal(write_status(fixture, pair.server), PC_E_ACCESS);
  instance_close(fixture, pair.server);
  instance_close(fixture, pair.client);
  fixture->options.access = PC_ACCESS_OUTBOUND;
  pair = pair_create(fixture, PC_TYPE_MESSAGE);
  write_text(fixture, pair.server, "out");
  read_expect(fixture, pair.client, "out");
  assert_int_equal(read_status(fixture, pair.server), PC_E_ACCESS);
}

static void information_is_what_was_asked_for(void **state) {
  low_fixture *fixture = *state;
  fixture->options.max_instances = 7;
  fixture->options.out_quota_bytes = 5000;
  fixture->options.in_quota_bytes = 6000;
  fixture->options.type = PC_TYPE_MESSAGE;
  fixture->options.read_mode = PC_TYPE_BYTE;
  pc_instance *server = server_create(fixture);
  pc_instance_info info;
  pc_instance_get_info(server, &info);
  assert_int_equal(info.type, PC_TYPE_MESSAGE);
  assert_int_equal(info.read_mode, PC_TYPE_BYTE);
  assert_int_equal(info.state, PC_INSTANCE_LISTENING);
  assert_true(info.is_server_end);
  assert_int_equal(info.out_quota_bytes, 5000);
  assert_int_equal(info.in_quota_bytes, 6000);
  assert_int_equal(info.max_instances, 7);
  assert_int_equal(info.current_instances, 1);
  assert_int_equal(pc_instance_set_read_mode(server, PC_TYPE_MESSAGE), PC_OK);
  pc_instance_get_info(server, &info);
  assert_int_equal(info.read_mode, PC_TYPE_MESSAGE);
  pc_instance *client = client_open(fixture);
  pc_instance_get_info(client, &info);
  assert_int_equal(info.type, PC_TYPE_MESSAGE);
  assert_int_equal(info.read_mode, PC_TYPE_MESSAGE);
  assert_int_equal(info.state, PC_INSTANCE_CONNECTED);
  assert_false(info.is_server_end);
  assert_int_equal(connect_now(fixture, server), PC_OK);
  pc_instance_get_info(server, &info);
  assert_int_equal(info.state, PC_INSTANCE_CONNECTED);
}

const low_case cases_create[] = {
    LOW_CASE(case_01_absent_pipe_is_not_found_at_once, ALL_FORMS),
    LOW_CASE(case_01_pipe_is_gone_with_its_last_instance, ALL_FORMS),
    LOW_CASE(case_02_bad_names_are_refused_and_nothing_made, ALL_FORMS),
    LOW_CASE(case_03_message_reads_of_a_byte_pipe_are_refused, ALL_FORMS),
    LOW_CASE(maximum_of_instances_is_1_to_254_or_unlimited, ALL_FORMS),
    LOW_CASE(unlimited_instances_are_more_than_255, ALL_FORMS),
    LOW_CASE(instances_of_a_pipe_have_its_type_and_access, ALL_FORMS),
    LOW_CASE(client_of_the_other_type_is_refused, ALL_FORMS),
    LOW_CASE(case_37_first_instance_is_refused_beside_another, ALL_FORMS),
    LOW_CASE(access_of_a_pipe_is_for_its_server_end, ALL_FORMS),
    LOW_CASE(information_is_what_was_asked_for, ALL_FORMS),
    {0}};
