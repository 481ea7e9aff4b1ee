/* The suite over linux/epoll, with sockets as clients. */
#include "socket_client.h"

static void epoll_pass_time(suite_fixture *fixture, unsigned ms) {
  uint64_t end = clock_ms() + ms;
  while (clock_ms() < end) {
    turn(fixture);
  }
}

const suite_backend suite_backend_under_test = {
    .name = "epoll",
    .kind = PC_BACKEND_EPOLL,
    .clients = &socket_clients,
    .pass_time = epoll_pass_time,
    .is_of_system = true,
    .extra = {cases_client_system, cases_endpoint, cases_system, cases_threads, cases_fifo}};
