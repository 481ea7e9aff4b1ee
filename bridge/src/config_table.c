/* The tables themselves, and the checks of single texts. Constant data and pure functions; any
 * thread. */
#include "config_table.h"

#include <stdio.h>
#include <string.h>

#include "bridge/config.h"
#include "bridge/registry.h"
#include "pipecore/framing.h"
#include "pipecore/server.h"
#include "web/server.h"

/* The reader copies words into enums as 32 bits. */
_Static_assert(sizeof(pc_type) == 4 && sizeof(pc_framing) == 4 && sizeof(br_reply) == 4 &&
                   sizeof(pc_oversize) == 4 && sizeof(br_overflow) == 4 &&
                   sizeof(pc_transport) == 4 && sizeof(pc_access) == 4 &&
                   sizeof(pc_strategy) == 4 && sizeof(pc_backend_kind) == 4 &&
                   sizeof(br_role) == 4 && sizeof(br_compression) == 4,
               "enums of the configuration are 32 bits wide");

#define KIB 1024u
#define MIB (1024u * KIB)

/* Limits that belong to the bridge itself; the others are pipecore's and web's. */
static const uint32_t one = 1;
static const uint32_t name_max_bytes = 64;
static const uint32_t path_max_bytes = 4095;
static const uint32_t listen_max_bytes = 128;
static const uint32_t listen_max_count = 16;
static const uint32_t account_max_bytes = 64;
static const uint32_t none = 0;
static const uint32_t queued_messages = 1000, queued_max_messages = 1000 * 1000;
static const uint32_t executable_max_bytes = PC_PEER_EXECUTABLE_BYTES - 1;
static const uint32_t client_rules_max_count = PC_ADMISSION_RULES_MAX;
static const uint32_t pipes_max_count = BR_PIPES_MAX;

static const uint32_t connections_max = 100000;
static const uint32_t body_max_bytes = 64 * MIB;
static const uint32_t timeout_min_ms = 100;
static const uint32_t timeout_max_ms = 60 * 60 * 1000;

static const uint32_t memory_bytes = 16 * MIB, memory_min_bytes = 64 * KIB;
static const uint32_t log_bytes = 4 * MIB, log_min_bytes = 64 * KIB;
static const uint32_t queue_bytes = 4 * MIB, queue_min_bytes = 4 * KIB;
static const uint32_t events_max_bytes = 1024 * MIB;
static const uint32_t spin_us = 50, spin_min_us = 0, spin_max_us = 10000;

static bool name_check(const char *text, char *error, size_t error_size) {
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  if (text[0] != '.' && text[strspn(text, allowed)] == '\0') {
    return true;
  }
  (void)snprintf(error, error_size,
                 "a name may have only A-Z a-z 0-9 . _ - and must not begin with a dot");
  return false;
}

static bool has_parent_part(const char *path) {
  for (const char *part = path; part; part = strchr(part, '/')) {
    part += *part == '/';
    if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0')) {
      return true;
    }
  }
  return false;
}

static bool path_check(const char *text, char *error, size_t error_size) {
  if (strcmp(text, "@") == 0) {
    (void)snprintf(error, error_size, "an abstract name needs something behind the @");
    return false;
  }
  const char *last = strrchr(text, '/');
  last = last ? last + 1 : text;
  if (strcmp(last, "") == 0 || strcmp(last, ".") == 0 || strcmp(last, "..") == 0) {
    (void)snprintf(error, error_size, "must name a file, not a directory");
    return false;
  }
  if (text[0] != '/' && has_parent_part(text)) {
    (void)snprintf(
        error, error_size,
        "must not leave the runtime directory by \"..\"; write an absolute path instead");
    return false;
  }
  return true;
}

/* Which addresses are allowed is the web library's to say. */
static bool listen_check(const char *text, char *error, size_t error_size) {
  if (strncmp(text, "unix:", 5) == 0) {
    (void)snprintf(error, error_size,
                   "listening on a UNIX socket is not available in this version");
    return false;
  }
  return web_listen_is_valid(text, error, error_size);
}

static const br_config_word role_words[] = {
    {"server", BR_ROLE_SERVER}, {"client", BR_ROLE_CLIENT}, {"tap", BR_ROLE_TAP}, {0}};
static const br_config_word transport_words[] = {
    {"socket", PC_TRANSPORT_SOCKET}, {"fifo", PC_TRANSPORT_FIFO}, {0}};
static const br_config_word access_words[] = {{"duplex", PC_ACCESS_DUPLEX},
                                              {"inbound", PC_ACCESS_INBOUND},
                                              {"outbound", PC_ACCESS_OUTBOUND},
                                              {0}};
static const br_config_word mode_words[] = {
    {"byte", PC_TYPE_BYTE}, {"message", PC_TYPE_MESSAGE}, {0}};
static const br_config_word framing_words[] = {{"none", PC_FRAMING_NONE},
                                               {"line", PC_FRAMING_LINE},
                                               {"nul", PC_FRAMING_NUL},
                                               {"length32be", PC_FRAMING_LENGTH32_BE},
                                               {"length32le", PC_FRAMING_LENGTH32_LE},
                                               {"length16be", PC_FRAMING_LENGTH16_BE},
                                               {"length16le", PC_FRAMING_LENGTH16_LE},
                                               {"varint", PC_FRAMING_VARINT},
                                               {"headers", PC_FRAMING_HEADERS},
                                               {0}};
static const br_config_word oversize_words[] = {
    {"close", PC_OVERSIZE_CLOSE}, {"skip", PC_OVERSIZE_SKIP}, {0}};
static const br_config_word overflow_words[] = {
    {"pause", BR_OVERFLOW_PAUSE}, {"drop", BR_OVERFLOW_DROP}, {0}};
static const br_config_word reply_words[] = {
    {"none", BR_REPLY_NONE}, {"echo", BR_REPLY_ECHO}, {"broadcast", BR_REPLY_BROADCAST}, {0}};

#define INTEGER_MEMBERS(key, type, field, default_, min, max)                                    \
  .name = key, .kind = BR_CONFIG_INTEGER, .offset = offsetof(type, field), .fallback = default_, \
  .minimum = min, .maximum = max
#define INTEGER(key, type, field, default_, min, max) \
  { INTEGER_MEMBERS(key, type, field, default_, min, max) }
#define LIVE_INTEGER(key, type, field, default_, min, max) \
  { INTEGER_MEMBERS(key, type, field, default_, min, max), .is_live = true }
/* Keys that not every role has. */
enum {
  OF_SERVER = 1 << BR_ROLE_SERVER,
  OF_CLIENT = 1 << BR_ROLE_CLIENT,
  OF_TAP = 1 << BR_ROLE_TAP
};

#define LIMIT(roles_, type, field, limits, is_live_)                            \
  {                                                                             \
    .name = #field, .kind = BR_CONFIG_INTEGER, .offset = offsetof(type, field), \
    .fallback = &limits##_default.field, .minimum = &limits##_min.field,        \
    .maximum = &limits##_max.field, .roles = (roles_), .is_live = (is_live_)    \
  }
#define PIPE_LIMIT(roles_, field) LIMIT(roles_, pc_limits, field, pc_limits, true)

static const br_config_key limits_keys[] = {
    {.name = "max_message_bytes",
     .kind = BR_CONFIG_INTEGER,
     .is_live = true,
     .is_rule_default = true, /* less where the framing cannot say it */
     .offset = offsetof(pc_limits, max_message_bytes),
     .fallback = &pc_limits_default.max_message_bytes,
     .minimum = &pc_limits_min.max_message_bytes,
     .maximum = &pc_limits_max.max_message_bytes},
    PIPE_LIMIT(0, max_instances), /* of a client pipe its private sessions */
    PIPE_LIMIT(0, max_write_queue_bytes),
    PIPE_LIMIT(0, idle_timeout_ms),
    PIPE_LIMIT(OF_SERVER | OF_TAP, accept_rate),
    PIPE_LIMIT(OF_SERVER | OF_TAP, accept_burst),
    {0}};
static const br_config_object limits_object = {limits_keys, sizeof(pc_limits)};

static const br_config_key reconnect_keys[] = {
    LIMIT(0, pc_reconnect, first_delay_ms, pc_reconnect, false),
    LIMIT(0, pc_reconnect, max_delay_ms, pc_reconnect, false),
    LIVE_INTEGER("max_queued_messages", br_reconnect_config, max_queued_messages, &queued_messages,
                 &none, &queued_max_messages),
    LIVE_INTEGER("max_queued_bytes", br_reconnect_config, max_queued_bytes,
                 &pc_limits_default.max_write_queue_bytes, &pc_limits_min.max_write_queue_bytes,
                 &pc_limits_max.max_write_queue_bytes),
    {0}};
static const br_config_object reconnect_object = {reconnect_keys, sizeof(br_reconnect_config)};

static const br_config_key permissions_keys[] = {{.name = "mode",
                                                  .kind = BR_CONFIG_MODE,
                                                  .offset = offsetof(pc_security, mode),
                                                  .fallback_text = "0600"},
                                                 {.name = "owner",
                                                  .kind = BR_CONFIG_USER,
                                                  .offset = offsetof(pc_security, uid),
                                                  .minimum = &one,
                                                  .maximum = &account_max_bytes},
                                                 {.name = "group",
                                                  .kind = BR_CONFIG_GROUP,
                                                  .offset = offsetof(pc_security, gid),
                                                  .minimum = &one,
                                                  .maximum = &account_max_bytes},
                                                 {0}};
static const br_config_object permissions_object = {permissions_keys, sizeof(pc_security)};

static bool executable_check(const char *text, char *error, size_t error_size) {
  if (text[0] == '/') {
    return true;
  }
  (void)snprintf(error, error_size, "must be an absolute path, for example \"/usr/bin/mpv\"");
  return false;
}

static const br_config_key client_rule_keys[] = {{.name = "user",
                                                  .kind = BR_CONFIG_USER,
                                                  .offset = offsetof(pc_admission_rule, uid),
                                                  .minimum = &one,
                                                  .maximum = &account_max_bytes},
                                                 {.name = "group",
                                                  .kind = BR_CONFIG_GROUP,
                                                  .offset = offsetof(pc_admission_rule, gid),
                                                  .minimum = &one,
                                                  .maximum = &account_max_bytes},
                                                 {.name = "executable",
                                                  .kind = BR_CONFIG_TEXT,
                                                  .offset = offsetof(pc_admission_rule, executable),
                                                  .minimum = &one,
                                                  .maximum = &executable_max_bytes,
                                                  .check = executable_check},
                                                 {0}};
static const br_config_object client_rule_object = {client_rule_keys, sizeof(pc_admission_rule)};

#define CLIENT_RULES(key, field)                                                            \
  {                                                                                         \
    .name = key, .kind = BR_CONFIG_OBJECT_LIST, .minimum = &none,                           \
    .maximum = &client_rules_max_count, .object = &client_rule_object,                      \
    .offset = offsetof(pc_admission_rules, field),                                          \
    .count_offset = offsetof(pc_admission_rules, field##_count),                            \
    .empty_text = "must name a user, a group or an executable: as it is it means everybody" \
  }
static const br_config_key clients_keys[] = {
    CLIENT_RULES("allow", allow), CLIENT_RULES("deny", deny), {0}};
static const br_config_object clients_object = {clients_keys, sizeof(pc_admission_rules)};

static const br_config_key pipe_keys[] = {
    {.name = "name",
     .kind = BR_CONFIG_TEXT,
     .is_required = true,
     .offset = offsetof(br_pipe_config, name),
     .minimum = &one,
     .maximum = &name_max_bytes,
     .check = name_check},
    {.name = "role",
     .kind = BR_CONFIG_WORD,
     .is_stored = true,
     .offset = offsetof(br_pipe_config, role),
     .words = role_words},
    {.name = "transport",
     .kind = BR_CONFIG_WORD,
     .roles = OF_SERVER,
     .is_stored = true,
     .offset = offsetof(br_pipe_config, transport),
     .words = transport_words},
    {.name = "access",
     .kind = BR_CONFIG_WORD,
     .roles = OF_SERVER,
     .is_stored = true,
     .offset = offsetof(br_pipe_config, access),
     .words = access_words},
    {.name = "mode",
     .kind = BR_CONFIG_WORD,
     .is_stored = true,
     .offset = offsetof(br_pipe_config, type),
     .words = mode_words},
    {.name = "framing",
     .is_live = true,
     .kind = BR_CONFIG_WORD,
     .is_stored = true,
     .offset = offsetof(br_pipe_config, framing),
     .words = framing_words},
    {.name = "path",
     .kind = BR_CONFIG_TEXT,
     .is_required = true,
     .offset = offsetof(br_pipe_config, path),
     .minimum = &one,
     .maximum = &path_max_bytes,
     .check = path_check},
    {.name = "upstream",
     .kind = BR_CONFIG_TEXT,
     .is_required = true,
     .roles = OF_TAP,
     .offset = offsetof(br_pipe_config, upstream),
     .minimum = &one,
     .maximum = &path_max_bytes,
     .check = path_check},
    {.name = "reply",
     .is_live = true,
     .kind = BR_CONFIG_WORD,
     .roles = OF_SERVER | OF_CLIENT,
     .is_stored = true,
     .offset = offsetof(br_pipe_config, reply),
     .words = reply_words},
    {.name = "limits",
     .kind = BR_CONFIG_OBJECT,
     .offset = offsetof(br_pipe_config, limits),
     .object = &limits_object},
    {.name = "oversize",
     .is_live = true,
     .kind = BR_CONFIG_WORD,
     .roles = OF_SERVER | OF_CLIENT,
     .is_stored = true,
     .offset = offsetof(br_pipe_config, oversize),
     .words = oversize_words},
    {.name = "overflow",
     .is_live = true,
     .kind = BR_CONFIG_WORD,
     .is_stored = true,
     .offset = offsetof(br_pipe_config, overflow),
     .words = overflow_words},
    {.name = "shared",
     .kind = BR_CONFIG_SWITCH,
     .roles = OF_CLIENT,
     .offset = offsetof(br_pipe_config, shared),
     .fallback = &one},
    {.name = "reconnect",
     .kind = BR_CONFIG_OBJECT,
     .roles = OF_CLIENT,
     .offset = offsetof(br_pipe_config, reconnect),
     .object = &reconnect_object},
    {.name = "permissions",
     .kind = BR_CONFIG_OBJECT,
     .roles = OF_SERVER | OF_TAP,
     .offset = offsetof(br_pipe_config, security),
     .object = &permissions_object},
    {.name = "clients",
     .kind = BR_CONFIG_OBJECT,
     .roles = OF_SERVER | OF_TAP,
     .offset = offsetof(br_pipe_config, clients),
     .object = &clients_object},
    {.name = "describe_clients",
     .is_live = true,
     .kind = BR_CONFIG_SWITCH,
     .offset = offsetof(br_pipe_config, describe_clients),
     .fallback = &one},
    {0},
};
const br_config_object br_config_pipe = {pipe_keys, sizeof(br_pipe_config)};

static const br_config_word compression_words[] = {
    {"off", BR_COMPRESSION_OFF}, {"on", BR_COMPRESSION_ON}, {0}};

static const br_config_key http_keys[] = {
    {.name = "listen",
     .kind = BR_CONFIG_TEXT_LIST,
     .offset = offsetof(br_http_config, listen),
     .count_offset = offsetof(br_http_config, listen_count),
     .minimum = &one,
     .maximum = &listen_max_count,
     .element_maximum = &listen_max_bytes,
     .fallback_text = "127.0.0.1:7117 [::1]:7117",
     .check = listen_check},
    INTEGER("max_connections", br_http_config, max_connections, &web_limits_default.max_connections,
            &one, &connections_max),
    INTEGER("max_body_bytes", br_http_config, max_body_bytes, &web_limits_default.max_body_bytes,
            &one, &body_max_bytes),
    INTEGER("request_timeout_ms", br_http_config, request_timeout_ms,
            &web_limits_default.request_timeout_ms, &timeout_min_ms, &timeout_max_ms),
    {.name = "compression",
     .kind = BR_CONFIG_WORD,
     .is_stored = true,
     .offset = offsetof(br_http_config, compression),
     .words = compression_words},
    INTEGER("ping_interval_ms", br_http_config, ping_interval_ms,
            &web_limits_default.ping_interval_ms, &timeout_min_ms, &timeout_max_ms),
    INTEGER("stall_timeout_ms", br_http_config, stall_timeout_ms,
            &web_limits_default.stall_timeout_ms, &timeout_min_ms, &timeout_max_ms),
    {.name = "allow_changes",
     .kind = BR_CONFIG_SWITCH,
     .offset = offsetof(br_http_config, allow_changes),
     .fallback = &one},
    {0}};
static const br_config_object http_object = {http_keys, sizeof(br_http_config)};

static const br_config_key events_keys[] = {
    INTEGER("memory_bytes", br_events_config, memory_bytes, &memory_bytes, &memory_min_bytes,
            &events_max_bytes),
    INTEGER("log_bytes", br_events_config, log_bytes, &log_bytes, &log_min_bytes,
            &events_max_bytes),
    INTEGER("queue_bytes", br_events_config, queue_bytes, &queue_bytes, &queue_min_bytes,
            &events_max_bytes),
    {.name = "max_message_bytes",
     .kind = BR_CONFIG_INTEGER,
     .is_rule_default = true, /* more where a pipe of the configuration needs it */
     .offset = offsetof(br_events_config, max_message_bytes),
     .fallback = &pc_limits_default.max_message_bytes,
     .minimum = &pc_limits_min.max_message_bytes,
     .maximum = &pc_limits_max.max_message_bytes},
    INTEGER("spin_us", br_events_config, spin_us, &spin_us, &spin_min_us, &spin_max_us),
    {0}};
static const br_config_object events_object = {events_keys, sizeof(br_events_config)};

static const br_config_word backend_words[] = {
    {"auto", PC_BACKEND_AUTO}, {"epoll", PC_BACKEND_EPOLL}, {"io_uring", PC_BACKEND_IO_URING}, {0}};
static const br_config_word strategy_words[] = {{"completion", PC_STRATEGY_COMPLETION},
                                                {"overlapped", PC_STRATEGY_OVERLAPPED},
                                                {"threads", PC_STRATEGY_THREADS},
                                                {0}};
static const br_config_key pipe_thread_keys[] = {
    {.name = "strategy",
     .kind = BR_CONFIG_WORD,
     .is_stored = true,
     .offset = offsetof(br_pipe_thread_config, strategy),
     .words = strategy_words},
    {.name = "backend",
     .kind = BR_CONFIG_WORD,
     .is_stored = true,
     .offset = offsetof(br_pipe_thread_config, backend),
     .words = backend_words},
    {0}};
static const br_config_object pipe_thread_object = {pipe_thread_keys,
                                                    sizeof(br_pipe_thread_config)};

static const br_config_key root_keys[] = {{.name = "$schema", .kind = BR_CONFIG_NOTE},
                                          {.name = "http",
                                           .kind = BR_CONFIG_OBJECT,
                                           .offset = offsetof(br_config, http),
                                           .object = &http_object},
                                          {.name = "pipes",
                                           .kind = BR_CONFIG_OBJECT_LIST,
                                           .offset = offsetof(br_config, pipes),
                                           .count_offset = offsetof(br_config, pipe_count),
                                           .minimum = &none,
                                           .maximum = &pipes_max_count,
                                           .object = &br_config_pipe},
                                          {.name = "events",
                                           .kind = BR_CONFIG_OBJECT,
                                           .offset = offsetof(br_config, events),
                                           .object = &events_object},
                                          {.name = "pipe_thread",
                                           .kind = BR_CONFIG_OBJECT,
                                           .offset = offsetof(br_config, pipe_thread),
                                           .object = &pipe_thread_object},
                                          {0}};
const br_config_object br_config_root = {root_keys, sizeof(br_config)};
