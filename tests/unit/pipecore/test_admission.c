/* Who is let in: every kind of rule, against clients that are known, half known and unknown. */
#include "test.h"

#include <string.h>

#include "pipecore/admission.h"

enum { ALICE = 1000, BOB = 1001, USERS = 100, DEV = 50, WHEEL = 10 };

#define ANY \
  { .uid = -1, .gid = -1 }
#define USER(id) \
  { .uid = (id), .gid = -1 }
#define GROUP(id) \
  { .uid = -1, .gid = (id) }
#define PROGRAM(path) \
  { .uid = -1, .gid = -1, .executable = (path) }

static const pc_peer alice = {.pid = 7, .uid = ALICE, .gid = USERS};
static const pc_peer nobody_known = {.pid = -1, .uid = -1, .gid = -1};

static pc_peer_details details_of(const char *executable, bool is_current) {
  pc_peer_details details = {.known = PC_PEER_GROUPS,
                             .group_count = 2,
                             .groups = {USERS, DEV},
                             .is_executable_current = is_current};
  if (executable) {
    details.known |= PC_PEER_EXECUTABLE;
    strcpy(details.executable, executable);
  }
  return details;
}

typedef struct admission_case {
  const char *what;
  pc_admission_rule allow[3];
  size_t allow_count;
  pc_admission_rule deny[3];
  size_t deny_count;
  pc_admission expected; /* for alice, in USERS and DEV, running /usr/bin/mpv */
} admission_case;

static const admission_case cases[] = {
    {"no rules let everybody in", {ANY}, 0, {ANY}, 0, PC_ADMISSION_GRANTED},
    {"her user", {USER(ALICE)}, 1, {ANY}, 0, PC_ADMISSION_GRANTED},
    {"another user", {USER(BOB)}, 1, {ANY}, 0, PC_ADMISSION_UNLISTED},
    {"root is no wildcard", {USER(0)}, 1, {ANY}, 0, PC_ADMISSION_UNLISTED},
    {"one of several", {USER(BOB), USER(ALICE)}, 2, {ANY}, 0, PC_ADMISSION_GRANTED},
    {"her own group", {GROUP(USERS)}, 1, {ANY}, 0, PC_ADMISSION_GRANTED},
    {"a supplementary group", {GROUP(DEV)}, 1, {ANY}, 0, PC_ADMISSION_GRANTED},
    {"a group she is not in", {GROUP(WHEEL)}, 1, {ANY}, 0, PC_ADMISSION_UNLISTED},
    {"her program", {PROGRAM("/usr/bin/mpv")}, 1, {ANY}, 0, PC_ADMISSION_GRANTED},
    {"another program", {PROGRAM("/usr/bin/mp")}, 1, {ANY}, 0, PC_ADMISSION_UNLISTED},
    {"a longer path", {PROGRAM("/usr/bin/mpv2")}, 1, {ANY}, 0, PC_ADMISSION_UNLISTED},
    {"all of one rule",
     {{.uid = ALICE, .gid = DEV, .executable = "/usr/bin/mpv"}},
     1,
     {ANY},
     0,
     PC_ADMISSION_GRANTED},
    {"user right, group wrong", {{.uid = ALICE, .gid = WHEEL}}, 1, {ANY}, 0, PC_ADMISSION_UNLISTED},
    {"group right, user wrong", {{.uid = BOB, .gid = DEV}}, 1, {ANY}, 0, PC_ADMISSION_UNLISTED},
    {"user right, program wrong",
     {{.uid = ALICE, .gid = -1, .executable = "/bin/sh"}},
     1,
     {ANY},
     0,
     PC_ADMISSION_UNLISTED},
    {"denied user", {ANY}, 0, {USER(ALICE)}, 1, PC_ADMISSION_DENIED},
    {"denied other user", {ANY}, 0, {USER(BOB)}, 1, PC_ADMISSION_GRANTED},
    {"deny wins over allow", {USER(ALICE)}, 1, {GROUP(DEV)}, 1, PC_ADMISSION_DENIED},
    {"denied program", {ANY}, 0, {PROGRAM("/usr/bin/mpv")}, 1, PC_ADMISSION_DENIED},
    {"denied only with all of the rule",
     {ANY},
     0,
     {{.uid = ALICE, .gid = WHEEL}},
     1,
     PC_ADMISSION_GRANTED},
    {"the last rule denies",
     {ANY},
     0,
     {USER(BOB), GROUP(WHEEL), GROUP(USERS)},
     3,
     PC_ADMISSION_DENIED},
};

static pc_admission admit(const admission_case *example, const pc_peer *peer,
                          const pc_peer_details *details) {
  pc_admission_rules rules = {.allow = example->allow,
                              .allow_count = example->allow_count,
                              .deny = example->deny,
                              .deny_count = example->deny_count};
  return pc_admission_check(&rules, peer, details);
}

static void rules_decide_by_user_group_and_program(void **state) {
  (void)state;
  pc_peer_details details = details_of("/usr/bin/mpv", true);
  for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
    pc_admission found = admit(&cases[index], &alice, &details);
    if (found != cases[index].expected) {
      fail_msg("%s: %s", cases[index].what, pc_admission_name(found));
    }
  }
}

/* Of the same table: whoever nothing is known of is let in only where no rule asks. */
static void unknown_client_meets_every_deny_and_no_allow(void **state) {
  (void)state;
  pc_peer_details details = {0};
  for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
    bool has_rules = cases[index].allow_count + cases[index].deny_count > 0;
    assert_int_equal(admit(&cases[index], &nobody_known, &details),
                     has_rules ? PC_ADMISSION_UNKNOWN : PC_ADMISSION_GRANTED);
  }
}

static void what_is_not_known_matters_only_where_it_is_asked(void **state) {
  (void)state;
  pc_peer_details details = details_of(NULL, false);
  admission_case by_user = {.allow = {USER(ALICE)}, .allow_count = 1};
  assert_int_equal(admit(&by_user, &alice, &details), PC_ADMISSION_GRANTED);
  admission_case by_program = {.allow = {PROGRAM("/usr/bin/mpv")}, .allow_count = 1};
  assert_int_equal(admit(&by_program, &alice, &details), PC_ADMISSION_UNKNOWN);
  /* … and not where the rest of the rule is missed anyway, or another rule is met. */
  admission_case of_bob = {.allow = {{.uid = BOB, .gid = -1, .executable = "/usr/bin/mpv"}},
                           .allow_count = 1};
  assert_int_equal(admit(&of_bob, &alice, &details), PC_ADMISSION_UNLISTED);
  admission_case or_her = {.allow = {PROGRAM("/usr/bin/mpv"), USER(ALICE)}, .allow_count = 2};
  assert_int_equal(admit(&or_her, &alice, &details), PC_ADMISSION_GRANTED);
  admission_case denied = {.deny = {PROGRAM("/usr/bin/mpv")}, .deny_count = 1};
  assert_int_equal(admit(&denied, &alice, &details), PC_ADMISSION_UNKNOWN);
}

static void groups_that_are_not_known_refuse_unless_the_own_group_decides(void **state) {
  (void)state;
  pc_peer_details details = {0};
  admission_case own = {.allow = {GROUP(USERS)}, .allow_count = 1};
  assert_int_equal(admit(&own, &alice, &details), PC_ADMISSION_GRANTED);
  admission_case other = {.allow = {GROUP(DEV)}, .allow_count = 1};
  assert_int_equal(admit(&other, &alice, &details), PC_ADMISSION_UNKNOWN);
  admission_case denied = {.deny = {GROUP(DEV)}, .deny_count = 1};
  assert_int_equal(admit(&denied, &alice, &details), PC_ADMISSION_UNKNOWN);
}

static void file_that_is_not_the_one_at_its_path_is_denied_and_not_allowed(void **state) {
  (void)state;
  pc_peer_details details = details_of("/usr/bin/mpv", false);
  admission_case allowed = {.allow = {PROGRAM("/usr/bin/mpv")}, .allow_count = 1};
  assert_int_equal(admit(&allowed, &alice, &details), PC_ADMISSION_UNLISTED);
  admission_case denied = {.deny = {PROGRAM("/usr/bin/mpv")}, .deny_count = 1};
  assert_int_equal(admit(&denied, &alice, &details), PC_ADMISSION_DENIED);
}

static void only_what_rules_ask_for_is_looked_up(void **state) {
  (void)state;
  pc_admission_rule user[] = {USER(ALICE)};
  pc_admission_rule group[] = {GROUP(DEV)};
  pc_admission_rule program[] = {PROGRAM("/usr/bin/mpv")};
  assert_int_equal(pc_admission_parts(&(pc_admission_rules){0}), 0);
  assert_int_equal(pc_admission_parts(&(pc_admission_rules){.allow = user, .allow_count = 1}), 0);
  assert_int_equal(pc_admission_parts(&(pc_admission_rules){
                       .allow = user, .allow_count = 1, .deny = group, .deny_count = 1}),
                   PC_PEER_GROUPS);
  assert_int_equal(pc_admission_parts(&(pc_admission_rules){
                       .allow = program, .allow_count = 1, .deny = group, .deny_count = 1}),
                   PC_PEER_GROUPS | PC_PEER_EXECUTABLE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rules_decide_by_user_group_and_program),
      cmocka_unit_test(unknown_client_meets_every_deny_and_no_allow),
      cmocka_unit_test(what_is_not_known_matters_only_where_it_is_asked),
      cmocka_unit_test(groups_that_are_not_known_refuse_unless_the_own_group_decides),
      cmocka_unit_test(file_that_is_not_the_one_at_its_path_is_denied_and_not_allowed),
      cmocka_unit_test(only_what_rules_ask_for_is_looked_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
