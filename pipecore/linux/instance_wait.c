/* WaitNamedPipe. Blocks.
 *
 * Success: the kernel is asked whether the listening socket has room, without a client being spent
 * on it; while it has none, again after 1 ms, doubled up to 20. Failures: nobody listens; no room
 * in time. A kernel that does not tell is asked by a connection that is closed at once, which its
 * server sees. */
#include <unistd.h>

#include "instance_private.h"
#include "listener_query.h"
#include "pipecore/instance.h"
#include "system.h"

static pc_status connection_spend(const char *path, pc_type type, int timeout_ms) {
  int fd;
  pc_status status = pc_instance_open_socket(path, type, timeout_ms, &fd);
  if (status == PC_OK) {
    close(fd);
  }
  return status;
}

pc_status pc_instance_wait(const char *path, pc_type type, int timeout_ms) {
  struct sockaddr_un address;
  pc_failure ignored;
  pc_status status = pc_instance_open_check(path);
  if (status == PC_OK) {
    status = pc_linux_address_fill(path, &address, &ignored);
  }
  if (status != PC_OK) {
    return status;
  }
  int wait_ms = pc_instance_open_timeout(path, timeout_ms);
  uint64_t deadline_ns = pc_port_deadline_ns(wait_ms);
  pc_pause pause = {.deadline_ns = deadline_ns};
  while ((status = pc_linux_listener_query(path, type)) == PC_AGAIN) {
    if (!pc_port_pause(&pause)) {
      return wait_ms == 0 ? PC_E_BUSY : PC_E_TIMEOUT;
    }
  }
  return status == PC_E_NOT_SUPPORTED ? connection_spend(path, type, timeout_ms) : status;
}
