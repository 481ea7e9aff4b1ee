/* The pure parts of the HTTP side: guard, addresses, targets, routes, header lists, timers. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "guard.h"
#include "header_list.h"
#include "listen_address.h"
#include "router.h"
#include "target.h"
#include "timer_list.h"

/* ---- guard ---- */

typedef struct guard_case {
  const char *host;
  const char *origin;
  const char *fetch_site;
  bool is_navigation;
  unsigned status;
} guard_case;

static const guard_case guard_cases[] = {
    {"127.0.0.1:7117", NULL, NULL, false, 0},
    {"localhost:7117", NULL, NULL, false, 0},
    {"LOCALHOST:7117", NULL, NULL, false, 0},
    {"[::1]:7117", NULL, NULL, false, 0},
    {"127.255.255.254:7117", NULL, NULL, false, 0},
    {"127.0.0.1:7117 \t", NULL, NULL, false, 0}, /* blanks after a value are no part of it */
    {"127.0.0.1 :7117", NULL, NULL, false, 403},
    {"127.0.0.1", NULL, NULL, false, 403},
    {"127.0.0.1:7118", NULL, NULL, false, 403},
    {"127.0.0.1:80", NULL, NULL, false, 403},
    {"evil.example:7117", NULL, NULL, false, 403},
    {"localhost.evil.example:7117", NULL, NULL, false, 403},
    {"127.0.0.1.evil.example:7117", NULL, NULL, false, 403},
    {"localhost.:7117", NULL, NULL, false, 403},
    {"127.1:7117", NULL, NULL, false, 403},
    {"0x7f.0.0.1:7117", NULL, NULL, false, 403},
    {"127.0.0.01:7117", NULL, NULL, false, 403},
    {"127.0.0.256:7117", NULL, NULL, false, 403},
    {"128.0.0.1:7117", NULL, NULL, false, 403},
    {"0.0.0.0:7117", NULL, NULL, false, 403},
    {"[::]:7117", NULL, NULL, false, 403},
    {"[::ffff:127.0.0.1]:7117", NULL, NULL, false, 403},
    {"[::1]x:7117", NULL, NULL, false, 400},
    {"[::1:7117", NULL, NULL, false, 400},
    {"127.0.0.1:", NULL, NULL, false, 400},
    {"127.0.0.1:71170", NULL, NULL, false, 400},
    {"127.0.0.1:7117x", NULL, NULL, false, 400},
    {"", NULL, NULL, false, 400},
    {"127.0.0.1:7117", "http://127.0.0.1:7117", NULL, false, 0},
    {"127.0.0.1:7117", "http://localhost:7117", NULL, false, 0},
    {"127.0.0.1:7117", "http://localhost:7117 ", NULL, false, 0},
    {"127.0.0.1:7117", "http://[::1]:7117", "same-origin", false, 0},
    {"127.0.0.1:7117", "null", NULL, false, 403},
    {"127.0.0.1:7117", "", NULL, false, 403},
    {"127.0.0.1:7117", "https://127.0.0.1:7117", NULL, false, 403},
    {"127.0.0.1:7117", "http://127.0.0.1:3000", NULL, false, 403},
    {"127.0.0.1:7117", "http://127.0.0.1", NULL, false, 403},
    {"127.0.0.1:7117", "http://evil.example", NULL, false, 403},
    {"127.0.0.1:7117", "http://evil.example:7117", NULL, false, 403},
    {"127.0.0.1:7117", "http://127.0.0.1:7117.evil.example", NULL, false, 403},
    {"127.0.0.1:7117", "http://127.0.0.1:7117/", NULL, false, 403},
    {"127.0.0.1:7117", "http://127.0.0.1:7117@evil.example", NULL, false, 403},
    {"127.0.0.1:7117", NULL, "none", false, 0},
    {"127.0.0.1:7117", NULL, "same-origin", false, 0},
    {"127.0.0.1:7117", NULL, "same-site", false, 403},
    {"127.0.0.1:7117", NULL, "cross-site", false, 403},
    {"127.0.0.1:7117", NULL, "cross-site", true, 0},
    {"evil.example:7117", NULL, "cross-site", true, 403},
    {"127.0.0.1:7117", "http://evil.example", "cross-site", true, 403},
};

static void guard_judges_each_case_of_the_table(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof guard_cases / sizeof guard_cases[0]; i++) {
    const guard_case *c = &guard_cases[i];
    web_guard_facts facts = {.port = 7117,
                             .is_http11 = true,
                             .is_navigation = c->is_navigation,
                             .host_count = 1,
                             .host = c->host,
                             .origin_count = c->origin != NULL ? 1 : 0,
                             .origin = c->origin,
                             .fetch_site = c->fetch_site};
    unsigned status = web_guard_check(&facts).status;
    if (status != c->status) {
      fail_msg("host %s origin %s site %s: %u instead of %u", c->host,
               c->origin != NULL ? c->origin : "-", c->fetch_site != NULL ? c->fetch_site : "-",
               status, c->status);
    }
  }
}

static void guard_takes_a_host_without_port_on_port_80_only(void **state) {
  (void)state;
  web_guard_facts facts = {.port = 80,
                           .is_http11 = true,
                           .host_count = 1,
                           .host = "localhost",
                           .origin_count = 1,
                           .origin = "http://localhost"};
  assert_int_equal(web_guard_check(&facts).status, 0);
  facts.port = 7117;
  assert_string_equal(web_guard_check(&facts).code, "host_not_allowed");
}

static void guard_judges_an_authority_in_the_target_like_a_host(void **state) {
  (void)state;
  static const struct {
    const char *authority;
    unsigned status;
  } cases[] = {{"localhost:7117", 0},      {"127.0.0.1:7117", 0},     {"", 403},
               {"evil.example:7117", 403}, {"x@127.0.0.1:7117", 403}, {"localhost", 403}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    web_guard_facts facts = {.port = 7117,
                             .is_http11 = true,
                             .host_count = 1,
                             .host = "127.0.0.1:7117",
                             .authority = cases[i].authority,
                             .authority_size = strlen(cases[i].authority)};
    assert_int_equal(web_guard_check(&facts).status, cases[i].status);
    facts.host = "evil.example:7117";
    assert_int_equal(web_guard_check(&facts).status, 403);
  }
}

static void guard_refuses_missing_and_repeated_hosts_and_origins(void **state) {
  (void)state;
  web_guard_facts facts = {.port = 7117, .is_http11 = true};
  assert_int_equal(web_guard_check(&facts).status, 400);
  facts.is_http11 = false;
  assert_int_equal(web_guard_check(&facts).status, 0);
  facts.host = "127.0.0.1:7117";
  facts.host_count = 2;
  assert_int_equal(web_guard_check(&facts).status, 400);
  facts.host_count = 1;
  facts.origin = "http://127.0.0.1:7117";
  facts.origin_count = 2;
  assert_string_equal(web_guard_check(&facts).code, "origin_not_allowed");
}

/* ---- listen addresses ---- */

static void address_of_loopback_is_taken_in_each_form(void **state) {
  (void)state;
  web_address addresses[WEB_ADDRESSES_MAX];
  char error[256] = "";
  assert_int_equal(web_listen_address_parse("127.0.0.1:7117", addresses, error, sizeof error), 1);
  assert_int_equal(addresses[0].ipv4, 0x7f000001);
  assert_int_equal(addresses[0].port, 7117);
  assert_int_equal(web_listen_address_parse("[::1]:0", addresses, error, sizeof error), 1);
  assert_true(addresses[0].is_ipv6);
  assert_int_equal(web_listen_address_parse("localhost:9", addresses, error, sizeof error), 2);
  assert_false(addresses[0].is_ipv6);
  assert_true(addresses[1].is_ipv6);
}

static void address_beyond_loopback_is_refused_with_reason_and_remedy(void **state) {
  (void)state;
  static const char *const foreign[] = {"0.0.0.0:7117", "[::]:7117", "192.168.1.2:80", "*:7117",
                                        "example.com:7117"};
  web_address addresses[WEB_ADDRESSES_MAX];
  char error[512];
  for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
    assert_int_equal(web_listen_address_parse(foreign[i], addresses, error, sizeof error), 0);
    assert_non_null(strstr(error, foreign[i]));
    assert_non_null(strstr(error, "only loopback"));
    assert_non_null(strstr(error, "use 127.0.0.1"));
  }
}

static void address_without_port_is_refused_with_the_form(void **state) {
  (void)state;
  static const char *const broken[] = {"127.0.0.1", "localhost",       "",
                                       ":7117",     "127.0.0.1:99999", "127.0.0.1:http"};
  web_address addresses[WEB_ADDRESSES_MAX];
  char error[512];
  for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
    assert_int_equal(web_listen_address_parse(broken[i], addresses, error, sizeof error), 0);
    assert_non_null(strstr(error, "127.0.0.1:7117"));
  }
}

/* ---- targets ---- */

static char target_storage[WEB_TARGET_STORAGE(4096)];

static bool target_of(const char *text, web_target *target) {
  return web_target_parse(text, strlen(text), target_storage, target);
}

static void target_is_cut_before_it_is_decoded(void **state) {
  (void)state;
  web_target target;
  assert_true(target_of("/a%2Fb/c%20d?x=1%26y&z=a+b&empty&=v", &target));
  assert_string_equal(target.path, "/a%2Fb/c%20d");
  assert_int_equal(target.segment_count, 2);
  assert_string_equal(target.segments[0], "a/b");
  assert_string_equal(target.segments[1], "c d");
  assert_string_equal(web_target_query(&target, "x"), "1&y");
  assert_string_equal(web_target_query(&target, "z"), "a b");
  assert_string_equal(web_target_query(&target, "empty"), "");
  assert_null(web_target_query(&target, "y"));
}

static void target_that_names_an_authority_is_its_path(void **state) {
  (void)state;
  web_target target;
  assert_true(target_of("HTTP://localhost:7117/a/b?x=/1", &target));
  assert_int_equal(target.authority_size, strlen("localhost:7117"));
  assert_memory_equal(target.authority, "localhost:7117", target.authority_size);
  assert_string_equal(target.path, "/a/b");
  assert_int_equal(target.segment_count, 2);
  assert_string_equal(web_target_query(&target, "x"), "/1");
  assert_true(target_of("http:///a", &target));
  assert_non_null(target.authority);
  assert_int_equal(target.authority_size, 0);
  assert_true(target_of("/http://x/", &target));
  assert_null(target.authority);
}

static void target_that_is_malformed_is_refused(void **state) {
  (void)state;
  static const char *const broken[] = {"",    "*",    "http://x", "https://x/", "/%",
                                       "/%4", "/%zz", "/a%00b",   "/?a=%f",     "/?%00=1"};
  web_target target;
  for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
    assert_false(target_of(broken[i], &target));
  }
}

static void target_with_too_many_parameters_is_refused(void **state) {
  (void)state;
  char text[256] = "/?";
  web_target target;
  for (int i = 0; i < WEB_QUERY_MAX; i++) {
    strcat(text, "a=1&");
  }
  assert_true(target_of(text, &target));
  strcat(text, "b=1");
  assert_false(target_of(text, &target));
}

static void target_with_too_many_segments_matches_no_route(void **state) {
  (void)state;
  static const web_route routes[] = {{"GET", "/", NULL}, {"GET", "/{a}", NULL}};
  char text[256] = "";
  web_target target;
  web_route_match match;
  for (int i = 0; i < WEB_SEGMENTS_MAX + 5; i++) {
    strcat(text, "/a");
  }
  assert_true(target_of(text, &target));
  web_router_find(routes, 2, "GET", &target, &match);
  assert_null(match.route);
}

/* ---- routes ---- */

static const web_route routes[] = {
    {"GET", "/", NULL},
    {"GET", "/api/pipes", NULL},
    {"GET", "/api/pipes/{pipe}", NULL},
    {"DELETE", "/api/pipes/{pipe}", NULL},
    {"POST", "/api/pipes/{pipe}/messages", NULL},
};

static const web_route *route_of(const char *method, const char *path, web_route_match *match) {
  web_target target;
  assert_true(target_of(path, &target));
  web_router_find(routes, sizeof routes / sizeof routes[0], method, &target, match);
  return match->route;
}

static void route_is_found_by_method_and_path_with_its_parameter(void **state) {
  (void)state;
  web_route_match match;
  assert_ptr_equal(route_of("GET", "/", &match), &routes[0]);
  assert_ptr_equal(route_of("GET", "/api/pipes?x=1", &match), &routes[1]);
  assert_ptr_equal(route_of("DELETE", "/api/pipes/a%2Fb", &match), &routes[3]);
  assert_string_equal(web_route_match_param(&match, "pipe"), "a/b");
  assert_null(web_route_match_param(&match, "pip"));
  assert_ptr_equal(route_of("POST", "/api/pipes/x/messages", &match), &routes[4]);
}

static void route_of_get_answers_head(void **state) {
  (void)state;
  web_route_match match;
  assert_ptr_equal(route_of("HEAD", "/api/pipes/x", &match), &routes[2]);
}

static void route_with_another_method_tells_those_allowed(void **state) {
  (void)state;
  web_route_match match;
  assert_null(route_of("POST", "/api/pipes/x", &match));
  assert_string_equal(match.allow, "GET, HEAD, DELETE");
  assert_null(route_of("get", "/api/pipes/x/messages", &match));
  assert_string_equal(match.allow, "POST");
}

static void route_of_an_unknown_path_allows_nothing(void **state) {
  (void)state;
  static const char *const unknown[] = {
      "/api", "/api/pipes/", "/api/pipes//messages", "/api/pipes/x/messages/", "//", "/API/pipes"};
  web_route_match match;
  for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
    assert_null(route_of("GET", unknown[i], &match));
    assert_string_equal(match.allow, "");
  }
}

/* ---- header lists ---- */

static void token_is_found_in_a_list_in_any_case(void **state) {
  (void)state;
  assert_true(web_header_has_token("keep-alive, Upgrade", "upgrade"));
  assert_true(web_header_has_token(" ,,UPGRADE\t,x", "upgrade"));
  assert_false(web_header_has_token("upgraded, up grade", "upgrade"));
  assert_false(web_header_has_token(NULL, "upgrade"));
}

static void gzip_is_accepted_by_name_or_star_unless_its_quality_is_zero(void **state) {
  (void)state;
  assert_true(web_header_accepts_gzip("gzip, deflate, br"));
  assert_true(web_header_accepts_gzip("br;q=1.0, GZIP;q=0.8, *;q=0.1"));
  assert_true(web_header_accepts_gzip("*"));
  assert_false(web_header_accepts_gzip("*, gzip;q=0"));
  assert_false(web_header_accepts_gzip("gzip; q=0.000"));
  assert_false(web_header_accepts_gzip("identity"));
  assert_false(web_header_accepts_gzip("*;q=0"));
  assert_false(web_header_accepts_gzip(NULL));
}

static void etag_matches_weakly_and_in_lists(void **state) {
  (void)state;
  assert_true(web_header_matches_etag("\"a\"", "\"a\""));
  assert_true(web_header_matches_etag("\"b\", W/\"a\"", "\"a\""));
  assert_true(web_header_matches_etag("*", "\"a\""));
  assert_false(web_header_matches_etag("\"ab\"", "\"a\""));
  assert_false(web_header_matches_etag(NULL, "\"a\""));
}

/* ---- timers ---- */

static char timer_order[16];

static void timer_note(web_timer *timer, void *user) {
  (void)timer;
  strcat(timer_order, user);
}

static void timers_run_in_the_order_of_their_deadlines(void **state) {
  (void)state;
  web_timer_list list = {0};
  web_timer a = {.routine = timer_note, .user = "a"};
  web_timer b = {.routine = timer_note, .user = "b"};
  web_timer c = {.routine = timer_note, .user = "c"};
  timer_order[0] = '\0';
  web_timer_list_insert(&list, &b, 20);
  web_timer_list_insert(&list, &c, 30);
  web_timer_list_insert(&list, &a, 10);
  assert_int_equal(web_timer_list_deadline(&list), 10);
  web_timer_list_run(&list, 9);
  assert_string_equal(timer_order, "");
  web_timer_list_run(&list, 20);
  assert_string_equal(timer_order, "ab");
  assert_true(web_timer_is_running(&c));
  web_timer_list_remove(&list, &c);
  web_timer_list_remove(&list, &c);
  assert_int_equal(web_timer_list_deadline(&list), UINT64_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(guard_judges_each_case_of_the_table),
      cmocka_unit_test(guard_takes_a_host_without_port_on_port_80_only),
      cmocka_unit_test(guard_judges_an_authority_in_the_target_like_a_host),
      cmocka_unit_test(guard_refuses_missing_and_repeated_hosts_and_origins),
      cmocka_unit_test(address_of_loopback_is_taken_in_each_form),
      cmocka_unit_test(address_beyond_loopback_is_refused_with_reason_and_remedy),
      cmocka_unit_test(address_without_port_is_refused_with_the_form),
      cmocka_unit_test(target_is_cut_before_it_is_decoded),
      cmocka_unit_test(target_that_names_an_authority_is_its_path),
      cmocka_unit_test(target_that_is_malformed_is_refused),
      cmocka_unit_test(target_with_too_many_parameters_is_refused),
      cmocka_unit_test(target_with_too_many_segments_matches_no_route),
      cmocka_unit_test(route_is_found_by_method_and_path_with_its_parameter),
      cmocka_unit_test(route_of_get_answers_head),
      cmocka_unit_test(route_with_another_method_tells_those_allowed),
      cmocka_unit_test(route_of_an_unknown_path_allows_nothing),
      cmocka_unit_test(token_is_found_in_a_list_in_any_case),
      cmocka_unit_test(gzip_is_accepted_by_name_or_star_unless_its_quality_is_zero),
      cmocka_unit_test(etag_matches_weakly_and_in_lists),
      cmocka_unit_test(timers_run_in_the_order_of_their_deadlines),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
