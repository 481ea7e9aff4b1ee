/* The model of pipes and sessions that requests are answered from. HTTP thread. */
#include "bridge/registry.h"

#include <stdlib.h>
#include <string.h>

bool br_registry_init(br_registry *registry, const br_config *config, const br_pipe_live *live) {
  *registry = (br_registry){.pipe_count = config->pipe_count};
  registry->pipes = calloc(config->pipe_count + 1, sizeof *registry->pipes);
  if (!registry->pipes) {
    return false;
  }
  for (size_t index = 0; index < config->pipe_count; index++) {
    registry->pipes[index].config = &config->pipes[index];
    registry->pipes[index].live = &live[index];
  }
  return true;
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
  free(registry->pipes);
}

static void registry_open(br_registry *registry, br_pipe_info *pipe, const br_event *event) {
  br_opened opened;
  memcpy(&opened, br_event_payload(event), sizeof opened);
  br_session_info *session = opened.info;
  session->opened_wall_ns = event->wall_ns;
  pipe->sessions++;
  pipe->sessions_total++;
  registry->last_session_id = event->session;
  list_append(&registry->open, session);
  /* Without memory for the table the session is still listed and counted, only not found by its id. */
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
  case BR_EVENT_MESSAGE:
  case BR_RECORD_RESULT:
    break;
  }
}

const br_pipe_info *br_registry_pipe(const br_registry *registry, const char *name,
                                     uint16_t *out_index) {
  for (size_t index = 0; index < registry->pipe_count; index++) {
    if (strcmp(registry->pipes[index].config->name, name) == 0) {
      if (out_index) {
        *out_index = (uint16_t)index;
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
