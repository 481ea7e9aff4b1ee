/* The suite over a thread for each instance, with sockets as clients. */
#include "socket_client.h"

const suite_backend suite_backend_under_test = {
    .name = "threads",
    .loop = {.strategy = PC_STRATEGY_THREADS},
    .clients = &socket_clients,
    .pass_time = socket_pass_time,
    .is_of_system = true,
    .idle_heap_bytes = 1536, /* what the system keeps of a thread */
    .is_concurrent = true,
    .extra = {cases_client_system, cases_endpoint, cases_fifo, cases_system, cases_threads}};
