/* br_bridge: the whole service in one object: the pipe thread, the HTTP thread, the queues between
 * them. Functions are for the main thread. */
#ifndef BRIDGE_BRIDGE_H
#define BRIDGE_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/config.h"

typedef struct br_bridge br_bridge;

/* Makes pipes and listeners and starts the threads; true once clients and browsers can connect.
 * Writes one line to stderr for what an operator should know, never payloads. `config` must outlive
 * the bridge. On failure nothing is left behind and `error` says what, where and what to do. */
bool br_bridge_start(const br_config *config, br_bridge **out_bridge, char *error,
                     size_t error_size);
/* Real port of listener `index`. */
uint16_t br_bridge_port(const br_bridge *bridge, size_t index);
/* Whether both threads have taken a turn since the last call, which asked them to. For a watchdog
 * that calls it every few seconds; the first call always says yes if the threads have begun. */
bool br_bridge_is_healthy(br_bridge *bridge);
/* Ends in order: sessions drain, observers get their last events and a close frame, threads join,
 * endpoints are removed. Waits; at most five seconds. Frees the bridge; accepts NULL. */
void br_bridge_stop(br_bridge *bridge);

#endif
