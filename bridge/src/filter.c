/* A compiled filter and its evaluation. One thread at a time. */
#include "bridge/filter.h"

#include <stdlib.h>
#include <string.h>

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
    if (node->kind == FILTER_PIPE) {
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

/* A * stands for any characters. Goes back to the last star only, so at most a product of the lengths. */
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

static bool has_bytes(const br_event *event) {
  return event->kind == BR_EVENT_MESSAGE || event->kind == BR_EVENT_INJECTED;
}

static bool node_matches(const filter_node *node, const br_event *event, const char *pipe_name) {
  switch (node->kind) {
  case FILTER_AND:
    return node_matches(node->of.operands.left, event, pipe_name) &&
           node_matches(node->of.operands.right, event, pipe_name);
  case FILTER_OR:
    return node_matches(node->of.operands.left, event, pipe_name) ||
           node_matches(node->of.operands.right, event, pipe_name);
  case FILTER_NOT:
    return !node_matches(node->of.operands.left, event, pipe_name);
  case FILTER_PIPE:
    return name_matches(node->of.name, pipe_name);
  case FILTER_SESSION:
    return event->session == node->of.session;
  case FILTER_DIRECTION:
    return event->direction == node->of.value;
  case FILTER_KIND:
    return event->kind == node->of.value;
  case FILTER_FLAG:
    return (event->flags & node->of.value) != 0;
  case FILTER_SIZE:
    return has_bytes(event) && event->size_bytes >= node->of.size.minimum &&
           event->size_bytes <= node->of.size.maximum;
  case FILTER_PATTERN: /* an error's payload is its text */
    return (has_bytes(event) || event->kind == BR_EVENT_ERROR) &&
           br_filter_pattern_matches(node->of.pattern, br_event_payload(event), event->size_bytes);
  }
  return false;
}

bool br_filter_matches(const br_filter *filter, const br_event *event, const char *pipe_name) {
  return !filter->root || node_matches(filter->root, event, pipe_name);
}
