/* Files and the runtime directory: what is refused, and what is made. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"

static char folder[64];
static char error[512];

static const char *below(const char *name) {
  static char path[128];
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static bool check(const char *path, bool create) {
  memset(error, 0, sizeof error);
  return br_host_check_runtime_dir(path, create, error, sizeof error);
}

static int folder_make(void **state) {
  (void)state;
  (void)snprintf(folder, sizeof folder, "/tmp/pipebridge-host-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state) {
  (void)state;
  (void)unlink(below("file"));
  (void)rmdir(below("run"));
  return rmdir(folder);
}

static void a_missing_runtime_directory_is_made_for_us_alone(void **state) {
  (void)state;
  struct stat status;
  assert_true(check(below("run"), true));
  assert_int_equal(stat(below("run"), &status), 0);
  assert_int_equal(status.st_mode & 07777, 0700);
  assert_true(check(below("run"), true));
}

static void looking_makes_nothing(void **state) {
  (void)state;
  assert_true(check(below("run"), false));
  assert_int_equal(access(below("run"), F_OK), -1);
}

static void a_missing_parent_is_refused(void **state) {
  (void)state;
  assert_false(check(below("no/run"), true));
  assert_non_null(strstr(error, "/no/run: cannot be made: No such file or directory; its parent"));
}

static void a_directory_that_everybody_may_write_is_refused(void **state) {
  (void)state;
  assert_int_equal(mkdir(below("run"), 0700), 0);
  assert_int_equal(chmod(below("run"), 0777), 0);
  assert_false(check(below("run"), true));
  assert_non_null(strstr(error, "everybody may write there"));
  assert_false(check(below("run"), false));
}

static void a_sticky_directory_that_everybody_may_write_is_taken(void **state) {
  (void)state;
  assert_int_equal(mkdir(below("run"), 0700), 0);
  assert_int_equal(chmod(below("run"), 01777), 0);
  assert_true(check(below("run"), true));
}

static void a_directory_of_another_user_is_refused(void **state) {
  (void)state;
  if (geteuid() != 0) {
    print_message("skipped: only root can give a directory away\n");
    skip();
  }
  assert_int_equal(mkdir(below("run"), 0700), 0);
  assert_int_equal(chown(below("run"), 4242, (gid_t)-1), 0);
  assert_false(check(below("run"), true));
  assert_non_null(strstr(error, "belongs to user 4242"));
}

static void a_file_is_no_runtime_directory(void **state) {
  (void)state;
  assert_true(br_host_write_file(below("file"), "x", error, sizeof error));
  assert_false(check(below("file"), true));
  assert_non_null(strstr(error, "is not a directory"));
}

static void a_written_file_is_read_back_whole(void **state) {
  (void)state;
  char *text = NULL;
  size_t size = 0;
  assert_true(br_host_write_file(below("file"), "7117\n", error, sizeof error));
  assert_true(br_host_write_file(below("file"), "8118\n", error, sizeof error));
  assert_true(br_host_read_file(below("file"), 5, &text, &size, error, sizeof error));
  assert_int_equal(size, 5);
  assert_memory_equal(text, "8118\n", 5);
  free(text);
  assert_false(br_host_read_file(below("file"), 4, &text, &size, error, sizeof error));
  assert_non_null(strstr(error, "larger than 4 bytes"));
}

static void a_file_that_cannot_be_written_is_named(void **state) {
  (void)state;
  assert_false(br_host_write_file(below("no/file"), "x", error, sizeof error));
  assert_non_null(strstr(error, "/no/file: cannot be written: No such file or directory"));
}

static void a_default_runtime_directory_follows_the_environment(void **state) {
  (void)state;
  assert_int_equal(setenv("XDG_RUNTIME_DIR", "/run/user/5", 1), 0);
  char *path = br_host_default_runtime_dir(error, sizeof error);
  assert_string_equal(path, "/run/user/5/pipebridge");
  free(path);
  assert_int_equal(setenv("XDG_RUNTIME_DIR", "relative", 1), 0);
  path = br_host_default_runtime_dir(error, sizeof error);
  if (geteuid() == 0) {
    assert_string_equal(path, "/run/pipebridge");
  } else {
    assert_null(path);
    assert_non_null(strstr(error, "set --runtime-dir, PIPEBRIDGE_RUNTIME_DIR or XDG_RUNTIME_DIR"));
  }
  free(path);
}

static void accounts_are_found_by_name_and_number(void **state) {
  (void)state;
  int64_t id = -7;
  assert_true(br_host_find_user("root", &id));
  assert_int_equal(id, 0);
  assert_true(br_host_find_group("4711", &id));
  assert_int_equal(id, 4711);
  id = -7;
  assert_false(br_host_find_user("-1", &id));
  assert_false(br_host_find_user("12x", &id));
  assert_false(br_host_find_group("99999999999", &id));
  assert_int_equal(id, -7);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_FOLDER(a_missing_runtime_directory_is_made_for_us_alone),
      WITH_FOLDER(looking_makes_nothing),
      WITH_FOLDER(a_missing_parent_is_refused),
      WITH_FOLDER(a_directory_that_everybody_may_write_is_refused),
      WITH_FOLDER(a_sticky_directory_that_everybody_may_write_is_taken),
      WITH_FOLDER(a_directory_of_another_user_is_refused),
      WITH_FOLDER(a_file_is_no_runtime_directory),
      WITH_FOLDER(a_written_file_is_read_back_whole),
      WITH_FOLDER(a_file_that_cannot_be_written_is_named),
      cmocka_unit_test(a_default_runtime_directory_follows_the_environment),
      cmocka_unit_test(accounts_are_found_by_name_and_number),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
