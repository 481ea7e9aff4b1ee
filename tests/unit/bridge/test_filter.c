/* Filters: what each term matches, how terms combine, and what is refused where. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/filter.h"
#include "bridge/registry.h"

/* An event with its payload behind it. */
typedef struct sample {
  br_event event;
  uint8_t payload[256];
} sample;

static sample message(const char *text) {
  sample made = {.event = {.kind = BR_EVENT_MESSAGE,
                           .direction = BR_DIRECTION_C2S,
                           .session = 7,
                           .size_bytes = (uint32_t)strlen(text)}};
  memcpy(made.payload, text, strlen(text));
  return made;
}

static br_filter *filter_of(const char *text) {
  br_filter_error error;
  br_filter *filter = br_filter_compile(text, strlen(text), &error);
  if (!filter) {
    fail_msg("%s: refused at %zu: %s", text, error.offset, error.text);
  }
  return filter;
}

static bool passes(const char *text, const sample *event, const char *pipe) {
  br_filter *filter = filter_of(text);
  bool result = br_filter_matches(filter, &event->event, pipe, NULL);
  br_filter_destroy(filter);
  return result;
}

typedef struct match_case {
  const char *filter;
  bool is_match;
} match_case;

static void expect_all(const match_case *cases, size_t count, const sample *event,
                       const char *pipe) {
  for (size_t index = 0; index < count; index++) {
    if (passes(cases[index].filter, event, pipe) != cases[index].is_match) {
      fail_msg("%s: should%s match", cases[index].filter, cases[index].is_match ? "" : " not");
    }
  }
}
#define EXPECT_ALL(cases, event, pipe) \
  expect_all(cases, sizeof(cases) / sizeof(cases)[0], event, pipe)

static void filter_of_nothing_passes_everything(void **state) {
  (void)state;
  sample event = message("");
  assert_true(passes("", &event, "demo"));
  assert_true(passes(" \t ", &event, "demo"));
}

static void filter_is_plain_without_terms_of_size_bytes_or_peer(void **state) {
  (void)state;
  static const match_case cases[] = {
      {"", true},        {"pipe:demo kind:message direction:c2s session:7 flag:reply", true},
      {"size<5", false}, {"pipe:demo or -(kind:message hex:00)", false},
      {"word", false},   {"/x/", false},
      {"pid:1", false},  {"kind:message executable:sh", false},
      {"unit:*", false},
  };
  for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
    br_filter_error error;
    br_filter *filter = br_filter_compile(cases[index].filter, strlen(cases[index].filter), &error);
    assert_non_null(filter);
    assert_int_equal(br_filter_is_plain(filter), cases[index].is_match);
    br_filter_destroy(filter);
  }
}

static void filter_terms_look_at_what_they_name(void **state) {
  (void)state;
  static const match_case cases[] = {
      {"pipe:demo", true},
      {"pipe=demo", true},
      {"pipe:dem", false},
      {"pipe:d*", true},
      {"pipe:*mo", true},
      {"pipe:*", true},
      {"pipe:d*m*o", true},
      {"pipe:e*", false},
      {"pipe:other,demo", true},
      {"pipe:a,b", false},
      {"session:7", true},
      {"session:8", false},
      {"session:6,7,8", true},
      {"direction:c2s", true},
      {"direction:s2c", false},
      {"kind:message", true},
      {"kind:injected", false},
      {"kind:injected,message", true},
      {"flag:reply", false},
      {"size>=11", true},
      {"size>11", false},
      {"size<12", true},
      {"size<=10", false},
      {"size:11", true},
      {"size=12", false},
      {"size<1k", true},
      {"size>=1k", false},
      {"hello", true},
      {"HELLO", true},
      {"\"lo wo\"", true},
      {"\"lo  wo\"", false},
      {"text:World", true},
      {"hex:6c6f20", true},
      {"hex:\"6C 6F 20\"", true},
      {"hex:4C", false},
      {"/^Hel+o/", true},
      {"/WORLD/", false},
      {"/WORLD/i", true},
      {"regex:\"wor.d$\"", true},
      {"/o w/", true},
      {"\"kind:\"", false},
  };
  sample event = message("Hello world");
  EXPECT_ALL(cases, &event, "demo");
}

static void filter_operators_bind_as_written(void **state) {
  (void)state;
  static const match_case cases[] = {
      {"a b", true},          {"a and b", true},  {"a x", false},      {"a or x", true},
      {"x or y", false},      {"x y or a", true}, {"a or x y", true},  {"(a or x) y", false},
      {"not x", true},        {"not a", false},   {"-x", true},        {"!a", false},
      {"not (x or y)", true}, {"a -(b x)", true}, {"not not a", true}, {"(((a)))", true},
      {"a \"or\" b", false},  {"( a )", true},
  };
  sample event = message("a b c");
  EXPECT_ALL(cases, &event, "demo");
}

static void filter_text_ignores_case_beyond_ascii(void **state) {
  (void)state;
  sample event = message("\xc3\x84rger");
  assert_true(passes("\xc3\xa4rger", &event, "demo"));
}

static void filter_looks_into_payloads_that_are_no_text(void **state) {
  (void)state;
  sample event = message("\xff\xfe needle \x80");
  assert_true(passes("needle", &event, "demo"));
  assert_true(passes("/n.+e/", &event, "demo"));
  assert_true(passes("hex:fffe20", &event, "demo"));
}

static void filter_of_bytes_passes_by_events_without_any(void **state) {
  (void)state;
  sample event = message("secret");
  event.event.kind = BR_EVENT_OPENED;
  assert_false(passes("secret", &event, "demo"));
  assert_false(passes("size>=0", &event, "demo"));
  assert_true(passes("kind:opened or secret", &event, "demo"));
  event.event.kind = BR_EVENT_ERROR;
  assert_true(passes("secret", &event, "demo"));
}

static void filter_flags_are_those_of_the_event(void **state) {
  (void)state;
  sample event = message("x");
  event.event.flags = BR_FLAG_REPLY;
  assert_true(passes("flag:reply", &event, "demo"));
  assert_false(passes("flag:incomplete", &event, "demo"));
  assert_true(passes("flag:incomplete,reply", &event, "demo"));
}

static void filter_that_gives_up_shows_rather_than_hides(void **state) {
  (void)state;
  sample event = message("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
  assert_true(passes("/^(a+)+$/", &event, "demo"));
  assert_true(passes("-/^(a+)+$/", &event, "demo"));
  assert_false(passes("-/^(a+)+$/ nothing", &event, "demo"));
}

/* A session with the details of its peer behind it; its owner frees it. */
static br_session_info *session_of(const char *executable, const char *user) {
  static const pc_peer peer = {.pid = 42, .uid = 1000, .gid = 100, .name = "mpv main"};
  pc_peer_details details = {.known = PC_PEER_ALL, .unit = "app-mpv.scope", .container = "web"};
  strncpy(details.executable, executable, sizeof details.executable - 1);
  static uint8_t packed[BR_PEER_DETAILS_MAX_BYTES];
  size_t size = br_peer_details_pack(&details, user, packed);
  br_session_info *session = calloc(1, sizeof *session + size);
  assert_non_null(session);
  memcpy(session + 1, packed, size);
  session->id = 7;
  session->peer = peer;
  return session;
}

static void filter_terms_look_at_the_peer_of_the_session(void **state) {
  (void)state;
  static const match_case cases[] = {
      {"pid:42", true},
      {"pid:41,42", true},
      {"pid:4", false},
      {"uid:1000", true},
      {"uid:100", false},
      {"uid:alice", true},
      {"uid:al*", true},
      {"uid:0,bob,alice", true},
      {"uid:bob", false},
      {"peer:\"mpv main\"", true},
      {"peer:mpv*", true},
      {"peer:mpv", false},
      {"executable:mpv", true},
      {"executable:m*", true},
      {"executable:bin", false},
      {"executable:/usr/bin/mpv", true},
      {"executable:/usr/*", true},
      {"executable:*/mpv", true},
      {"executable:bin/mpv", false},
      {"unit:app-*.scope", true},
      {"unit:app", false},
      {"container:web", true},
      {"container:db", false},
      {"pid:42 kind:message hello", true},
      {"-pid:42", false},
      {"pid:1 or uid:alice", true},
  };
  sample event = message("hello");
  br_session_info *session = session_of("/usr/bin/mpv", "alice");
  for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
    br_filter *filter = filter_of(cases[index].filter);
    assert_true(br_filter_needs_session(filter));
    if (br_filter_matches(filter, &event.event, "demo", session) != cases[index].is_match) {
      fail_msg("%s: should%s match", cases[index].filter, cases[index].is_match ? "" : " not");
    }
    br_filter_destroy(filter);
  }
  free(session);
}

static void filter_of_a_peer_without_a_name_does_not_hold(void **state) {
  (void)state;
  sample event = message("hello");
  br_session_info *session = session_of("", "");
  session->peer.pid = session->peer.uid = -1;
  static const char *const filters[] = {"pid:42", "uid:1000", "uid:alice", "executable:mpv"};
  for (size_t index = 0; index < sizeof filters / sizeof filters[0]; index++) {
    br_filter *filter = filter_of(filters[index]);
    assert_false(br_filter_matches(filter, &event.event, "demo", session));
    br_filter_destroy(filter);
  }
  free(session);
}

static void filter_shows_what_a_forgotten_session_may_have_said(void **state) {
  (void)state;
  static const match_case cases[] = {{"pid:42", true},        {"-pid:42", true},
                                     {"pid:42 hello", true},  {"pid:42 bye", false},
                                     {"pid:42 or bye", true}, {"-(pid:42 bye)", true},
                                     {"-(uid:1 hello)", true}};
  sample event = message("hello");
  EXPECT_ALL(cases, &event, "demo");
}

static void filter_of_a_peer_passes_by_what_is_of_no_session(void **state) {
  (void)state;
  sample event = message("hello");
  event.event.session = 0;
  assert_false(passes("pid:42", &event, "demo"));
  assert_true(passes("-pid:42", &event, "demo"));
  assert_true(passes("pid:42 or session:0", &event, "demo"));
}

static void filter_of_pipes_sessions_and_peers_chooses_sessions(void **state) {
  (void)state;
  static const match_case cases[] = {{"", true},
                                     {"pipe:de*", true},
                                     {"session:7", true},
                                     {"session:8", false},
                                     {"pid:42 -session:8 (uid:bob or executable:mpv)", true},
                                     {"not uid:alice", false}};
  br_session_info *session = session_of("/usr/bin/mpv", "alice");
  for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
    br_filter *filter = filter_of(cases[index].filter);
    assert_null(br_filter_key_beyond_sessions(filter));
    assert_int_equal(br_filter_matches_session(filter, session, "demo"), cases[index].is_match);
    br_filter_destroy(filter);
  }
  free(session);
}

static void filter_of_anything_else_says_why_it_chooses_no_sessions(void **state) {
  (void)state;
  static const struct {
    const char *filter, *key;
  } cases[] = {{"pipe:demo hello", "text"},   {"/a/", "text"},         {"hex:00", "text"},
               {"pid:1 or size>4", "size"},   {"-flag:reply", "flag"}, {"kind:message", "kind"},
               {"direction:c2s", "direction"}};
  for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
    br_filter *filter = filter_of(cases[index].filter);
    assert_string_equal(br_filter_key_beyond_sessions(filter), cases[index].key);
    br_filter_destroy(filter);
  }
}

static void filter_that_is_wrong_says_what_and_where(void **state) {
  (void)state;
  static const struct {
    const char *filter;
    size_t offset;
    const char *says;
  } cases[] = {
      {"a (b", 2, "not closed"},
      {"a)", 1, "never opened"},
      {"a or", 4, "missing"},
      {"not", 3, "missing"},
      {"or a", 0, ""},
      {"()", 1, "missing"},
      {"\"open", 0, "quotation mark"},
      {"/open", 0, "slash"},
      {"/(/", 0, "parenthesis"},
      {"/a/x", 3, "only i"},
      {"bogus:1", 0, "no key \"bogus\""},
      {"http://x", 0, "quotes"},
      {"session:x", 8, "number"},
      {"session:99999999999999999999", 8, "number"},
      {"direction:up", 10, "c2s or s2c"},
      {"kind:gap", 5, "kind"},
      {"size>x", 5, "bytes"},
      {"size<0", 5, "bytes"},
      {"hex:0", 4, "pairs"},
      {"hex:zz", 4, "pairs"},
      {"hex:", 4, "nothing"},
      {"\"\"", 0, "nothing"},
      {"pipe:", 5, "name a pipe"},
      {"pid:mpv", 4, "a pid is a number"},
      {"uid:", 4, "name a user"},
      {"uid:10x", 4, "name a user"},
      {"executable:", 11, "name a program"},
      {"peer:", 5, "name a process"},
      {"unit:", 5, "name a unit"},
      {"container:", 10, "name a container"},
      {"\"a\"b", 3, "blank"},
  };
  for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
    br_filter_error error;
    const char *text = cases[index].filter;
    br_filter *filter = br_filter_compile(text, strlen(text), &error);
    bool is_word = strcmp(text, "or a") == 0; /* at the start it is a word like any other */
    if (is_word) {
      assert_non_null(filter);
      br_filter_destroy(filter);
      continue;
    }
    if (filter || error.offset != cases[index].offset || !strstr(error.text, cases[index].says)) {
      fail_msg("%s: \"%s\" at %zu", text, filter ? "taken" : error.text, error.offset);
    }
  }
}

static void filter_is_bounded_in_length_terms_and_depth(void **state) {
  (void)state;
  br_filter_error error;
  char text[BR_FILTER_MAX_BYTES + 2];
  memset(text, 'a', sizeof text);
  br_filter *longest = br_filter_compile(text, BR_FILTER_MAX_BYTES, &error);
  assert_non_null(longest);
  br_filter_destroy(longest);
  assert_null(br_filter_compile(text, BR_FILTER_MAX_BYTES + 1, &error));
  for (size_t index = 0; index < 2 * (BR_FILTER_MAX_TERMS + 1); index += 2) {
    text[index + 1] = ' ';
  }
  br_filter *most = br_filter_compile(text, 2 * BR_FILTER_MAX_TERMS, &error);
  assert_non_null(most);
  br_filter_destroy(most);
  assert_null(br_filter_compile(text, 2 * (BR_FILTER_MAX_TERMS + 1), &error));
  memset(text, '(', sizeof text);
  assert_null(br_filter_compile(text, 200, &error));
  assert_non_null(strstr(error.text, "deep"));
  memset(text, '-', sizeof text);
  assert_null(br_filter_compile(text, 200, &error));
  assert_null(br_filter_compile("a\0b", 3, &error));
  assert_int_equal(error.offset, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(filter_of_nothing_passes_everything),
      cmocka_unit_test(filter_is_plain_without_terms_of_size_bytes_or_peer),
      cmocka_unit_test(filter_terms_look_at_what_they_name),
      cmocka_unit_test(filter_operators_bind_as_written),
      cmocka_unit_test(filter_text_ignores_case_beyond_ascii),
      cmocka_unit_test(filter_looks_into_payloads_that_are_no_text),
      cmocka_unit_test(filter_of_bytes_passes_by_events_without_any),
      cmocka_unit_test(filter_flags_are_those_of_the_event),
      cmocka_unit_test(filter_that_gives_up_shows_rather_than_hides),
      cmocka_unit_test(filter_terms_look_at_the_peer_of_the_session),
      cmocka_unit_test(filter_of_a_peer_without_a_name_does_not_hold),
      cmocka_unit_test(filter_shows_what_a_forgotten_session_may_have_said),
      cmocka_unit_test(filter_of_a_peer_passes_by_what_is_of_no_session),
      cmocka_unit_test(filter_of_pipes_sessions_and_peers_chooses_sessions),
      cmocka_unit_test(filter_of_anything_else_says_why_it_chooses_no_sessions),
      cmocka_unit_test(filter_that_is_wrong_says_what_and_where),
      cmocka_unit_test(filter_is_bounded_in_length_terms_and_depth),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
