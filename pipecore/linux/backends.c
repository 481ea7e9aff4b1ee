/* The backends of this system. Constant; any thread. */
#include "../src/backend.h"
#include "endpoint.h"
#include "system.h"

extern const pc_backend pc_backend_epoll;
extern const pc_backend pc_backend_threads;
extern const pc_backend pc_backend_uring;

static const pc_backend *completion_find(pc_backend_kind kind) {
  switch (kind) {
  case PC_BACKEND_AUTO:
  case PC_BACKEND_EPOLL:
    return &pc_backend_epoll;
  case PC_BACKEND_IO_URING:
    return &pc_backend_uring;
  case PC_BACKEND_FAKE:
    return &pc_backend_fake;
  }
  return NULL;
}

const pc_backend *pc_backend_find(pc_strategy strategy, pc_backend_kind kind) {
  switch (strategy) {
  case PC_STRATEGY_COMPLETION:
    return completion_find(kind);
  case PC_STRATEGY_OVERLAPPED:
    return &pc_backend_overlapped;
  case PC_STRATEGY_THREADS:
    return &pc_backend_threads;
  }
  return NULL;
}

uint64_t pc_backend_now_ns(void) {
  return pc_linux_now_ns();
}

size_t pc_backend_max_path_bytes(void) {
  return PC_LINUX_PATH_MAX_BYTES;
}
