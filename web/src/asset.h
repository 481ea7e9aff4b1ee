/* The page's files. HTTP thread. */
#ifndef WEB_SRC_ASSET_H
#define WEB_SRC_ASSET_H

#include <stdbool.h>

#include "web/request.h"

/* Answers if the path is one of the assets'. */
bool web_asset_respond(web_request *request);

#endif
