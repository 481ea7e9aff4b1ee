/* A request's parameters as a filter, and where in the run it begins. HTTP thread. */
#include "api_private.h"
#include "filter_parameters.h"

static const char *query_get(const void *request, const char *name) {
  return web_request_query(request, name);
}

br_filter *br_api_filter(br_api *api, web_request *request, const char *otherwise) {
  br_parameters parameters = {.get = query_get, .source = request};
  br_problem problem;
  br_filter *filter = br_filter_of_parameters(api->hub, &parameters, otherwise, &problem);
  if (!filter) {
    br_problem_respond(request, &problem);
  }
  return filter;
}

br_filter *br_api_session_filter(br_api *api, web_request *request) {
  br_filter *filter = br_api_filter(api, request, "");
  const char *key = filter ? br_filter_key_beyond_sessions(filter) : NULL;
  if (!key) {
    return filter;
  }
  br_filter_destroy(filter);
  web_respond_problem(request, 400, "bad_filter",
                      "Sessions are chosen by pipe, session, pid, uid, peer, executable, unit and "
                      "container; \"%s\" is of events.",
                      key);
  return NULL;
}

bool br_api_max_lag(web_request *request, uint32_t *out_bytes) {
  br_parameters parameters = {.get = query_get, .source = request};
  br_problem problem;
  bool is_good = br_max_lag_parse(&parameters, out_bytes, &problem);
  if (!is_good) {
    br_problem_respond(request, &problem);
  }
  return is_good;
}

bool br_api_since(br_api *api, web_request *request, const char *name, const char *text,
                  br_start_mode *out_start, uint64_t *out_seq) {
  br_problem problem;
  bool is_good = br_since_parse(api->hub, name, text, out_start, out_seq, &problem);
  if (!is_good) {
    br_problem_respond(request, &problem);
  }
  return is_good;
}
