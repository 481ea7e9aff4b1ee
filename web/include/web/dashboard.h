/* The dashboard's files, embedded by the build. */
#ifndef WEB_DASHBOARD_H
#define WEB_DASHBOARD_H

#include <stddef.h>

#include "web/server.h"

extern const web_asset web_dashboard_assets[];
extern const size_t web_dashboard_asset_count;

#endif
