/* bridge/openapi.json describes the routes of br_api_routes, all of them and no others, and the
 * version that was built. What each answers is compared by the end-to-end tests. */
#include "test.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "bridge/api.h"

extern const unsigned char br_api_description[];
extern const size_t br_api_description_size;

static json_t *description;

static const json_t *operation_of(const char *pattern, const char *method) {
  char name[16] = "";
  for (size_t index = 0; method[index] && index + 1 < sizeof name; index++) {
    name[index] = (char)tolower((unsigned char)method[index]);
  }
  return json_object_get(json_object_get(json_object_get(description, "paths"), pattern), name);
}

static void every_route_is_described(void **state) {
  (void)state;
  for (size_t index = 0; index < br_api_route_count; index++) {
    const web_route *route = &br_api_routes[index];
    if (!operation_of(route->pattern, route->method)) {
      fail_msg("bridge/openapi.json has no %s %s", route->method, route->pattern);
    }
  }
}

static bool is_route(const char *pattern, const char *method) {
  for (size_t index = 0; index < br_api_route_count; index++) {
    const web_route *route = &br_api_routes[index];
    if (strcmp(route->pattern, pattern) == 0 && strcasecmp(route->method, method) == 0) {
      return true;
    }
  }
  return false;
}

static void every_description_is_of_a_route(void **state) {
  const char *pattern, *method;
  json_t *path, *operation;
  (void)state;
  json_object_foreach(json_object_get(description, "paths"), pattern, path) {
    json_object_foreach(path, method, operation) {
      if (strcmp(method, "parameters") != 0 && !is_route(pattern, method)) {
        fail_msg("%s %s of bridge/openapi.json is no route", method, pattern);
      }
    }
  }
}

static void the_version_is_that_of_the_build(void **state) {
  (void)state;
  const json_t *info = json_object_get(description, "info");
  assert_string_equal(json_string_value(json_object_get(info, "version")), PIPEBRIDGE_VERSION);
}

static int description_load(void **state) {
  (void)state;
  description = json_loadb((const char *)br_api_description, br_api_description_size,
                           JSON_REJECT_DUPLICATES, NULL);
  return description ? 0 : -1;
}

static int description_free(void **state) {
  (void)state;
  json_decref(description);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_route_is_described),
      cmocka_unit_test(every_description_is_of_a_route),
      cmocka_unit_test(the_version_is_that_of_the_build),
  };
  return cmocka_run_group_tests(tests, description_load, description_free);
}
