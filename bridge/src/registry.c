/* The model of pipes and open sessions that requests are answered from. HTTP thread. */
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

void br_registry_fini(br_registry *registry) {
  while (registry->first) {
    br_session_info *session = registry->first;
    registry->first = session->next;
    free(session);
  }
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
  session->previous = registry->last;
  session->next = NULL;
  *(registry->last ? &registry->last->next : &registry->first) = session;
  registry->last = session;
  /* Without memory for the table the session is still listed and counted, only not found by its id. */
  (void)br_id_table_put(&registry->sessions, event->session, session);
}

static void registry_close(br_registry *registry, br_pipe_info *pipe, const br_event *event) {
  br_closed closed;
  memcpy(&closed, br_event_payload(event), sizeof closed);
  br_session_info *session = closed.info;
  pipe->sessions--;
  (void)br_id_table_remove(&registry->sessions, event->session);
  *(session->previous ? &session->previous->next : &registry->first) = session->next;
  *(session->next ? &session->next->previous : &registry->last) = session->previous;
  free(session);
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

const br_session_info *br_registry_session(const br_registry *registry, uint64_t id) {
  return br_id_table_get(&registry->sessions, id);
}

bool br_registry_was_session(const br_registry *registry, uint64_t id) {
  return id != 0 && id <= registry->last_session_id && !br_registry_session(registry, id);
}
