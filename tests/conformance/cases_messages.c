/* Cases of messages from a client: boundaries, sizes, framing, the end of the input. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

/* case 8 */
static void echo_one_message_each_way(void **state) {
  (void)state;
  static const pc_type types[] = {PC_TYPE_BYTE, PC_TYPE_MESSAGE};
  for (int index = 0; index < 2; index++) {
    suite_fixture *fixture = fixture_create(types[index], PC_FRAMING_NONE);
    fixture->does_echo = true;
    fixture_start(fixture);
    session_record *record;
    suite_client *client = client_connect(fixture, &record);
    client_write_text(fixture, client, "hello");
    client_expect_text(fixture, client, "hello");
    expect_message_text(record, 0, "hello");
    client_close(client);
    TURN_UNTIL(fixture, record->disconnected_count == 1);
    assert_int_equal(record->reason, PC_CLOSE_PEER);
    assert_int_equal(record->written_count, 1);
    assert_int_equal(record->written_statuses[0], PC_OK);
    fixture_destroy(fixture);
  }
}

const struct CMUnitTest cases_messages[] = {cmocka_unit_test(echo_one_message_each_way), {0}};
const struct CMUnitTest cases_life[] = {{0}};
const struct CMUnitTest cases_writes[] = {{0}};
const struct CMUnitTest cases_pause[] = {{0}};
const struct CMUnitTest cases_load[] = {{0}};
const struct CMUnitTest cases_system[] = {{0}};
