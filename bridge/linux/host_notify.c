/* systemd's notification protocol (sd_notify(3)), spoken directly: one datagram to the socket that
 * NOTIFY_SOCKET names, by path or, with a leading @, in the abstract namespace. Main thread.
 *
 * Success: socket → one datagram. Failures: no such variable, a name that is too long, nobody
 * there; all of them mean that nobody wants to know, and are silent. */
#include "host.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void br_host_notify(const char *state) {
  const char *name = getenv("NOTIFY_SOCKET");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = name ? strlen(name) : 0;
  if (length < 2 || length >= sizeof address.sun_path || (name[0] != '/' && name[0] != '@')) {
    return;
  }
  memcpy(address.sun_path, name, length);
  if (name[0] == '@') {
    address.sun_path[0] = '\0';
  }
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return;
  }
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address, size);
  (void)close(fd);
}

uint64_t br_host_watchdog_us(void) {
  const char *interval = getenv("WATCHDOG_USEC");
  const char *pid = getenv("WATCHDOG_PID");
  if (!interval || (pid && strtoll(pid, NULL, 10) != (long long)getpid())) {
    return 0;
  }
  return strtoull(interval, NULL, 10);
}
