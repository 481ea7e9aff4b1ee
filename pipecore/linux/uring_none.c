/* In the place of the io_uring backend, where the build found no liburing. */
#include "../src/backend.h"

static pc_status backend_create(pc_loop *loop, pc_backend_state **out_state,
                                pc_failure *out_failure) {
  (void)loop;
  (void)out_state;
  *out_failure = (pc_failure){.status = PC_E_NOT_SUPPORTED,
                              .action = "set io_uring up",
                              .advice = "this build is without it: install liburing, build anew"};
  return PC_E_NOT_SUPPORTED;
}

extern const pc_backend pc_backend_epoll;

const pc_backend pc_backend_uring = {
    .name = "io_uring", .instead = &pc_backend_epoll, .create = backend_create};
