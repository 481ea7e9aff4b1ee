/* The dashboard, compiled into the program: hand it to web_server_options.assets. Constant data;
 * any thread. In a build without Node it is one page that says so. */
#ifndef WEB_DASHBOARD_H
#define WEB_DASHBOARD_H

#include <stddef.h>

#include "web/server.h"

extern const web_asset web_dashboard_assets[];
extern const size_t web_dashboard_asset_count;

#endif
