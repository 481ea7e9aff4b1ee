/* Which route answers. Pure; any thread. */
#ifndef WEB_SRC_ROUTER_H
#define WEB_SRC_ROUTER_H

#include <stddef.h>

#include "target.h"
#include "web/request.h"

#define WEB_PARAMS_MAX 4
#define WEB_ALLOW_MAX 64

typedef struct web_route_param {
  const char *name; /* in the pattern, not ended */
  size_t name_size;
  const char *value; /* in the target */
} web_route_param;

typedef struct web_route_match {
  const web_route *route; /* NULL: none */
  web_route_param params[WEB_PARAMS_MAX];
  size_t param_count;
  char allow[WEB_ALLOW_MAX]; /* without a route: the methods that the path does have; "" if it is
                                unknown */
} web_route_match;

/* The first route of that path and method. HEAD is answered by GET's. */
void web_router_find(const web_route *routes, size_t route_count, const char *method,
                     const web_target *target, web_route_match *out_match);
/* NULL if the pattern has no such name. */
const char *web_route_match_param(const web_route_match *match, const char *name);

#endif
