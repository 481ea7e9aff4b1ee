/* Cases with another process: who it is, that it holds a pipe, and that it dies. */
#include "low.h"

/* ---- what the other process does ---- */

static pc_pipe_options role_options(const char *path) {
  return (pc_pipe_options){.path = path,
                           .type = PC_TYPE_MESSAGE,
                           .read_mode = PC_TYPE_MESSAGE,
                           .is_first_instance = true,
                           .security = {.uid = -1, .gid = -1}};
}

/* Owns the pipe and echoes until its client is gone. */
static int role_echo(const char *path) {
  pc_pipe_options options = role_options(path);
  pc_instance *instance;
  if (pc_instance_create(&options, &instance, NULL) != PC_OK) {
    return 2;
  }
  host_tell_ready();
  if (pc_instance_connect(instance, NULL) != PC_OK) {
    return 3;
  }
  char data[64];
  uint32_t bytes;
  while (pc_instance_read(instance, data, sizeof data, &bytes, NULL) == PC_OK) {
    if (pc_instance_write(instance, data, bytes, &bytes, NULL) != PC_OK) {
      return 4;
    }
  }
  pc_instance_close(instance);
  return 0;
}

/* Opens the pipe and reads one message. */
static int role_visit(const char *path) {
  pc_instance *instance;
  if (pc_instance_open(path, PC_TYPE_MESSAGE, 10000, &instance) != PC_OK) {
    return 2;
  }
  char data[8];
  uint32_t bytes;
  pc_status status = pc_instance_read(instance, data, sizeof data, &bytes, NULL);
  pc_instance_close(instance);
  return status == PC_OK && bytes == 3 ? 0 : 3;
}

/* Writes until a write waits, says so, and waits in it. */
static int role_flood(const char *path) {
  pc_instance *instance;
  if (pc_instance_open(path, PC_TYPE_MESSAGE, 10000, &instance) != PC_OK) {
    return 2;
  }
  static const char data[1000];
  uint32_t bytes;
  pc_status status = PC_OK;
  pc_overlapped overlapped = {.event = NULL};
  while (status == PC_OK) {
    status = pc_instance_write(instance, data, sizeof data, &bytes, &overlapped);
    if (status == PC_PENDING && pc_overlapped_result(&overlapped, 200, &bytes) == PC_OK) {
      status = PC_OK; /* it did not wait long */
    }
  }
  host_tell_ready();
  (void)!pc_overlapped_result(&overlapped, -1, &bytes);
  return 1;
}

/* Leaves what it was sent unread, says its last words, and waits for its end. */
static int role_talk(const char *path) {
  pc_instance *instance;
  if (pc_instance_open(path, PC_TYPE_MESSAGE, 10000, &instance) != PC_OK) {
    return 2;
  }
  uint32_t bytes;
  if (pc_instance_read(instance, NULL, 0, &bytes, NULL) != PC_MORE_DATA ||
      pc_instance_write(instance, "last", 4, &bytes, NULL) != PC_OK ||
      pc_instance_write(instance, "words", 5, &bytes, NULL) != PC_OK) {
    return 3;
  }
  host_tell_ready();
  return pc_instance_flush(instance, -1) == PC_OK ? 4 : 5;
}

const low_role low_roles[] = {{"echo", role_echo},
                              {"flood", role_flood},
                              {"talk", role_talk},
                              {"visit", role_visit},
                              {NULL, NULL}};

/* ---- cases ---- */

static void case_37_name_of_another_process_is_in_use(void **state) {
  low_fixture *fixture = *state;
  host_child *child = host_child_start("echo", fixture->path);
  assert_true(host_child_wait_ready(child));
  pc_instance *instance = NULL;
  for (int is_first = host.do_processes_share_names; is_first < 2; is_first++) {
    fixture->options.is_first_instance = is_first;
    assert_int_equal(pc_instance_create(&fixture->options, &instance, NULL), PC_E_IN_USE);
    assert_null(instance);
  }
  pc_instance *client = client_open(fixture);
  write_text(fixture, client, "unharmed");
  read_expect(fixture, client, "unharmed");
  instance_close(fixture, client);
  assert_int_equal(host_child_wait(child), 0);
}

static void case_38_name_of_a_killed_process_is_free(void **state) {
  low_fixture *fixture = *state;
  host_child *child = host_child_start("echo", fixture->path);
  assert_true(host_child_wait_ready(child));
  host_child_kill(child);
  pc_instance *instance = NULL;
  assert_int_equal(pc_instance_open(fixture->path, PC_TYPE_MESSAGE, 100, &instance),
                   PC_E_NOT_FOUND);
  fixture->options.is_first_instance = true;
  low_pair pair = pair_connect(fixture);
  write_text(fixture, pair.client, "anew");
  read_expect(fixture, pair.server, "anew");
}

static void case_38_client_of_a_killed_server_reads_the_rest_and_the_end(void **state) {
  low_fixture *fixture = *state;
  host_child *child = host_child_start("echo", fixture->path);
  assert_true(host_child_wait_ready(child));
  pc_instance *client = client_open(fixture);
  write_text(fixture, client, "echo");
  low_operation *read = read_begin(fixture, client, 0); /* waits until the echo is here */
  assert_int_equal(operation_end(read), PC_MORE_DATA);
  host_child_kill(child);
  read_expect(fixture, client, "echo");
  assert_int_equal(read_status(fixture, client), PC_E_BROKEN);
  instance_close(fixture, client);
  (void)server_create(fixture); /* which leaves nothing of the other one behind */
}

static void case_49_both_ends_know_each_other(void **state) {
  low_fixture *fixture = *state;
  pc_instance *server = server_create(fixture);
  pc_peer peer;
  static pc_peer_details details;
  assert_int_equal(pc_instance_get_peer(server, &peer), PC_E_LISTENING);
  assert_int_equal(pc_instance_describe_peer(server, PC_PEER_ALL, &details), PC_E_LISTENING);
  host_child *child = host_child_start("visit", fixture->path);
  assert_int_equal(connect_now(fixture, server), PC_OK);
  assert_int_equal(pc_instance_get_peer(server, &peer), PC_OK);
  assert_int_equal(peer.pid, host_child_pid(child));
  assert_int_equal(peer.uid, host_self_uid());
  assert_int_equal(pc_instance_describe_peer(server, PC_PEER_EXECUTABLE, &details), PC_OK);
  assert_int_equal(details.known, PC_PEER_EXECUTABLE);
  assert_true(details.executable[0] != '\0');
  write_text(fixture, server, "bye");
  assert_int_equal(host_child_wait(child), 0);
  assert_int_equal(read_status(fixture, server), PC_E_BROKEN);
  assert_int_equal(pc_instance_get_peer(server, &peer), PC_OK); /* as it was when it came */
  assert_int_equal(pc_instance_disconnect(server), PC_OK);
  assert_int_equal(pc_instance_get_peer(server, &peer), PC_E_NOT_CONNECTED);
  low_operation *connect = connect_begin(fixture, server);
  pc_instance *client = client_open(fixture);
  assert_int_equal(operation_end(connect), PC_OK);
  assert_int_equal(pc_instance_get_peer(client, &peer), PC_OK);
  assert_int_equal(peer.pid, host_self_pid());
}

static void case_50_client_killed_in_a_write_is_a_client_that_closed(void **state) {
  low_fixture *fixture = *state;
  fixture->options.max_instances = 1;
  pc_instance *server = server_create(fixture);
  host_child *child = host_child_start("flood", fixture->path);
  assert_int_equal(connect_now(fixture, server), PC_OK);
  assert_true(host_child_wait_ready(child));
  host_child_kill(child);
  unsigned messages = 0;
  low_operation *read;
  while ((read = read_now(fixture, server, 2000))->status == PC_OK) {
    assert_int_equal(read->bytes, 1000); /* whole ones only */
    messages++;
  }
  assert_int_equal(read->status, PC_E_BROKEN);
  assert_true(messages > 0);
  assert_int_equal(pc_instance_disconnect(server), PC_OK);
  low_operation *connect = connect_begin(fixture, server);
  pc_instance *client = client_open(fixture);
  assert_int_equal(operation_end(connect), PC_OK);
  write_text(fixture, client, "next");
  read_expect(fixture, server, "next");
}

/* A death over unread input is a reset on some systems, told before what is still there to be
 * read. */
static void case_50_last_words_of_a_killed_client_are_heard(void **state) {
  low_fixture *fixture = *state;
  pc_instance *server = server_create(fixture);
  host_child *child = host_child_start("talk", fixture->path);
  assert_int_equal(connect_now(fixture, server), PC_OK);
  write_text(fixture, server, "never read");
  assert_true(host_child_wait_ready(child));
  host_child_kill(child);
  read_expect(fixture, server, "last");
  read_expect(fixture, server, "words");
  assert_int_equal(read_status(fixture, server), PC_E_BROKEN);
  assert_int_equal(read_status(fixture, server), PC_E_BROKEN);
}

const low_case cases_process[] = {
    LOW_CASE(case_37_name_of_another_process_is_in_use, ALL_FORMS),
    LOW_CASE(case_38_name_of_a_killed_process_is_free, ALL_FORMS),
    LOW_CASE(case_38_client_of_a_killed_server_reads_the_rest_and_the_end, ALL_FORMS),
    LOW_CASE(case_49_both_ends_know_each_other, ALL_FORMS),
    LOW_CASE(case_50_client_killed_in_a_write_is_a_client_that_closed, ALL_FORMS),
    LOW_CASE(case_50_last_words_of_a_killed_client_are_heard, ALL_FORMS),
    {0}};
