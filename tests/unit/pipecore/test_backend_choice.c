/* Which backend a loop gets: the one wished for, by strategy or by name, or epoll with the reason
 * where the system refuses io_uring. */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend_refusal.h"
#include "pipecore/loop.h"
#include "refuse_call.h"

enum { CHILD_FINE = 0, CHILD_WRONG = 1, CHILD_SKIPPED = 77 };

static void wished_backend_is_the_one_that_works(void **state) {
  (void)state;
  static const struct {
    pc_strategy strategy;
    pc_backend_kind kind;
    const char *name;
  } wishes[] = {{PC_STRATEGY_COMPLETION, PC_BACKEND_EPOLL, "epoll"},
                {PC_STRATEGY_COMPLETION, PC_BACKEND_FAKE, "fake"},
                {PC_STRATEGY_OVERLAPPED, PC_BACKEND_AUTO, "overlapped"},
                {PC_STRATEGY_THREADS, PC_BACKEND_AUTO, "threads"},
                {PC_STRATEGY_COMPLETION, PC_BACKEND_IO_URING, "io_uring"}};
  for (int index = 0; index < 5; index++) {
    if (backend_is_refused(wishes[index].kind)) {
      skip();
    }
    pc_loop *loop = NULL;
    pc_loop_options options = {.strategy = wishes[index].strategy, .backend = wishes[index].kind};
    assert_int_equal(pc_loop_create(&options, &loop), PC_OK);
    assert_string_equal(pc_loop_backend_name(loop), wishes[index].name);
    assert_null(pc_loop_refusal(loop));
    pc_loop_destroy(loop);
  }
}

static void unknown_backend_or_strategy_is_not_supported(void **state) {
  (void)state;
  pc_loop *loop = NULL;
  pc_loop_options options = {.backend = (pc_backend_kind)99};
  assert_int_equal(pc_loop_create(&options, &loop), PC_E_NOT_SUPPORTED);
  options = (pc_loop_options){.strategy = (pc_strategy)99};
  assert_int_equal(pc_loop_create(&options, &loop), PC_E_NOT_SUPPORTED);
  assert_null(loop);
}

static void backend_beside_another_strategy_is_refused(void **state) {
  (void)state;
  static const pc_backend_kind kinds[] = {PC_BACKEND_EPOLL, PC_BACKEND_IO_URING, PC_BACKEND_FAKE};
  for (int index = 0; index < 6; index++) {
    pc_loop *loop = NULL;
    pc_loop_options options = {.strategy = index < 3 ? PC_STRATEGY_THREADS : PC_STRATEGY_OVERLAPPED,
                               .backend = kinds[index % 3]};
    assert_int_equal(pc_loop_create(&options, &loop), PC_E_INVALID_ARG);
    assert_null(loop);
  }
}

/* In a child, with the filter on: epoll works, and the reason is told. */
static int loop_under_filter(unsigned call, unsigned native) {
  if (!refuse_call(call, native)) {
    return CHILD_SKIPPED;
  }
  pc_loop *loop = NULL;
  pc_loop_options options = {.backend = PC_BACKEND_IO_URING};
  if (pc_loop_create(&options, &loop) != PC_OK) {
    return CHILD_WRONG;
  }
  const pc_failure *refusal = pc_loop_refusal(loop);
  bool is_fine = refusal && refusal->native == (int)native && refusal->action && refusal->advice &&
                 strcmp(pc_loop_backend_name(loop), "epoll") == 0 && pc_loop_turn(loop, 0) == PC_OK;
  pc_loop_destroy(loop);
  return is_fine ? CHILD_FINE : CHILD_WRONG;
}

static void where_io_uring_is_refused_epoll_takes_over_and_says_why(void **state) {
  (void)state;
  static const unsigned calls[] = {SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register};
  static const unsigned natives[] = {EPERM, ENOSYS, ENOMEM};
  if (backend_is_refused(PC_BACKEND_IO_URING)) {
    skip();
  }
  for (int call = 0; call < 3; call++) {
    for (int native = 0; native < 3; native++) {
      fflush(NULL);
      pid_t child = fork();
      if (child == 0) {
        _exit(loop_under_filter(calls[call], natives[native]));
      }
      int status = 0;
      assert_int_equal(waitpid(child, &status, 0), child);
      assert_true(WIFEXITED(status));
      if (WEXITSTATUS(status) == CHILD_SKIPPED) {
        print_message("skipped: this system has no seccomp filters\n");
        skip();
      }
      assert_int_equal(WEXITSTATUS(status), CHILD_FINE);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wished_backend_is_the_one_that_works),
      cmocka_unit_test(backend_beside_another_strategy_is_refused),
      cmocka_unit_test(unknown_backend_or_strategy_is_not_supported),
      cmocka_unit_test(where_io_uring_is_refused_epoll_takes_over_and_says_why),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
