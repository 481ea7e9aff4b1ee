/* What the program says once it is ready. Main thread. */
#ifndef BRIDGE_SRC_ANNOUNCE_H
#define BRIDGE_SRC_ANNOUNCE_H

#include <stdbool.h>

#include "bridge/bridge.h"
#include "bridge/config.h"

/* Writes to stderr where the dashboard is and which pipes there are, with `hints` also lines to
 * paste, and tells the service manager that the bridge is ready. */
void br_announce(const br_config *config, const br_bridge *bridge, bool hints);

#endif
