/* The fixture of the low level's suite, and its main: runs every case of the form that the program
 * is linked with; with --role, does what a child process of a case does. */
#include "low.h"

#include <stdio.h>
#include <stdlib.h>

#include "case_program.h"

/* ---- the fixture ---- */

static int fixture_setup(void **state) {
  low_fixture *fixture = calloc(1, sizeof *fixture);
  assert_non_null(fixture);
  host_folder_create(fixture->folder);
  host_pipe_path(fixture->path, fixture->folder, "pipe");
  fixture->options = (pc_pipe_options){.path = fixture->path,
                                       .type = PC_TYPE_MESSAGE,
                                       .read_mode = PC_TYPE_MESSAGE,
                                       .security = {.uid = -1, .gid = -1}};
  *state = fixture;
  return 0;
}

static int fixture_teardown(void **state) {
  low_fixture *fixture = *state;
  operations_settle(fixture);
  alertable_leave();
  if (!host_folder_remove(fixture->folder)) {
    fail_msg("something is left in %s", fixture->folder);
  }
  free(fixture);
  return 0;
}

void instance_keep(low_fixture *fixture, pc_instance *instance) {
  assert_non_null(instance);
  assert_true(fixture->instance_count < INSTANCES_MAX);
  fixture->instances[fixture->instance_count++] = instance;
}

pc_instance *server_create(low_fixture *fixture) {
  pc_instance *instance = NULL;
  pc_failure failure = {.status = PC_OK};
  pc_status status = pc_instance_create(&fixture->options, &instance, &failure);
  if (status != PC_OK) {
    fail_msg("create: %s, %s (%d)", pc_status_name(status),
             failure.action ? failure.action : "nothing told", failure.native);
  }
  instance_keep(fixture, instance);
  return instance;
}

pc_instance *client_open(low_fixture *fixture) {
  pc_instance *instance = NULL;
  pc_status status = pc_instance_open(fixture->path, fixture->options.type, DEADLINE_MS, &instance);
  if (status != PC_OK) {
    fail_msg("open: %s", pc_status_name(status));
  }
  instance_keep(fixture, instance);
  return instance;
}

void instance_close(low_fixture *fixture, pc_instance *instance) {
  unsigned index = 0;
  while (fixture->instances[index] != instance) {
    index++;
    assert_true(index < fixture->instance_count);
  }
  fixture->instances[index] = fixture->instances[--fixture->instance_count];
  pc_instance_close(instance);
}

low_pair pair_connect(low_fixture *fixture) {
  low_pair pair = {.server = server_create(fixture)};
  pair.client = client_open(fixture);
  assert_int_equal(connect_now(fixture, pair.server), PC_OK);
  return pair;
}

low_pair pair_create(low_fixture *fixture, pc_type type) {
  fixture->options.type = type;
  fixture->options.read_mode = type;
  return pair_connect(fixture);
}

/* ---- threads ---- */

typedef struct started_thread {
  void (*run)(void *user);
  void *user;
} started_thread;

static void started_run(void *user) {
  started_thread self = *(started_thread *)user;
  free(user);
  self.run(self.user);
  alertable_leave();
}

host_thread *thread_start(void (*run)(void *user), void *user) {
  started_thread *thread = malloc(sizeof *thread);
  assert_non_null(thread);
  *thread = (started_thread){.run = run, .user = user};
  return host_thread_start(started_run, thread);
}

/* ---- main ---- */

static int role_run(const char *name, const char *path) {
  for (const low_role *role = low_roles; role->name; role++) {
    if (strcmp(role->name, name) == 0) {
      return role->run(path);
    }
  }
  fprintf(stderr, "no such role: %s\n", name);
  return 1;
}

static const low_case *const all_cases[] = {
    cases_create,     cases_connect, cases_full,    cases_state, cases_read,
    cases_write,      cases_flush,   cases_cancel,  cases_calls, cases_event,
    cases_completion, cases_many,    cases_process, NULL};

static struct CMUnitTest tests[256];

static size_t tests_collect(void) {
  size_t count = 0;
  for (size_t list = 0; all_cases[list]; list++) {
    for (const low_case *each = all_cases[list]; each->name; each++) {
      if (!(each->forms & (unsigned)form.bit)) {
        continue;
      }
      assert_true(count < sizeof tests / sizeof tests[0]);
      tests[count++] = (struct CMUnitTest){.name = each->name,
                                           .test_func = each->run,
                                           .setup_func = fixture_setup,
                                           .teardown_func = fixture_teardown};
    }
  }
  return count;
}

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "--role") == 0) {
    return role_run(argv[2], argv[3]);
  }
  size_t count = tests_collect();
  if (case_program_lists(argc, argv, tests, count)) {
    return 0;
  }
  host_handles_raise();
  return _cmocka_run_group_tests(form.name, tests, count, NULL, NULL);
}
