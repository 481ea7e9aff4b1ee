/* The rules between values. Start-up; one thread.
 *
 * Success: listen addresses → runtime directory → absolute paths → names and paths unique, modes
 * and framings fit → buffers large enough for the largest message. Failures: added to the problems,
 * each with its place; the rules go on as far as what they need is there. */
#include "config_rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/event.h"
#include "bridge/queue.h"
#include "config_clients.h"
#include "config_table.h"
#include "config_values.h"
#include "host.h"

/* The place pipes[index].key, in memory of the caller's. */
typedef struct pipe_place {
  br_config_place list, element, key, part;
} pipe_place;

static const br_config_place *pipe_place_at(pipe_place *place, size_t index, const char *key) {
  place->list = (br_config_place){NULL, "pipes", 0};
  place->element = (br_config_place){&place->list, NULL, index};
  place->key = (br_config_place){&place->element, key, 0};
  return &place->key;
}

/* The place pipes[index].limits.key. */
static const br_config_place *limit_place_at(pipe_place *place, size_t index, const char *key) {
  (void)pipe_place_at(place, index, "limits");
  place->part = (br_config_place){&place->key, key, 0};
  return &place->part;
}

/* ---- listen addresses ---- */
static const br_config_key *listen_key(void) {
  const br_config_key *http = br_config_key_find(&br_config_root, "http");
  return br_config_key_find(http->object, "listen");
}

static void listen_set_default(br_config *config, br_config_problems *problems) {
  const char *items[8];
  size_t count = 0;
  char texts[256];
  (void)snprintf(texts, sizeof texts, "%s", listen_key()->fallback_text);
  char *rest = NULL;
  for (char *item = strtok_r(texts, " ", &rest); item; item = strtok_r(NULL, " ", &rest)) {
    items[count++] = item;
  }
  if (!br_config_texts_replace(&config->http.listen, &config->http.listen_count, items, count)) {
    br_config_problems_add(problems, NULL, "out of memory");
  }
}

static void listen_override(br_config *config, const br_config_overrides *overrides,
                            br_config_problems *problems) {
  const br_config_key *key = listen_key();
  if (overrides->listen_count > *key->maximum) {
    br_config_problems_add(problems, NULL, "--listen: %zu addresses are above the maximum %u",
                           overrides->listen_count, *key->maximum);
    return;
  }
  for (size_t index = 0; index < overrides->listen_count; index++) {
    const char *text = overrides->listen[index];
    char wrong[512] = "an address is too long";
    if (strlen(text) > *key->element_maximum || !key->check(text, wrong, sizeof wrong)) {
      char shown[sizeof wrong];
      br_config_problems_add(problems, NULL, "--listen: %s",
                             br_config_printable(wrong, shown, sizeof shown));
    }
  }
  if (!br_config_texts_replace(&config->http.listen, &config->http.listen_count, overrides->listen,
                               overrides->listen_count)) {
    br_config_problems_add(problems, NULL, "out of memory");
  }
}

/* ---- paths ---- */
/* Not one of a file, and not an abstract name. */
static bool path_is_relative(const br_pipe_config *pipe, const char *path) {
  bool is_abstract = pipe->transport == PC_TRANSPORT_SOCKET && path && path[0] == '@';
  return path && path[0] != '/' && !is_abstract;
}

static bool needs_runtime_dir(const br_config *config) {
  for (size_t index = 0; index < config->pipe_count; index++) {
    const br_pipe_config *pipe = &config->pipes[index];
    if (path_is_relative(pipe, pipe->path) || path_is_relative(pipe, pipe->upstream)) {
      return true;
    }
  }
  return false;
}

static void runtime_dir_resolve(br_config *config, const br_config_overrides *overrides,
                                br_config_problems *problems) {
  char error[256] = "out of memory";
  if (overrides && overrides->runtime_dir) {
    config->runtime_dir = br_host_absolute_path(overrides->runtime_dir);
  } else if (needs_runtime_dir(config)) {
    config->runtime_dir = br_host_default_runtime_dir(error, sizeof error);
  } else {
    return;
  }
  if (!config->runtime_dir) {
    br_config_problems_add(problems, NULL, "%s", error);
  }
}

/* Drops empty and "." parts, so that equal paths are equal texts. */
static void path_tidy(char *path) {
  char *out = path;
  for (const char *in = path; *in;) {
    if (in[0] == '/' && (in[1] == '/' || (in[1] == '.' && (in[2] == '/' || in[2] == '\0')))) {
      in += in[1] == '/' ? 1 : 2;
    } else {
      *out++ = *in++;
    }
  }
  *out = '\0';
}

static void path_resolve(const br_config *config, size_t index, const char *key, char **path,
                         br_config_problems *problems) {
  const br_pipe_config *pipe = &config->pipes[index];
  pipe_place place;
  if (!*path) {
    return;
  }
  if (path_is_relative(pipe, *path) && config->runtime_dir) {
    size_t size = strlen(config->runtime_dir) + strlen(*path) + 2;
    char *absolute = malloc(size);
    if (!absolute) {
      br_config_problems_add(problems, pipe_place_at(&place, index, key), "out of memory");
      return;
    }
    (void)snprintf(absolute, size, "%s/%s", config->runtime_dir, *path);
    free(*path);
    *path = absolute;
  }
  if ((*path)[0] == '/') {
    path_tidy(*path);
  }
  size_t length = strlen(*path);
  if (length > pc_server_max_path_bytes()) {
    br_config_problems_add(problems, pipe_place_at(&place, index, key),
                           "%s has %zu bytes, this system allows a pipe %zu; choose a shorter one "
                           "or another --runtime-dir",
                           *path, length, pc_server_max_path_bytes());
  }
}

/* ---- pipes ---- */
static void pipe_check_unique(const br_config *config, size_t index, br_config_problems *problems) {
  const br_pipe_config *pipe = &config->pipes[index];
  pipe_place place;
  for (size_t other = 0; other < index; other++) {
    const br_pipe_config *earlier = &config->pipes[other];
    if (pipe->name && earlier->name && strcmp(pipe->name, earlier->name) == 0) {
      br_config_problems_add(problems, pipe_place_at(&place, index, "name"),
                             "\"%s\" is the name of pipes[%zu] already", pipe->name, other);
      break;
    }
  }
  for (size_t other = 0; other < index; other++) {
    const br_pipe_config *earlier = &config->pipes[other];
    bool own_both = pipe->role != BR_ROLE_CLIENT && earlier->role != BR_ROLE_CLIENT;
    if (own_both && pipe->path && earlier->path && strcmp(pipe->path, earlier->path) == 0) {
      br_config_problems_add(problems, pipe_place_at(&place, index, "path"),
                             "%s is the path of pipes[%zu] already", pipe->path, other);
      break;
    }
  }
}

static void pipe_apply_framing(const br_config *config, size_t index,
                               br_config_problems *problems) {
  br_pipe_config *pipe = &config->pipes[index];
  pipe_place place;
  if (pipe->type == PC_TYPE_MESSAGE && pipe->framing != PC_FRAMING_NONE) {
    br_config_problems_add(problems, pipe_place_at(&place, index, "framing"),
                           "mode \"message\" keeps the boundaries itself; leave framing out, or "
                           "set mode \"byte\"");
  }
  /* What is told of the pipe is what it can do: 16 bits cannot say the default limit, and buffers
   * have a size. */
  uint32_t most = pc_framing_max_message_bytes(pipe->framing);
  uint32_t most_here = config->events.max_message_bytes;
  uint32_t fallback = pc_limits_default.max_message_bytes;
  fallback = most_here > 0 && most_here < fallback ? most_here : fallback;
  if (pipe->limits.max_message_bytes == 0) {
    pipe->limits.max_message_bytes = fallback < most ? fallback : most;
  } else if (pipe->limits.max_message_bytes > most) {
    br_config_problems_add(problems, limit_place_at(&place, index, "max_message_bytes"),
                           "framing \"%s\" cannot say a length over %" PRIu32
                           "; lower it, or choose another framing",
                           pc_framing_name(pipe->framing), most);
  }
}

static void pipe_apply_rate(const br_config *config, size_t index, br_config_problems *problems) {
  pc_limits *limits = &config->pipes[index].limits;
  pipe_place place;
  if (limits->accept_burst == 0) {
    limits->accept_burst = limits->accept_rate;
  } else if (limits->accept_rate == 0) {
    br_config_problems_add(problems, limit_place_at(&place, index, "accept_burst"),
                           "says how many may come at once of limits.accept_rate, which is not "
                           "set; set that too");
  }
}

/* One stream that goes one way, from or to nobody knows whom. */
static void pipe_apply_fifo(const br_config *config, size_t index, br_config_problems *problems) {
  br_pipe_config *pipe = &config->pipes[index];
  pipe_place place;
  if (pipe->transport != PC_TRANSPORT_FIFO) {
    if (pipe->access != PC_ACCESS_DUPLEX) {
      br_config_problems_add(problems, pipe_place_at(&place, index, "access"),
                             "transport \"socket\" goes both ways; leave access out, or set "
                             "transport \"fifo\"");
    }
    return;
  }
  if (pipe->access == PC_ACCESS_DUPLEX) {
    br_config_problems_add(
        problems, pipe_place_at(&place, index, "access"),
        "a FIFO goes one way; set \"inbound\" (processes write, the bridge reads) "
        "or \"outbound\" (the bridge writes, processes read)");
  }
  if (pipe->type == PC_TYPE_MESSAGE) {
    br_config_problems_add(problems, pipe_place_at(&place, index, "mode"),
                           "a FIFO keeps no boundaries; leave mode out, and set a framing");
  }
  if (pipe->reply != BR_REPLY_NONE) {
    br_config_problems_add(problems, pipe_place_at(&place, index, "reply"),
                           "a FIFO goes one way, so nothing can be replied; leave reply out");
  }
  pipe->limits.max_instances = 1; /* what is told of it is what it has */
}

/* ---- the pipe thread ---- */
static void pipe_thread_check(const br_config *config, br_config_problems *problems) {
  const br_config_place pipe_thread = {NULL, "pipe_thread", 0};
  const br_config_place place = {&pipe_thread, "backend", 0};
  pc_strategy strategy = config->pipe_thread.strategy;
  if (strategy != PC_STRATEGY_COMPLETION && config->pipe_thread.backend != PC_BACKEND_AUTO) {
    br_config_problems_add(problems, &place,
                           "strategy \"%s\" has no choice of backends; leave backend out, or set "
                           "strategy \"completion\"",
                           pc_strategy_name(strategy));
  }
}

/* A server that is not ours, and one session with it that is everybody's. */
static void pipe_apply_client(const br_config *config, size_t index, br_config_problems *problems) {
  br_pipe_config *pipe = &config->pipes[index];
  pipe_place place;
  if (pipe->role != BR_ROLE_CLIENT) {
    return;
  }
  if (pipe->reply == BR_REPLY_BROADCAST) {
    br_config_problems_add(problems, pipe_place_at(&place, index, "reply"),
                           "role \"client\" has one session, so there is nobody else to send to; "
                           "set \"none\" or \"echo\"");
  }
  const pc_reconnect *delays = &pipe->reconnect.delays;
  if (delays->first_delay_ms > delays->max_delay_ms) {
    br_config_problems_add(problems, pipe_place_at(&place, index, "reconnect"),
                           "first_delay_ms %" PRIu32 " is above max_delay_ms %" PRIu32,
                           delays->first_delay_ms, delays->max_delay_ms);
  }
}

/* What passes is not for a tap to answer or to judge. */
static void pipe_apply_tap(const br_config *config, size_t index, br_config_problems *problems) {
  br_pipe_config *pipe = &config->pipes[index];
  pipe_place place;
  if (pipe->role != BR_ROLE_TAP) {
    return;
  }
  if (pipe->path && pipe->upstream && strcmp(pipe->path, pipe->upstream) == 0) {
    br_config_problems_add(problems, pipe_place_at(&place, index, "upstream"),
                           "%s is the tap's own path; its clients must be connected to another one",
                           pipe->upstream);
  }
  if (config->pipe_thread.strategy != PC_STRATEGY_COMPLETION) {
    br_config_problems_add(problems, pipe_place_at(&place, index, "role"),
                           "pipe_thread.strategy \"%s\" has no taps; leave it out, or set "
                           "\"completion\"",
                           pc_strategy_name(config->pipe_thread.strategy));
  }
  pipe->oversize = PC_OVERSIZE_SKIP; /* what is told of it is what it does */
}

/* ---- the queue ---- */
static uint64_t power_of_two_from(uint64_t value) {
  uint64_t power = 4096;
  while (power < value) {
    power *= 2;
  }
  return power;
}

/* A record is at most a quarter of the queue, its header and the event's included. */
enum { RECORD_HEADERS_BYTES = sizeof(br_event) + 64 };

static uint64_t queue_bytes_needed(uint32_t message_bytes) {
  return power_of_two_from(4 * ((uint64_t)message_bytes + RECORD_HEADERS_BYTES));
}

/* The largest message for which a queue of this size will do. */
static uint32_t queue_message_bytes(uint32_t queue_bytes) {
  return (uint32_t)(power_of_two_from(queue_bytes) / 4 - RECORD_HEADERS_BYTES);
}

static uint32_t largest_message(const br_config *config, size_t *out_index) {
  uint32_t largest = 0;
  for (size_t index = 0; index < config->pipe_count; index++) {
    if (config->pipes[index].limits.max_message_bytes > largest) {
      largest = config->pipes[index].limits.max_message_bytes;
      *out_index = index;
    }
  }
  return largest;
}

/* What was given holds for the pipes. What was not is what they need, or as much as a pipe has by
 * default if a queue that was given has room for that. */
static void max_message_resolve(br_config *config, bool has_queue_bytes,
                                br_config_problems *problems) {
  size_t index = 0;
  uint32_t *most = &config->events.max_message_bytes;
  uint32_t largest = largest_message(config, &index);
  if (*most == 0) {
    uint32_t room = has_queue_bytes ? queue_message_bytes(config->events.queue_bytes) : UINT32_MAX;
    uint32_t fallback = pc_limits_default.max_message_bytes;
    fallback = fallback < room ? fallback : room;
    *most = largest < fallback ? fallback : largest;
  } else if (*most < largest) {
    pipe_place place;
    br_config_problems_add(problems, limit_place_at(&place, index, "max_message_bytes"),
                           "%" PRIu32 " is above events.max_message_bytes, %" PRIu32
                           "; raise that, or lower this",
                           largest, *most);
  }
}

/* A size that was given must do; one that was not grows to what the messages need. */
static void queue_resolve(br_config *config, bool has_queue_bytes, br_config_problems *problems) {
  size_t index = 0;
  uint32_t *size = &config->events.queue_bytes;
  uint32_t most = config->events.max_message_bytes;
  uint64_t needed = queue_bytes_needed(most);
  if (power_of_two_from(*size) < needed && has_queue_bytes) {
    const br_config_place events = {NULL, "events", 0};
    const br_config_place place = {&events, "queue_bytes", 0};
    char source[64] = "events.max_message_bytes";
    if (largest_message(config, &index) == most) {
      (void)snprintf(source, sizeof source, "pipes[%zu].limits.max_message_bytes", index);
    }
    br_config_problems_add(problems, &place, "%" PRIu32 " is too small for %s: that needs %" PRIu64,
                           *size, source, needed);
    return;
  }
  uint64_t grown = power_of_two_from(*size);
  *size = (uint32_t)(grown > needed ? grown : needed);
}

static void pipe_apply_rules(br_config *config, size_t index, br_config_problems *problems) {
  br_pipe_config *pipe = &config->pipes[index];
  path_resolve(config, index, "path", &pipe->path, problems);
  path_resolve(config, index, "upstream", &pipe->upstream, problems);
  pipe_check_unique(config, index, problems);
  pipe_apply_framing(config, index, problems);
  pipe_apply_rate(config, index, problems);
  br_config_clients_resolve(config, index, problems);
  pipe_apply_fifo(config, index, problems);
  pipe_apply_client(config, index, problems);
  pipe_apply_tap(config, index, problems);
}

void br_config_apply_pipe_rules(br_config *config, br_config_problems *problems) {
  if (!config->runtime_dir) {
    runtime_dir_resolve(config, NULL, problems);
  }
  pipe_apply_rules(config, 0, problems);
  max_message_resolve(config, true, problems);
}

void br_config_apply_rules(br_config *config, bool has_queue_bytes,
                           const br_config_overrides *overrides, br_config_problems *problems) {
  if (overrides && overrides->listen_count > 0) {
    listen_override(config, overrides, problems);
  } else if (config->http.listen_count == 0) {
    listen_set_default(config, problems);
  }
  runtime_dir_resolve(config, overrides, problems);
  for (size_t index = 0; index < config->pipe_count; index++) {
    pipe_apply_rules(config, index, problems);
  }
  pipe_thread_check(config, problems);
  max_message_resolve(config, has_queue_bytes, problems);
  queue_resolve(config, has_queue_bytes, problems);
}
