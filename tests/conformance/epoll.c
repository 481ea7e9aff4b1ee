/* The suite over linux/epoll, with sockets as clients. */
#include "socket_client.h"

const suite_backend suite_backend_under_test = {
    .name = "epoll",
    .loop = {.backend = PC_BACKEND_EPOLL},
    .clients = &socket_clients,
    .pass_time = socket_pass_time,
    .is_of_system = true,
    .extra = {cases_client_system, cases_endpoint, cases_system, cases_threads, cases_fifo}};
