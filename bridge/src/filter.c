/* A compiled filter and its evaluation. One thread at a time. */
#include "bridge/filter.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/registry.h"
#include "filter_private.h"

static bool filter_refuse(br_filter_error *out_error, const char *text) {
  *out_error = (br_filter_error){.offset = 0};
  strncpy(out_error->text, text, sizeof out_error->text - 1);
  return false;
}

br_filter *br_filter_compile(const char *text, size_t size, br_filter_error *out_error) {
  if (size > BR_FILTER_MAX_BYTES) {
    (void)filter_refuse(out_error, "a filter may have 2048 bytes at most");
    return NULL;
  }
  br_filter *filter = calloc(1, sizeof *filter);
  char *copy = malloc(size + 1);
  if (!filter || !copy) {
    free(filter);
    free(copy);
    (void)filter_refuse(out_error, "out of memory");
    return NULL;
  }
  memcpy(copy, text, size);
  copy[size] = '\0';
  filter->text = copy;
  if (!br_filter_parse(filter, size, out_error)) {
    br_filter_destroy(filter);
    return NULL;
  }
  return filter;
}

void br_filter_destroy(br_filter *filter) {
  if (!filter) {
    return;
  }
  for (size_t index = 0; index < filter->node_count; index++) {
    filter_node *node = &filter->nodes[index];
    if (node->kind == FILTER_PIPE || node->kind >= FILTER_USER) {
      free(node->of.name);
    } else if (node->kind == FILTER_PATTERN) {
      br_filter_pattern_destroy(node->of.pattern);
    }
  }
  free(filter->text);
  free(filter);
}

const char *br_filter_text(const br_filter *filter) {
  return filter->text;
}

/* A * stands for any characters. Goes back to the last star only, so at most a product of the
 * lengths. */
static bool name_matches(const char *pattern, const char *name) {
  const char *star = NULL;
  const char *retry = NULL;
  while (*name) {
    if (*pattern == '*') {
      star = ++pattern;
      retry = name;
    } else if (*pattern == *name) {
      pattern++;
      name++;
    } else if (star) {
      pattern = star;
      name = ++retry;
    } else {
      return false;
    }
  }
  while (*pattern == '*') {
    pattern++;
  }
  return *pattern == '\0';
}

/* What one event is looked at with. */
typedef struct filter_subject {
  const br_event *event;
  const char *pipe_name;
  const br_session_info *session;
} filter_subject;

static filter_verdict verdict(bool is_so) {
  return is_so ? FILTER_YES : FILTER_NO;
}

static bool has_bytes(const br_event *event) {
  return event->kind == BR_EVENT_MESSAGE || event->kind == BR_EVENT_INJECTED;
}

static filter_verdict pattern_match(const filter_node *node, const br_event *event) {
  if (!has_bytes(event) && event->kind != BR_EVENT_ERROR) { /* whose payload is its text */
    return FILTER_NO;
  }
  return br_filter_pattern_match(node->of.pattern, br_event_payload(event), event->size_bytes);
}

/* A pattern with a slash is of the whole path, else of the file's name. */
static bool executable_matches(const char *pattern, const char *path) {
  const char *slash = strchr(pattern, '/') ? NULL : strrchr(path, '/');
  return name_matches(pattern, slash ? slash + 1 : path);
}

static bool peer_matches(const filter_node *node, const br_session_info *session) {
  const br_peer_details *details = br_session_details(session);
  switch (node->kind) {
  case FILTER_PID:
    return session->peer.pid >= 0 && (uint64_t)session->peer.pid == node->of.number;
  case FILTER_UID:
    return session->peer.uid >= 0 && (uint64_t)session->peer.uid == node->of.number;
  case FILTER_USER:
    return name_matches(node->of.name, br_peer_details_view(details).user);
  case FILTER_PEER_NAME:
    return name_matches(node->of.name, session->peer.name);
  case FILTER_EXECUTABLE:
    return executable_matches(node->of.name, br_peer_details_view(details).executable);
  case FILTER_UNIT:
    return name_matches(node->of.name, br_peer_details_view(details).unit);
  case FILTER_CONTAINER:
    return name_matches(node->of.name, br_peer_details_view(details).container);
  default:
    return false;
  }
}

/* What is of no session has no peer; of one that is forgotten nobody knows. */
static filter_verdict peer_match(const filter_node *node, const filter_subject *subject) {
  if (subject->session) {
    return verdict(peer_matches(node, subject->session));
  }
  return subject->event->session == 0 ? FILTER_NO : FILTER_UNKNOWN;
}

static filter_verdict term_match(const filter_node *node, const filter_subject *subject) {
  const br_event *event = subject->event;
  switch (node->kind) {
  case FILTER_PIPE:
    return verdict(name_matches(node->of.name, subject->pipe_name));
  case FILTER_SESSION:
    return verdict(event->session == node->of.number);
  case FILTER_DIRECTION:
    return verdict(event->direction == node->of.value);
  case FILTER_KIND:
    return verdict(event->kind == node->of.value);
  case FILTER_FLAG:
    return verdict((event->flags & node->of.value) != 0);
  case FILTER_SIZE:
    return verdict(has_bytes(event) && event->size_bytes >= node->of.size.minimum &&
                   event->size_bytes <= node->of.size.maximum);
  case FILTER_PATTERN:
    return pattern_match(node, event);
  default:
    return peer_match(node, subject);
  }
}

static filter_verdict node_match(const filter_node *node, const filter_subject *subject) {
  bool is_and = node->kind == FILTER_AND;
  if (node->kind == FILTER_NOT) {
    return (filter_verdict)(FILTER_YES - node_match(node->of.operands.left, subject));
  }
  if (!is_and && node->kind != FILTER_OR) {
    return term_match(node, subject);
  }
  filter_verdict left = node_match(node->of.operands.left, subject);
  if (left == (is_and ? FILTER_NO : FILTER_YES)) {
    return left;
  }
  filter_verdict right = node_match(node->of.operands.right, subject);
  return (left < right) == is_and ? left : right;
}

bool br_filter_needs_session(const br_filter *filter) {
  return filter->has_peer_terms;
}

bool br_filter_is_plain(const br_filter *filter) {
  bool is_plain = !filter->has_peer_terms;
  for (size_t index = 0; index < filter->node_count; index++) {
    filter_node_kind kind = filter->nodes[index].kind;
    is_plain = is_plain && kind != FILTER_SIZE && kind != FILTER_PATTERN;
  }
  return is_plain;
}

bool br_filter_matches(const br_filter *filter, const br_event *event, const char *pipe_name,
                       const br_session_info *session) {
  if (!filter->root) {
    return true;
  }
  filter_subject subject = {.event = event, .pipe_name = pipe_name, .session = session};
  return node_match(filter->root, &subject) != FILTER_NO;
}

const char *br_filter_key_beyond_sessions(const br_filter *filter) {
  static const char *const keys[] = {
      [FILTER_DIRECTION] = "direction", [FILTER_KIND] = "kind",    [FILTER_FLAG] = "flag",
      [FILTER_SIZE] = "size",           [FILTER_PATTERN] = "text", [FILTER_CONTAINER] = NULL};
  for (size_t index = 0; index < filter->node_count; index++) {
    const char *key = keys[filter->nodes[index].kind];
    if (key) {
      return key;
    }
  }
  return NULL;
}

bool br_filter_matches_session(const br_filter *filter, const br_session_info *session,
                               const char *pipe_name) {
  br_event event = {.session = session->id};
  return br_filter_matches(filter, &event, pipe_name, session);
}
