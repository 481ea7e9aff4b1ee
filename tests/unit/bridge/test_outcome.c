/* What became of an injection, in words. */
#include "test.h"

#include <string.h>

#include "outcome.h"

typedef struct expected {
  uint64_t session;
  br_result result;
  unsigned status;
  const char *code;
  const char *says; /* a part of the explanation */
} expected;

static const expected results[] = {
    {0, {.targets = 3, .delivered = 1, .quota = 2}, 201, "delivered", "1 of 3"},
    {0, {.targets = 2, .queued = 1, .closed = 1}, 202, "queued", "receiver reads"},
    {0, {.targets = 1, .queued = 1, .is_away = 1}, 202, "queued", "server is back"},
    {7, {.targets = 1, .quota = 1}, 429, "queue_full", "write queue"},
    {0, {.targets = 1, .quota = 1, .is_away = 1}, 429, "queue_full", "max_queued_messages (5)"},
    {7, {.targets = 1, .no_place = 1}, 409, "no_place", "between two"},
    {7, {.targets = 1, .too_big = 1}, 413, "too_large", "11 bytes"},
    {7, {.closed = 1}, 409, "session_closed", "Session 7"},
    {0, {.targets = 1, .closed = 1}, 202, "no_receiver", "\"demo\""},
    {0, {0}, 202, "no_receiver", "\"demo\""},
};

static void outcome_of_each_result_has_one_status_one_code_and_a_text(void **state) {
  (void)state;
  br_pipe_config config = {.name = "demo", .reconnect = {.max_queued_messages = 5}};
  for (size_t index = 0; index < sizeof results / sizeof results[0]; index++) {
    const expected *wanted = &results[index];
    br_asked asked = {.session = wanted->session, .size_bytes = 11};
    char text[BR_OUTCOME_TEXT_BYTES];
    br_outcome outcome = br_outcome_of_result(&asked, &wanted->result);
    assert_int_equal(outcome.status, wanted->status);
    assert_string_equal(outcome.code, wanted->code);
    br_outcome_explain_result(&asked, &wanted->result, &config, text, sizeof text);
    if (!strstr(text, wanted->says)) {
      fail_msg("\"%s\" does not say \"%s\"", text, wanted->says);
    }
  }
}

static void outcome_of_what_could_not_be_sent_is_no_success(void **state) {
  (void)state;
  static const struct {
    br_ask_status asked;
    unsigned status;
    const char *code;
  } wanted[] = {{BR_ASK_FULL, 429, "queue_full"},
                {BR_ASK_TOO_BIG, 413, "too_large"},
                {BR_ASK_NO_MEMORY, 503, "no_memory"}};
  for (size_t index = 0; index < sizeof wanted / sizeof wanted[0]; index++) {
    char text[BR_OUTCOME_TEXT_BYTES] = "";
    br_outcome outcome = br_outcome_of_ask(wanted[index].asked);
    assert_int_equal(outcome.status, wanted[index].status);
    assert_string_equal(outcome.code, wanted[index].code);
    br_outcome_explain_ask(wanted[index].asked, text, sizeof text);
    assert_true(strlen(text) > 10);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(outcome_of_each_result_has_one_status_one_code_and_a_text),
      cmocka_unit_test(outcome_of_what_could_not_be_sent_is_no_success),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
