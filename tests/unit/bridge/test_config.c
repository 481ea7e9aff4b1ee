/* The configuration: what is accepted, what is refused and how that is told. */
#include "test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/config.h"

static char error[8192];
static br_config config;

static const br_config_overrides in_tmp = {.runtime_dir = "/run/test"};

static bool parse_with(const char *text, const br_config_overrides *overrides) {
  memset(error, 0, sizeof error);
  return br_config_parse(text, strlen(text), "c.json", overrides, &config, error, sizeof error);
}

static bool parse(const char *text) {
  return parse_with(text, &in_tmp);
}

static size_t line_count(void) {
  size_t count = error[0] != '\0';
  for (const char *at = error; (at = strchr(at, '\n')); at++) {
    count++;
  }
  return count;
}

#define assert_refused(text, ...)                                                   \
  do {                                                                              \
    const char *expected[] = {__VA_ARGS__};                                         \
    assert_false(parse(text));                                                      \
    for (size_t line_ = 0; line_ < sizeof expected / sizeof expected[0]; line_++) { \
      if (!strstr(error, expected[line_])) {                                        \
        fail_msg("expected: %s\nin: %s", expected[line_], error);                   \
      }                                                                             \
    }                                                                               \
    assert_int_equal(line_count(), sizeof expected / sizeof expected[0]);           \
  } while (0)

#define PIPE(more) "{\"pipes\":[{\"name\":\"a\",\"path\":\"a.sock\"" more "}]}"

static void an_empty_document_has_every_default(void **state) {
  (void)state;
  assert_true(parse("{\"$schema\":\"./pipebridge.schema.json\"}"));
  assert_int_equal(config.pipe_count, 0);
  assert_int_equal(config.http.listen_count, 2);
  assert_string_equal(config.http.listen[0], "127.0.0.1:7117");
  assert_string_equal(config.http.listen[1], "[::1]:7117");
  assert_true(config.http.max_connections > 0);
  assert_true(config.events.memory_bytes > 0);
  assert_int_equal(config.pipe_thread.backend, PC_BACKEND_AUTO);
  br_config_fini(&config);
}

static void a_short_pipe_has_every_default(void **state) {
  (void)state;
  assert_true(parse(PIPE("")));
  const br_pipe_config *pipe = &config.pipes[0];
  assert_string_equal(pipe->name, "a");
  assert_string_equal(pipe->path, "/run/test/a.sock");
  assert_int_equal(pipe->type, PC_TYPE_BYTE);
  assert_int_equal(pipe->framing, PC_FRAMING_NONE);
  assert_int_equal(pipe->reply, BR_REPLY_NONE);
  assert_int_equal(pipe->oversize, PC_OVERSIZE_CLOSE);
  assert_int_equal(pipe->overflow, BR_OVERFLOW_PAUSE);
  assert_memory_equal(&pipe->limits, &pc_limits_default, sizeof pc_limits_default);
  assert_int_equal(pipe->security.mode, 0); /* pipecore's default */
  assert_int_equal(pipe->security.uid, -1);
  assert_int_equal(pipe->security.gid, -1);
  br_config_fini(&config);
}

static void framing_of_16_bits_bounds_the_message_limit(void **state) {
  (void)state;
  assert_true(parse(PIPE(",\"framing\":\"length16be\"")));
  assert_int_equal(config.pipes[0].limits.max_message_bytes, 65535);
  br_config_fini(&config);
  assert_refused(PIPE(",\"framing\":\"length16le\",\"limits\":{\"max_message_bytes\":65536}"),
                 "pipes[0].limits.max_message_bytes: framing \"length16le\" cannot say a length "
                 "over 65535; lower it");
  assert_true(parse(PIPE(",\"framing\":\"length16le\",\"limits\":{\"max_message_bytes\":65534}")));
  assert_int_equal(config.pipes[0].limits.max_message_bytes, 65534);
  br_config_fini(&config);
}

static void burst_is_that_of_the_rate_if_there_is_one(void **state) {
  (void)state;
  assert_true(parse(PIPE(",\"limits\":{\"accept_rate\":7}")));
  assert_int_equal(config.pipes[0].limits.accept_burst, 7);
  br_config_fini(&config);
  assert_true(parse(PIPE(",\"limits\":{\"accept_rate\":7,\"accept_burst\":20}")));
  assert_int_equal(config.pipes[0].limits.accept_burst, 20);
  br_config_fini(&config);
  assert_refused(PIPE(",\"limits\":{\"accept_burst\":20}"),
                 "pipes[0].limits.accept_burst: says how many may come at once of "
                 "limits.accept_rate, which is not set");
}

static void clients_are_rules_of_users_groups_and_executables(void **state) {
  (void)state;
  assert_true(parse(PIPE("")));
  assert_int_equal(config.pipes[0].clients.allow_count, 0);
  assert_int_equal(config.pipes[0].clients.deny_count, 0);
  assert_true(config.pipes[0].describe_clients);
  br_config_fini(&config);
  assert_true(parse(PIPE(",\"describe_clients\":false,\"clients\":{\"allow\":["
                         "{\"user\":\"root\",\"executable\":\"/proc/../bin/sh\"},"
                         "{\"group\":\"12345\"}],\"deny\":[{\"user\":\"4242\"}]}")));
  const br_pipe_config *pipe = &config.pipes[0];
  assert_false(pipe->describe_clients);
  assert_int_equal(pipe->clients.allow_count, 2);
  assert_int_equal(pipe->clients.allow[0].uid, 0);
  assert_int_equal(pipe->clients.allow[0].gid, -1);
  char *shell = realpath("/bin/sh", NULL);
  assert_string_equal(pipe->clients.allow[0].executable, shell); /* what /proc will say */
  free(shell);
  assert_int_equal(pipe->clients.allow[1].uid, -1);
  assert_int_equal(pipe->clients.allow[1].gid, 12345);
  assert_null(pipe->clients.allow[1].executable);
  assert_int_equal(pipe->clients.deny_count, 1);
  assert_int_equal(pipe->clients.deny[0].uid, 4242);
  br_config_fini(&config);
}

static void clients_that_are_nobody_or_everybody_are_refused_with_their_place(void **state) {
  (void)state;
  assert_refused(PIPE(",\"clients\":{\"allow\":[{\"user\":\"root\"},{\"user\":\"no-such-user-\"}],"
                      "\"deny\":[{\"group\":\"no-such-group-\"}]}"),
                 "pipes[0].clients.allow[1].user: there is no user \"no-such-user-\"",
                 "pipes[0].clients.deny[0].group: there is no group \"no-such-group-\"");
  assert_refused(PIPE(",\"clients\":{\"deny\":[{}]}"),
                 "pipes[0].clients.deny[0]: must name a user, a group or an executable");
  assert_refused(PIPE(",\"clients\":{\"allow\":[{\"executable\":\"mpv\"}]}"),
                 "pipes[0].clients.allow[0].executable: must be an absolute path");
  assert_refused(PIPE(",\"clients\":{\"allow\":[{\"executable\":\"/no/such/program\"}]}"),
                 "pipes[0].clients.allow[0].executable: there is no file /no/such/program");
  assert_refused(PIPE(",\"clients\":{\"alow\":[]}"),
                 "pipes[0].clients.alow: unknown key; did you mean \"allow\"?");
  assert_refused(PIPE(",\"describe_clients\":1"),
                 "pipes[0].describe_clients: must be true or false, not a whole number");
  assert_refused(PIPE(",\"transport\":\"fifo\",\"access\":\"inbound\","
                      "\"clients\":{\"deny\":[{\"user\":\"root\"}]}"),
                 "pipes[0].clients: nobody knows who is at the other end of a FIFO");
}

static void abstract_names_stay_as_they_are_and_need_users(void **state) {
  (void)state;
  assert_true(parse_with("{\"pipes\":[{\"name\":\"a\",\"path\":\"@a/./b\",\"clients\":{\"allow\":["
                         "{\"user\":\"root\"}]}}]}",
                         NULL));
  assert_string_equal(config.pipes[0].path, "@a/./b");
  assert_null(config.runtime_dir); /* not needed */
  br_config_fini(&config);
  assert_true(parse("{\"pipes\":[{\"name\":\"a\",\"path\":\"./@a\"}]}"));
  assert_string_equal(config.pipes[0].path, "/run/test/@a");
  br_config_fini(&config);
  assert_refused("{\"pipes\":[{\"name\":\"a\",\"path\":\"@a\"}]}",
                 "pipes[0].clients.allow: anybody reaches the abstract name @a; name a user");
  assert_refused("{\"pipes\":[{\"name\":\"a\",\"path\":\"@a\",\"permissions\":{\"mode\":\"0600\"},"
                 "\"clients\":{\"allow\":[{\"user\":\"root\"},{\"group\":\"0\"}]}}]}",
                 "pipes[0].clients.allow: anybody reaches the abstract name @a",
                 "pipes[0].permissions: the abstract name @a has neither mode nor owner");
  assert_refused("{\"pipes\":[{\"name\":\"a\",\"path\":\"@\",\"clients\":{\"allow\":["
                 "{\"user\":\"root\"}]}}]}",
                 "pipes[0].path: an abstract name needs something behind the @");
}

static void strategy_without_choice_of_backends_refuses_one(void **state) {
  (void)state;
  assert_true(parse("{\"pipe_thread\":{\"strategy\":\"threads\",\"backend\":\"auto\"}}"));
  assert_int_equal(config.pipe_thread.strategy, PC_STRATEGY_THREADS);
  assert_int_equal(config.pipe_thread.backend, PC_BACKEND_AUTO);
  br_config_fini(&config);
  assert_false(parse("{\"pipe_thread\":{\"strategy\":\"threads\",\"backend\":\"epoll\"}}"));
  assert_non_null(strstr(error, "pipe_thread.backend: strategy \"threads\" has no choice"));
}

static void every_key_is_stored(void **state) {
  (void)state;
  assert_true(parse(
      "{\"http\":{\"listen\":[\"127.0.0.1:0\"],\"max_connections\":9,\"max_body_bytes\":1000,"
      "\"request_timeout_ms\":2000,\"ping_interval_ms\":3000,\"stall_timeout_ms\":4000},"
      "\"events\":{\"memory_bytes\":1000000,\"log_bytes\":2000000,\"queue_bytes\":65536},"
      "\"pipe_thread\":{\"strategy\":\"completion\",\"backend\":\"io_uring\"},"
      "\"pipes\":[{\"name\":\"x\",\"role\":\"server\",\"transport\":\"socket\",\"mode\":\"byte\","
      "\"framing\":\"length32le\",\"path\":\"/tmp/x.sock\",\"reply\":\"broadcast\","
      "\"oversize\":\"skip\",\"overflow\":\"drop\","
      "\"limits\":{\"max_message_bytes\":100,\"max_instances\":7,\"max_write_queue_bytes\":5000},"
      "\"permissions\":{\"mode\":\"0660\",\"owner\":\"root\",\"group\":\"12\"}}]}"));
  assert_int_equal(config.http.listen_count, 1);
  assert_string_equal(config.http.listen[0], "127.0.0.1:0");
  assert_int_equal(config.http.max_connections, 9);
  assert_int_equal(config.http.max_body_bytes, 1000);
  assert_int_equal(config.http.request_timeout_ms, 2000);
  assert_int_equal(config.http.ping_interval_ms, 3000);
  assert_int_equal(config.http.stall_timeout_ms, 4000);
  assert_int_equal(config.events.memory_bytes, 1000000);
  assert_int_equal(config.events.log_bytes, 2000000);
  assert_int_equal(config.events.queue_bytes, 65536);
  assert_int_equal(config.pipe_thread.backend, PC_BACKEND_IO_URING);
  const br_pipe_config *pipe = &config.pipes[0];
  assert_int_equal(pipe->framing, PC_FRAMING_LENGTH32_LE);
  assert_string_equal(pipe->path, "/tmp/x.sock");
  assert_int_equal(pipe->reply, BR_REPLY_BROADCAST);
  assert_int_equal(pipe->oversize, PC_OVERSIZE_SKIP);
  assert_int_equal(pipe->overflow, BR_OVERFLOW_DROP);
  assert_int_equal(pipe->limits.max_message_bytes, 100);
  assert_int_equal(pipe->limits.max_instances, 7);
  assert_int_equal(pipe->limits.max_write_queue_bytes, 5000);
  assert_int_equal(pipe->security.mode, 0660);
  assert_int_equal(pipe->security.uid, 0);
  assert_int_equal(pipe->security.gid, 12);
  br_config_fini(&config);
}

static void a_text_that_is_not_json_is_refused_with_its_line(void **state) {
  (void)state;
  assert_refused("{\n  \"http\": {,}\n}", "c.json: line 2, column");
  assert_refused("", "c.json: line 1, column 0");
  assert_refused("{} x", "c.json: line 1");
}

static void a_repeated_key_is_refused_with_its_line(void **state) {
  (void)state;
  assert_refused("{\n\"http\": {},\n\"http\": {}}",
                 "c.json: line 3, column 6: duplicate object key");
}

static void a_value_out_of_range_is_refused_with_its_path(void **state) {
  (void)state;
  assert_refused("{\"pipes\":[{\"name\":\"a\",\"path\":\"a\"},{\"name\":\"b\",\"path\":\"b\","
                 "\"limits\":{\"max_message_bytes\":0}}]}",
                 "c.json: pipes[1].limits.max_message_bytes: 0 is below the minimum 1");
  assert_refused("{\"http\":{\"max_connections\":4294967297}}",
                 "c.json: http.max_connections: 4294967297 is above the maximum ");
  assert_refused("{\"events\":{\"log_bytes\":-1}}",
                 "c.json: events.log_bytes: -1 is below the minimum ");
}

static void a_value_of_the_wrong_type_is_refused(void **state) {
  (void)state;
  assert_refused("[]", "c.json: must be an object, not a list");
  assert_refused("{\"http\":[]}", "c.json: http: must be an object, not a list");
  assert_refused("{\"pipes\":{}}", "c.json: pipes: must be a list, not an object");
  assert_refused("{\"pipes\":[5]}", "c.json: pipes[0]: must be an object, not a whole number");
  assert_refused("{\"http\":{\"listen\":[1]}}",
                 "c.json: http.listen[0]: must be a text, not a whole number");
  assert_refused("{\"http\":{\"max_connections\":\"9\"}}",
                 "c.json: http.max_connections: must be a whole number, not a text");
  assert_refused("{\"http\":{\"max_connections\":1.5}}",
                 "must be a whole number, not a number with a fraction");
  assert_refused(PIPE(",\"mode\":null"), "c.json: pipes[0].mode: must be a text, not null");
  assert_refused(PIPE(",\"reply\":true"), "must be a text, not true or false");
}

static void an_unknown_key_is_refused_with_a_suggestion_if_one_is_near(void **state) {
  (void)state;
  assert_refused("{\"htpp\":{}}", "c.json: htpp: unknown key; did you mean \"http\"?");
  assert_refused(PIPE(",\"limits\":{\"max_mesage_bytes\":1}"),
                 "c.json: pipes[0].limits.max_mesage_bytes: unknown key; did you mean "
                 "\"max_message_bytes\"?");
  assert_refused("{\"colour\":1}", "c.json: colour: unknown key");
}

static void an_unknown_word_is_refused_with_the_known_ones(void **state) {
  (void)state;
  assert_refused(
      PIPE(",\"mode\":\"bite\""),
      "c.json: pipes[0].mode: \"bite\" is not known; did you mean \"byte\"? (\"byte\" or "
      "\"message\")");
  assert_refused(
      PIPE(",\"reply\":\"perhaps\""),
      "pipes[0].reply: \"perhaps\" is not known; must be \"none\", \"echo\" or \"broadcast\"");
}

static void what_this_version_lacks_is_refused_honestly(void **state) {
  (void)state;
  assert_refused("{\"http\":{\"listen\":[\"unix:/tmp/x\"]}}",
                 "listening on a UNIX socket is not available in this version");
}

static void a_tap_has_an_upstream_and_judges_nothing(void **state) {
  (void)state;
  assert_true(parse(PIPE(",\"role\":\"tap\",\"upstream\":\"/tmp//./up.sock\"")));
  assert_int_equal(config.pipes[0].role, BR_ROLE_TAP);
  assert_string_equal(config.pipes[0].upstream, "/tmp/up.sock");
  assert_int_equal(config.pipes[0].oversize, PC_OVERSIZE_SKIP);
  br_config_fini(&config);
  assert_refused(PIPE(",\"role\":\"tap\""), "pipes[0].upstream: missing");
  assert_refused(PIPE(",\"upstream\":\"/x\""), "pipes[0].upstream: only role \"tap\" has it");
  assert_refused(PIPE(",\"role\":\"tap\",\"upstream\":\"/x\",\"reply\":\"none\""),
                 "pipes[0].reply: only role \"server\" or \"client\" has it; leave it out");
  assert_refused(PIPE(",\"role\":\"tap\",\"upstream\":\"/x\",\"oversize\":\"skip\""),
                 "pipes[0].oversize: only role");
  assert_refused(PIPE(",\"role\":\"tap\",\"upstream\":\"../x\""),
                 "pipes[0].upstream: must not leave the runtime directory");
}

static void a_client_has_what_it_can_have(void **state) {
  (void)state;
  assert_true(parse(PIPE(",\"role\":\"client\"")));
  const br_pipe_config *pipe = &config.pipes[0];
  assert_int_equal(pipe->role, BR_ROLE_CLIENT);
  assert_memory_equal(&pipe->reconnect.delays, &pc_reconnect_default, sizeof pc_reconnect_default);
  assert_int_equal(pipe->reconnect.max_queued_messages, 1000);
  assert_int_equal(pipe->reconnect.max_queued_bytes, 1024 * 1024);
  assert_int_equal(pipe->limits.max_instances, pc_limits_default.max_instances);
  br_config_fini(&config);
  assert_true(parse(PIPE(",\"role\":\"client\",\"reply\":\"echo\",\"reconnect\":{"
                         "\"first_delay_ms\":5,\"max_delay_ms\":5,\"max_queued_messages\":0}")));
  assert_int_equal(config.pipes[0].reconnect.delays.max_delay_ms, 5);
  assert_int_equal(config.pipes[0].reconnect.max_queued_messages, 0);
  br_config_fini(&config);
  assert_refused(PIPE(",\"role\":\"client\",\"permissions\":{\"mode\":\"0660\"}"),
                 "pipes[0].permissions: only role \"server\" or \"tap\" has it");
  assert_refused(PIPE(",\"limits\":{\"accept_rate\":5},\"role\":\"client\""),
                 "pipes[0].limits.accept_rate: only role \"server\" or \"tap\" has it");
  assert_refused(PIPE(",\"role\":\"client\",\"transport\":\"fifo\""),
                 "pipes[0].transport: only role \"server\" has it");
  assert_refused(PIPE(",\"role\":\"client\",\"reply\":\"broadcast\""), "pipes[0].reply: ");
  assert_refused(PIPE(",\"reconnect\":{}"), "pipes[0].reconnect: only role \"client\" has it");
  assert_refused(PIPE(",\"role\":\"client\",\"reconnect\":{\"first_delay_ms\":9000}"),
                 "first_delay_ms 9000 is above max_delay_ms 5000");
}

/* Two may own no endpoint together, but connect to the same one, also to one of ours. */
static void clients_may_share_a_path(void **state) {
  (void)state;
  assert_true(parse("{\"pipes\":[{\"name\":\"a\",\"path\":\"/x\"},"
                    "{\"name\":\"b\",\"path\":\"/x\",\"role\":\"client\"},"
                    "{\"name\":\"c\",\"path\":\"/x\",\"role\":\"client\"}]}"));
  br_config_fini(&config);
}

static void required_keys_are_named_when_missing(void **state) {
  (void)state;
  assert_refused("{\"pipes\":[{}]}", "c.json: pipes[0].name: missing",
                 "c.json: pipes[0].path: missing");
}

static void a_bad_name_or_path_or_mode_is_refused(void **state) {
  (void)state;
  assert_refused("{\"pipes\":[{\"name\":\".a\",\"path\":\"a\"}]}", "a name may have only");
  assert_refused("{\"pipes\":[{\"name\":\"a b\",\"path\":\"a\"}]}",
                 "pipes[0].name: a name may have only");
  assert_refused("{\"pipes\":[{\"name\":\"\",\"path\":\"a\"}]}",
                 "pipes[0].name: must not be empty");
  assert_refused("{\"pipes\":[{\"name\":\"a\",\"path\":\"b/../../a\"}]}", "by \"..\"");
  assert_refused("{\"pipes\":[{\"name\":\"a\",\"path\":\"..\"}]}", "must name a file");
  assert_refused("{\"pipes\":[{\"name\":\"a\",\"path\":\"/tmp/\"}]}", "must name a file");
  assert_refused("{\"pipes\":[{\"name\":\"a\",\"path\":\".\"}]}", "must name a file");
  assert_refused(PIPE(",\"permissions\":{\"mode\":\"rw\"}"), "\"rw\" must be permission bits");
  assert_refused(PIPE(",\"permissions\":{\"mode\":\"1777\"}"), "\"1777\" must be permission bits");
  assert_refused(PIPE(",\"permissions\":{\"mode\":\"0\"}"), "\"0\" must be permission bits");
  assert_refused(PIPE(",\"permissions\":{\"owner\":\"no-such-user-\"}"),
                 "there is no user \"no-such-user-\" on this machine");
  assert_refused(PIPE(",\"permissions\":{\"group\":\"4294967295\"}"),
                 "there is no group \"4294967295\" on this machine");
}

static void a_name_of_64_bytes_is_taken_and_of_65_refused(void **state) {
  (void)state;
  char text[256];
  (void)snprintf(text, sizeof text, "{\"pipes\":[{\"name\":\"%064d\",\"path\":\"a\"}]}", 1);
  assert_true(parse(text));
  br_config_fini(&config);
  (void)snprintf(text, sizeof text, "{\"pipes\":[{\"name\":\"%065d\",\"path\":\"a\"}]}", 1);
  assert_refused(text, "pipes[0].name: 65 bytes are above the maximum 64");
}

static void a_path_longer_than_the_system_allows_is_refused_with_the_limit(void **state) {
  (void)state;
  char text[512], limit[64];
  (void)snprintf(text, sizeof text, "{\"pipes\":[{\"name\":\"a\",\"path\":\"/%0200d\"}]}", 1);
  (void)snprintf(limit, sizeof limit, "this system allows a pipe %zu", pc_server_max_path_bytes());
  assert_refused(text, limit);
}

static void two_pipes_of_one_name_or_path_are_refused(void **state) {
  (void)state;
  assert_refused("{\"pipes\":[{\"name\":\"a\",\"path\":\"x\"},{\"name\":\"a\",\"path\":\"y\"}]}",
                 "c.json: pipes[1].name: \"a\" is the name of pipes[0] already");
  assert_refused("{\"pipes\":[{\"name\":\"a\",\"path\":\"d/x\"},"
                 "{\"name\":\"b\",\"path\":\"/run/test//./d/x\"}]}",
                 "c.json: pipes[1].path: /run/test/d/x is the path of pipes[0] already");
}

static void a_fifo_goes_one_way_and_is_cut_by_a_framing(void **state) {
  (void)state;
  assert_true(parse(PIPE(",\"transport\":\"fifo\",\"access\":\"inbound\",\"framing\":\"line\"")));
  const br_pipe_config *pipe = &config.pipes[0];
  assert_int_equal(pipe->transport, PC_TRANSPORT_FIFO);
  assert_int_equal(pipe->access, PC_ACCESS_INBOUND);
  assert_int_equal(pipe->limits.max_instances, 1);
  br_config_fini(&config);
  assert_true(parse(PIPE(",\"transport\":\"fifo\",\"access\":\"outbound\"")));
  br_config_fini(&config);
  assert_refused(PIPE(",\"transport\":\"fifo\""),
                 "c.json: pipes[0].access: a FIFO goes one way; set \"inbound\"");
  assert_refused(PIPE(",\"transport\":\"fifo\",\"access\":\"inbound\",\"mode\":\"message\""),
                 "c.json: pipes[0].mode: a FIFO keeps no boundaries");
  assert_refused(PIPE(",\"transport\":\"fifo\",\"access\":\"inbound\",\"reply\":\"echo\""),
                 "c.json: pipes[0].reply: a FIFO goes one way");
  assert_refused(PIPE(",\"access\":\"inbound\""),
                 "c.json: pipes[0].access: transport \"socket\" goes both ways");
}

static void message_mode_takes_no_framing(void **state) {
  (void)state;
  assert_refused(PIPE(",\"mode\":\"message\",\"framing\":\"line\""),
                 "c.json: pipes[0].framing: mode \"message\" keeps the boundaries itself");
  assert_true(parse(PIPE(",\"mode\":\"message\",\"framing\":\"none\"")));
  assert_int_equal(config.pipes[0].type, PC_TYPE_MESSAGE);
  br_config_fini(&config);
}

static void a_listen_address_must_be_one_that_the_web_side_takes(void **state) {
  (void)state;
  assert_refused("{\"http\":{\"listen\":[\"7117\",\"127.0.0.1:65536\"]}}",
                 "http.listen[0]: cannot listen on \"7117\": an address is written as",
                 "http.listen[1]: cannot listen on \"127.0.0.1:65536\": an address is written as");
  assert_refused("{\"http\":{\"listen\":[\"0.0.0.0:7117\"]}}",
                 "only loopback addresses are served");
  assert_refused("{\"http\":{\"listen\":[]}}", "http.listen: must have at least 1 element");
}

static void arguments_replace_the_list_of_listeners(void **state) {
  (void)state;
  const char *listen[] = {"[::1]:0"};
  br_config_overrides overrides = {.listen = listen, .listen_count = 1};
  assert_true(parse_with("{\"http\":{\"listen\":[\"127.0.0.1:1\",\"127.0.0.1:2\"]}}", &overrides));
  assert_int_equal(config.http.listen_count, 1);
  assert_string_equal(config.http.listen[0], "[::1]:0");
  br_config_fini(&config);
  listen[0] = "nonsense";
  assert_false(parse_with("{}", &overrides));
  assert_non_null(strstr(error, "--listen: cannot listen on \"nonsense\""));
}

static void all_problems_are_told_at_once(void **state) {
  (void)state;
  assert_refused("{\"a\":1,\"http\":{\"b\":2},\"pipes\":[{\"name\":\"x\",\"path\":3}]}",
                 "c.json: a: unknown key", "c.json: http.b: unknown key",
                 "c.json: pipes[0].path: must be a text");
}

static void more_problems_than_fit_are_counted(void **state) {
  (void)state;
  char small[256];
  const char text[] = "{\"aa\":1,\"bb\":1,\"cc\":1,\"dd\":1,\"ee\":1,\"ff\":1,\"gg\":1,\"hh\":1,"
                      "\"ii\":1,\"jj\":1,\"kk\":1}";
  assert_false(br_config_parse(text, sizeof text - 1, "c.json", &in_tmp, &config, small, 256));
  assert_true(strlen(small) < sizeof small);
  assert_non_null(strstr(small, "\n... and "));
  assert_non_null(strstr(small, " more"));
}

static void a_tiny_error_buffer_is_never_overrun(void **state) {
  (void)state;
  for (size_t size = 0; size <= 80; size++) {
    char *small = malloc(size + 1);
    assert_non_null(small);
    small[size] = '#';
    assert_false(br_config_parse("{\"aa\":1,\"bb\":2,\"cc\":3}", 24, "c.json", &in_tmp, &config,
                                 small, size));
    assert_int_equal(small[size], '#');
    assert_true(size == 0 || memchr(small, '\0', size) != NULL);
    free(small);
  }
}

static void control_characters_of_a_file_do_not_reach_the_terminal(void **state) {
  (void)state;
  assert_refused("{\"a\\u001b[2J\":1}", "c.json: a?[2J: unknown key");
}

static void a_queue_too_small_for_the_largest_message_is_refused(void **state) {
  (void)state;
  assert_refused("{\"events\":{\"queue_bytes\":65536},\"pipes\":[{\"name\":\"a\",\"path\":\"a\","
                 "\"limits\":{\"max_message_bytes\":65536}}]}",
                 "c.json: events.queue_bytes: 65536 is too small for "
                 "pipes[0].limits.max_message_bytes: that needs 524288");
}

static void a_queue_of_default_size_grows_with_the_largest_message(void **state) {
  (void)state;
  assert_true(parse(PIPE(",\"limits\":{\"max_message_bytes\":4194304}")));
  assert_int_equal(config.events.queue_bytes, 32 * 1024 * 1024);
  br_config_fini(&config);
}

static void a_queue_size_is_rounded_up_to_a_power_of_two(void **state) {
  (void)state;
  assert_true(parse("{\"events\":{\"queue_bytes\":70000}}"));
  assert_int_equal(config.events.queue_bytes, 131072);
  br_config_fini(&config);
}

static void the_demonstration_needs_no_file(void **state) {
  (void)state;
  assert_true(br_config_load(NULL, &in_tmp, &config, error, sizeof error));
  assert_int_equal(config.pipe_count, 2);
  assert_string_equal(config.pipes[0].name, "demo");
  assert_int_equal(config.pipes[0].type, PC_TYPE_BYTE);
  assert_int_equal(config.pipes[0].framing, PC_FRAMING_LINE);
  assert_string_equal(config.pipes[0].path, "/run/test/demo.sock");
  assert_string_equal(config.pipes[1].name, "exact");
  assert_int_equal(config.pipes[1].type, PC_TYPE_MESSAGE);
  br_config_fini(&config);
}

static void a_file_that_is_not_there_is_named(void **state) {
  (void)state;
  assert_false(br_config_load("/nonexistent/c.json", NULL, &config, error, sizeof error));
  assert_string_equal(error, "/nonexistent/c.json: cannot be read: No such file or directory");
  assert_false(br_config_load("/dev/zero", NULL, &config, error, sizeof error));
  assert_non_null(strstr(error, "/dev/zero: larger than "));
}

static void relative_paths_go_below_the_users_runtime_directory(void **state) {
  (void)state;
  assert_int_equal(setenv("XDG_RUNTIME_DIR", "/run/user/77", 1), 0);
  assert_true(parse_with(PIPE(""), NULL));
  assert_string_equal(config.pipes[0].path, "/run/user/77/pipebridge/a.sock");
  assert_string_equal(config.runtime_dir, "/run/user/77/pipebridge");
  br_config_fini(&config);
}

static void absolute_paths_need_no_runtime_directory(void **state) {
  (void)state;
  assert_true(parse_with("{\"pipes\":[{\"name\":\"a\",\"path\":\"/tmp/a\"}]}", NULL));
  assert_null(config.runtime_dir);
  br_config_fini(&config);
}

static void an_output_is_untouched_on_failure(void **state) {
  (void)state;
  br_config before;
  memset(&before, 0x5a, sizeof before);
  memset(&config, 0x5a, sizeof config);
  assert_false(parse("{\"x\":1}"));
  assert_memory_equal(&before, &config, sizeof config);
}

/* Every allocation of Jansson's fails in turn; the sanitizers see what is lost or touched. */
static size_t allocations_left;
static void *failing_malloc(size_t size) {
  return allocations_left-- == 0 ? (allocations_left = 0, (void *)NULL) : malloc(size);
}

static void a_document_without_memory_is_refused(void **state) {
  (void)state;
  size_t failures = 0;
  json_set_alloc_funcs(failing_malloc, free);
  for (size_t round = 0; round < 200; round++) {
    allocations_left = round;
    if (parse(PIPE(",\"limits\":{\"max_instances\":5}"))) {
      br_config_fini(&config);
      break;
    }
    failures++;
  }
  json_set_alloc_funcs(malloc, free);
  assert_in_range(failures, 5, 199);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_empty_document_has_every_default),
      cmocka_unit_test(a_short_pipe_has_every_default),
      cmocka_unit_test(framing_of_16_bits_bounds_the_message_limit),
      cmocka_unit_test(burst_is_that_of_the_rate_if_there_is_one),
      cmocka_unit_test(clients_are_rules_of_users_groups_and_executables),
      cmocka_unit_test(clients_that_are_nobody_or_everybody_are_refused_with_their_place),
      cmocka_unit_test(abstract_names_stay_as_they_are_and_need_users),
      cmocka_unit_test(strategy_without_choice_of_backends_refuses_one),
      cmocka_unit_test(every_key_is_stored),
      cmocka_unit_test(a_text_that_is_not_json_is_refused_with_its_line),
      cmocka_unit_test(a_repeated_key_is_refused_with_its_line),
      cmocka_unit_test(a_value_out_of_range_is_refused_with_its_path),
      cmocka_unit_test(a_value_of_the_wrong_type_is_refused),
      cmocka_unit_test(an_unknown_key_is_refused_with_a_suggestion_if_one_is_near),
      cmocka_unit_test(an_unknown_word_is_refused_with_the_known_ones),
      cmocka_unit_test(what_this_version_lacks_is_refused_honestly),
      cmocka_unit_test(a_tap_has_an_upstream_and_judges_nothing),
      cmocka_unit_test(a_client_has_what_it_can_have),
      cmocka_unit_test(clients_may_share_a_path),
      cmocka_unit_test(required_keys_are_named_when_missing),
      cmocka_unit_test(a_bad_name_or_path_or_mode_is_refused),
      cmocka_unit_test(a_name_of_64_bytes_is_taken_and_of_65_refused),
      cmocka_unit_test(a_path_longer_than_the_system_allows_is_refused_with_the_limit),
      cmocka_unit_test(two_pipes_of_one_name_or_path_are_refused),
      cmocka_unit_test(a_fifo_goes_one_way_and_is_cut_by_a_framing),
      cmocka_unit_test(message_mode_takes_no_framing),
      cmocka_unit_test(a_listen_address_must_be_one_that_the_web_side_takes),
      cmocka_unit_test(arguments_replace_the_list_of_listeners),
      cmocka_unit_test(all_problems_are_told_at_once),
      cmocka_unit_test(more_problems_than_fit_are_counted),
      cmocka_unit_test(a_tiny_error_buffer_is_never_overrun),
      cmocka_unit_test(control_characters_of_a_file_do_not_reach_the_terminal),
      cmocka_unit_test(a_queue_too_small_for_the_largest_message_is_refused),
      cmocka_unit_test(a_queue_of_default_size_grows_with_the_largest_message),
      cmocka_unit_test(a_queue_size_is_rounded_up_to_a_power_of_two),
      cmocka_unit_test(the_demonstration_needs_no_file),
      cmocka_unit_test(a_file_that_is_not_there_is_named),
      cmocka_unit_test(relative_paths_go_below_the_users_runtime_directory),
      cmocka_unit_test(absolute_paths_need_no_runtime_directory),
      cmocka_unit_test(an_output_is_untouched_on_failure),
      cmocka_unit_test(a_document_without_memory_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
