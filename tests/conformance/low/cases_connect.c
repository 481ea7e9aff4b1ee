/* Cases of a client's coming and going: before, during and after the server's connect; instances
 * used again. */
#include "low.h"

static const pc_type both_types[] = {PC_TYPE_BYTE, PC_TYPE_MESSAGE};

static void type_set(low_fixture *fixture, pc_type type) {
  fixture->options.type = type;
  fixture->options.read_mode = type;
}

static void case_04_client_that_came_and_wrote_first_is_connected(void **state) {
  low_fixture *fixture = *state;
  for (int index = 0; index < 2; index++) {
    type_set(fixture, both_types[index]);
    pc_instance *server = server_create(fixture);
    pc_instance *client = client_open(fixture);
    write_text(fixture, client, "early");
    low_operation *connect = connect_begin(fixture, server);
    assert_int_equal(operation_end(connect), PC_OK);
    read_expect(fixture, server, "early");
    assert_int_equal(connect_now(fixture, server), PC_OK); /* it is still there */
    write_text(fixture, server, "answer");
    read_expect(fixture, client, "answer");
    instance_close(fixture, client);
    instance_close(fixture, server);
  }
}

static void case_05_connect_waits_for_a_client(void **state) {
  low_fixture *fixture = *state;
  for (int index = 0; index < 2; index++) {
    type_set(fixture, both_types[index]);
    pc_instance *server = server_create(fixture);
    low_operation *connect = connect_begin(fixture, server);
    assert_true(operation_pends(connect));
    pc_instance *client = client_open(fixture);
    assert_int_equal(operation_end(connect), PC_OK);
    write_text(fixture, client, "hello");
    read_expect(fixture, server, "hello");
    instance_close(fixture, client);
    instance_close(fixture, server);
  }
}

static void clients_are_taken_in_the_order_in_which_instances_listen(void **state) {
  low_fixture *fixture = *state;
  enum { COUNT = 4 };
  pc_instance *servers[COUNT];
  pc_instance *clients[COUNT];
  low_operation *connects[COUNT];
  for (int index = 0; index < COUNT; index++) {
    servers[index] = server_create(fixture);
    connects[index] = connect_begin(fixture, servers[index]);
    assert_true(operation_pends(connects[index]));
  }
  for (int index = 0; index < COUNT; index++) {
    clients[index] = client_open(fixture);
    write_text(fixture, clients[index], (const char[]){(char)('a' + index), '\0'});
    assert_int_equal(operation_end(connects[index]), PC_OK);
  }
  for (int index = 0; index < COUNT; index++) {
    read_expect(fixture, servers[index], (const char[]){(char)('a' + index), '\0'});
  }
}

static void case_06_client_that_is_gone_again_is_heard(void **state) {
  low_fixture *fixture = *state;
  for (int index = 0; index < 2; index++) {
    type_set(fixture, both_types[index]);
    pc_instance *server = server_create(fixture);
    pc_instance *client = client_open(fixture);
    write_text(fixture, client, "first");
    write_text(fixture, client, "second");
    instance_close(fixture, client);
    assert_int_equal(connect_now(fixture, server), PC_OK);
    if (both_types[index] == PC_TYPE_MESSAGE) {
      read_expect(fixture, server, "first");
      read_expect(fixture, server, "second");
    } else {
      read_expect(fixture, server, "firstsecond");
    }
    assert_int_equal(read_status(fixture, server), PC_E_BROKEN);
    assert_int_equal(read_status(fixture, server), PC_E_BROKEN);
    instance_close(fixture, server);
  }
}

/* A client that came and went without a word: connected and broken, or broken at once as Win32 has
 * it. */
static void case_07_client_without_a_word_leaves_the_instance_usable(void **state) {
  low_fixture *fixture = *state;
  for (int index = 0; index < 2; index++) {
    type_set(fixture, both_types[index]);
    pc_instance *server = server_create(fixture);
    instance_close(fixture, client_open(fixture));
    pc_status status = connect_now(fixture, server);
    assert_true(status == PC_OK || status == PC_E_BROKEN);
    assert_int_equal(read_status(fixture, server), PC_E_BROKEN);
    assert_int_equal(pc_instance_disconnect(server), PC_OK);
    low_operation *connect = connect_begin(fixture, server);
    assert_true(operation_pends(connect));
    pc_instance *client = client_open(fixture);
    assert_int_equal(operation_end(connect), PC_OK);
    write_text(fixture, client, "next");
    read_expect(fixture, server, "next");
    instance_close(fixture, client);
    instance_close(fixture, server);
  }
}

static void reuse_once(low_fixture *fixture, pc_instance *server, unsigned round) {
  char text[] = {(char)('0' + round % 10), '!', '\0'};
  low_operation *connect = connect_begin(fixture, server);
  pc_instance *client = client_open(fixture);
  assert_int_equal(operation_end(connect), PC_OK);
  write_text(fixture, client, text);
  read_expect(fixture, server, text);
  write_text(fixture, server, "echo");
  read_expect(fixture, client, "echo");
  assert_int_equal(pc_instance_disconnect(server), PC_OK);
  instance_close(fixture, client);
}

static void case_32_instance_serves_a_hundred_clients_one_after_the_other(void **state) {
  low_fixture *fixture = *state;
  fixture->options.max_instances = 1;
  for (int index = 0; index < 2; index++) {
    type_set(fixture, both_types[index]);
    pc_instance *server = server_create(fixture);
    unsigned handles = 0;
    for (unsigned round = 0; round < 100; round++) {
      reuse_once(fixture, server, round);
      operations_forget(fixture);
      if (round == 10) {
        handles = host_handle_count();
      }
    }
    assert_int_equal(host_handle_count(), handles);
    instance_close(fixture, server);
  }
}

static void case_33_second_disconnect_is_not_connected(void **state) {
  low_fixture *fixture = *state;
  pc_instance *listening = server_create(fixture);
  assert_int_equal(pc_instance_disconnect(listening), PC_E_LISTENING);
  instance_close(fixture, listening);
  low_pair pair = pair_create(fixture, PC_TYPE_MESSAGE);
  assert_int_equal(pc_instance_disconnect(pair.server), PC_OK);
  assert_int_equal(pc_instance_disconnect(pair.server), PC_E_NOT_CONNECTED);
}

const low_case cases_connect[] = {
    LOW_CASE(case_04_client_that_came_and_wrote_first_is_connected, ALL_FORMS),
    LOW_CASE(case_05_connect_waits_for_a_client, ALL_FORMS),
    LOW_CASE(clients_are_taken_in_the_order_in_which_instances_listen, ALL_FORMS),
    LOW_CASE(case_06_client_that_is_gone_again_is_heard, ALL_FORMS),
    LOW_CASE(case_07_client_without_a_word_leaves_the_instance_usable, ALL_FORMS),
    LOW_CASE(case_32_instance_serves_a_hundred_clients_one_after_the_other, ALL_FORMS),
    LOW_CASE(case_33_second_disconnect_is_not_connected, ALL_FORMS),
    {0}};
