/* Patterns against paths, one after the other: a dozen routes need no tree. Pure; any thread. */
#include "router.h"

#include <string.h>

/* One segment of the pattern against one of the path. */
static bool segment_matches(const char *pattern, size_t size, const char *value,
                            web_route_match *match) {
  if (size >= 2 && pattern[0] == '{' && pattern[size - 1] == '}') {
    if (*value == '\0' || match->param_count == WEB_PARAMS_MAX) {
      return false;
    }
    match->params[match->param_count++] =
        (web_route_param){.name = pattern + 1, .name_size = size - 2, .value = value};
    return true;
  }
  return strlen(value) == size && memcmp(pattern, value, size) == 0;
}

static bool path_matches(const char *pattern, const web_target *target, web_route_match *match) {
  size_t index = 0;
  match->param_count = 0;
  if (target->segment_count > WEB_SEGMENTS_MAX) {
    return false;
  }
  const char *at = pattern + 1;
  while (*at != '\0') {
    size_t size = strcspn(at, "/");
    if (index == target->segment_count ||
        !segment_matches(at, size, target->segments[index], match)) {
      return false;
    }
    index++;
    at += size + (at[size] == '/' ? 1 : 0);
  }
  return index == target->segment_count;
}

static bool method_matches(const char *route, const char *asked) {
  return strcmp(route, asked) == 0 || (strcmp(asked, "HEAD") == 0 && strcmp(route, "GET") == 0);
}

static void allow_add(char allow[WEB_ALLOW_MAX], const char *method) {
  size_t used = strlen(allow);
  if (strstr(allow, method) != NULL || used + strlen(method) + 3 > WEB_ALLOW_MAX) {
    return;
  }
  if (used > 0) {
    memcpy(allow + used, ", ", 3);
    used += 2;
  }
  memcpy(allow + used, method, strlen(method) + 1);
}

void web_router_find(const web_route *routes, size_t route_count, const char *method,
                     const web_target *target, web_route_match *out_match) {
  memset(out_match, 0, sizeof *out_match);
  for (size_t i = 0; i < route_count; i++) {
    if (!path_matches(routes[i].pattern, target, out_match)) {
      continue;
    }
    if (method_matches(routes[i].method, method)) {
      out_match->route = &routes[i];
      return;
    }
    allow_add(out_match->allow, routes[i].method);
    if (strcmp(routes[i].method, "GET") == 0) {
      allow_add(out_match->allow, "HEAD");
    }
  }
  out_match->param_count = 0;
}

const char *web_route_match_param(const web_route_match *match, const char *name) {
  size_t size = strlen(name);
  for (size_t i = 0; i < match->param_count; i++) {
    if (match->params[i].name_size == size && memcmp(match->params[i].name, name, size) == 0) {
      return match->params[i].value;
    }
  }
  return NULL;
}
