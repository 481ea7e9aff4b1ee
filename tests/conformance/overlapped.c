/* The suite over overlapped operations of the low level, with sockets as clients. */
#include "socket_client.h"

const suite_backend suite_backend_under_test = {
    .name = "overlapped",
    .loop = {.strategy = PC_STRATEGY_OVERLAPPED},
    .clients = &socket_clients,
    .pass_time = socket_pass_time,
    .is_of_system = true,
    .is_wordless = true,
    .idle_heap_bytes = 2048, /* an instance, two events, two records */
    .extra = {cases_client_system, cases_endpoint, cases_fifo, cases_system, cases_threads}};
