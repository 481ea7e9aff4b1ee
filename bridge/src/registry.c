/* The model of pipes and sessions that requests are answered from. HTTP thread. */
#include "bridge/registry.h"

#include <stdlib.h>
#include <string.h>

bool br_registry_init(br_registry *registry) {
  *registry = (br_registry){.pipes = calloc(BR_PIPE_INDEXES, sizeof *registry->pipes),
                            .names = calloc(BR_PIPE_INDEXES, sizeof *registry->names),
                            .listed = calloc(BR_PIPES_MAX, sizeof *registry->listed)};
  return registry->pipes && registry->names && registry->listed;
}

static void list_append(br_session_list *list, br_session_info *session) {
  session->previous = list->last;
  session->next = NULL;
  *(list->last ? &list->last->next : &list->first) = session;
  list->last = session;
  list->count++;
}

static void list_remove(br_session_list *list, br_session_info *session) {
  *(session->previous ? &session->previous->next : &list->first) = session->next;
  *(session->next ? &session->next->previous : &list->last) = session->previous;
  list->count--;
}

static void list_free(br_session_list *list) {
  while (list->first) {
    br_session_info *session = list->first;
    list->first = session->next;
    free(session);
  }
}

void br_registry_fini(br_registry *registry) {
  list_free(&registry->open);
  list_free(&registry->closed);
  br_id_table_fini(&registry->sessions);
  for (size_t index = 0; index < registry->index_count; index++) {
    free((char *)(uintptr_t)registry->names[index]);
  }
  free(registry->listed);
  free((void *)registry->names);
  free(registry->pipes);
}

/* ---- pipes ---- */

/* One that was given up before anybody knew of it, else the next. */
static size_t index_find(const br_registry *registry) {
  size_t index = registry->cancelled_index;
  while (index < registry->index_count && registry->names[index]) {
    index++;
  }
  return index;
}

br_reserve_result br_registry_reserve(br_registry *registry, const char *name,
                                      uint16_t *out_index) {
  if (registry->pipe_count + registry->adding_count >= BR_PIPES_MAX) {
    return BR_RESERVE_TOO_MANY;
  }
  size_t index = index_find(registry);
  if (index >= BR_PIPE_INDEXES) {
    return BR_RESERVE_RUN_IS_FULL;
  }
  registry->names[index] = strdup(name);
  if (!registry->names[index]) {
    return BR_RESERVE_NO_MEMORY;
  }
  registry->pipes[index] = (br_pipe_info){.index = (uint16_t)index, .phase = BR_PIPE_ADDING};
  registry->index_count = index == registry->index_count ? index + 1 : registry->index_count;
  registry->adding_count++;
  registry->cancelled_index = index + 1;
  *out_index = (uint16_t)index;
  return BR_RESERVE_OK;
}

void br_registry_cancel(br_registry *registry, uint16_t index) {
  free((char *)(uintptr_t)registry->names[index]);
  registry->names[index] = NULL;
  registry->pipes[index].phase = BR_PIPE_GONE;
  registry->adding_count--;
  if (index < registry->cancelled_index) {
    registry->cancelled_index = index;
  }
}

void br_registry_add(br_registry *registry, uint16_t index, const br_pipe_config *config,
                     const br_pipe_live *live) {
  br_pipe_info *pipe = &registry->pipes[index];
  pipe->config = config;
  pipe->live = live;
  pipe->phase = BR_PIPE_OPEN;
  registry->adding_count--;
  size_t place = registry->pipe_count++;
  for (; place > 0 && registry->listed[place - 1] > index; place--) {
    registry->listed[place] = registry->listed[place - 1];
  }
  registry->listed[place] = index;
}

void br_registry_change(br_registry *registry, uint16_t index, const br_pipe_config *config) {
  registry->pipes[index].config = config;
  registry->pipes[index].phase = BR_PIPE_OPEN;
}

void br_registry_remove(br_registry *registry, uint16_t index, uint64_t seq) {
  br_pipe_info *pipe = &registry->pipes[index];
  size_t place = 0;
  while (registry->listed[place] != index) {
    place++;
  }
  registry->pipe_count--;
  memmove(&registry->listed[place], &registry->listed[place + 1],
          (registry->pipe_count - place) * sizeof *registry->listed);
  pipe->config = NULL;
  pipe->live = NULL;
  pipe->phase = BR_PIPE_GONE;
  pipe->removed_seq = seq;
}

void br_registry_set_changing(br_registry *registry, uint16_t index, bool is_changing) {
  registry->pipes[index].phase = is_changing ? BR_PIPE_CHANGING : BR_PIPE_OPEN;
}

bool br_registry_is_adding(const br_registry *registry, const char *name) {
  size_t left = registry->adding_count;
  for (size_t index = registry->index_count; left > 0 && index > 0; index--) {
    if (registry->pipes[index - 1].phase == BR_PIPE_ADDING) {
      left--;
      if (strcmp(registry->names[index - 1], name) == 0) {
        return true;
      }
    }
  }
  return false;
}

const br_pipe_info *br_registry_pipe_at(const br_registry *registry, uint16_t index) {
  const br_pipe_info *pipe = &registry->pipes[index];
  return pipe->config ? pipe : NULL;
}

/* ---- sessions ---- */

static void registry_open(br_registry *registry, br_pipe_info *pipe, const br_event *event) {
  br_opened opened;
  memcpy(&opened, br_event_payload(event), sizeof opened);
  br_session_info *session = opened.info;
  session->opened_wall_ns = event->wall_ns;
  pipe->sessions++;
  pipe->private_sessions += session->is_private;
  pipe->sessions_total++;
  registry->last_session_id = event->session;
  list_append(&registry->open, session);
  /* Without memory for the table the session is still listed and counted, only not found by its
   * id. */
  (void)br_id_table_put(&registry->sessions, event->session, session);
}

static void registry_forget_oldest(br_registry *registry) {
  br_session_info *session = registry->closed.first;
  (void)br_id_table_remove(&registry->sessions, session->id);
  list_remove(&registry->closed, session);
  registry->forgotten_count++;
  free(session);
}

static void registry_close(br_registry *registry, br_pipe_info *pipe, const br_event *event) {
  br_closed closed;
  memcpy(&closed, br_event_payload(event), sizeof closed);
  br_session_info *session = closed.info;
  pipe->sessions--;
  pipe->private_sessions -= session->is_private;
  session->closed_wall_ns = event->wall_ns;
  session->close_reason = closed.reason;
  session->close_status = closed.status;
  list_remove(&registry->open, session);
  list_append(&registry->closed, session);
  if (registry->closed.count > BR_CLOSED_SESSIONS_MAX) {
    registry_forget_oldest(registry);
  }
}

void br_registry_apply(br_registry *registry, const br_event *event) {
  br_pipe_info *pipe = &registry->pipes[event->pipe];
  switch ((br_event_kind)event->kind) {
  case BR_EVENT_OPENED:
    registry_open(registry, pipe, event);
    break;
  case BR_EVENT_CLOSED:
    registry_close(registry, pipe, event);
    break;
  case BR_EVENT_INJECTED:
    pipe->injected++;
    break;
  case BR_EVENT_ERROR:
    pipe->errors++;
    break;
  default:
    break;
  }
}

const br_pipe_info *br_registry_pipe(const br_registry *registry, const char *name,
                                     uint16_t *out_index) {
  for (size_t place = 0; place < registry->pipe_count; place++) {
    uint16_t index = registry->listed[place];
    if (strcmp(registry->names[index], name) == 0) {
      if (out_index) {
        *out_index = index;
      }
      return &registry->pipes[index];
    }
  }
  return NULL;
}

const br_session_info *br_registry_known_session(const br_registry *registry, uint64_t id) {
  return br_id_table_get(&registry->sessions, id);
}

const br_session_info *br_registry_session(const br_registry *registry, uint64_t id) {
  const br_session_info *session = br_registry_known_session(registry, id);
  return session && session->closed_wall_ns == 0 ? session : NULL;
}

bool br_registry_was_session(const br_registry *registry, uint64_t id) {
  return id != 0 && id <= registry->last_session_id && !br_registry_session(registry, id);
}
