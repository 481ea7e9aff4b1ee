/* When a server takes no client for a while because of a limit: all instances in use, or too many
 * clients a second. They wait in the backlog. The loop's thread.
 *
 * Success: accepting goes on when a session leaves, or when the rate allows the next client. A
 * limit is reached when it makes a client wait, and told (on_error) once for an episode, which
 * lasts until nobody waits when it lets go; at most once a second, however episodes follow each
 * other. Failures: none of its own. */
#include "server_private.h"

enum {
  NS_PER_MS = 1000000,
  FULL_LOOK_MS = 1000 /* how soon a client is seen that comes when all instances are in use */
};

static const uint64_t tell_interval_ns = UINT64_C(1000) * NS_PER_MS;

static const pc_failure hold_failures[PC_HOLDS] = {
    [PC_HOLD_INSTANCES] = {.status = PC_E_BUSY,
                           .action = "accept",
                           .advice = "clients wait until one leaves: raise max_instances if they "
                                     "are welcome"},
    [PC_HOLD_RATE] = {.status = PC_E_RATE,
                      .action = "accept",
                      .advice = "clients wait their turn: raise accept_rate or accept_burst if "
                                "they are welcome"},
};

/* Whether the limit that holds makes somebody wait, and tells so. */
static void hold_look(pc_server *server) {
  pc_episode *episode = &server->episodes[server->held_by];
  const pc_backend *backend = server->host.backend;
  if (!backend->has_waiting || !backend->has_waiting(server->listener)) {
    episode->is_told = false;
    return;
  }
  uint64_t now_ns = pc_loop_now_ns(server->host.loop);
  if (episode->is_told || (episode->told_ns && now_ns - episode->told_ns < tell_interval_ns)) {
    return;
  }
  *episode = (pc_episode){.told_ns = now_ns, .is_told = true};
  if (server->on_error) {
    server->on_error(server, &hold_failures[server->held_by], server->host.terms.user);
  }
}

static void hold_begin(pc_server *server, pc_hold hold, uint64_t look_ms) {
  server->held_by = hold;
  pc_timer_start_reserved(server->host.loop, &server->accept_timer, look_ms);
  if (!server->episodes[hold].is_told) {
    hold_look(server);
  }
  if (hold == PC_HOLD_INSTANCES && server->episodes[hold].is_told) {
    pc_timer_stop(server->host.loop, &server->accept_timer); /* nothing to see before one leaves */
  }
}

static uint32_t instances_in_use(const pc_server *server) {
  return server->host.session_count + server->lingering_count;
}

bool pc_server_is_held(pc_server *server) {
  const pc_limits *limits = &server->host.terms.limits;
  uint64_t now_ns = pc_loop_now_ns(server->host.loop);
  if (instances_in_use(server) >= limits->max_instances) {
    hold_begin(server, PC_HOLD_INSTANCES, FULL_LOOK_MS);
    return true;
  }
  uint64_t wait_ns = pc_rate_wait_ns(&server->rate, now_ns);
  if (wait_ns > 0) {
    hold_begin(server, PC_HOLD_RATE, (wait_ns + NS_PER_MS - 1) / NS_PER_MS);
    return true;
  }
  if (server->held_by != PC_HOLD_NONE) {
    hold_look(server);
    server->held_by = PC_HOLD_NONE;
  }
  return false;
}

uint32_t pc_server_room(const pc_server *server) {
  uint32_t instances = server->host.terms.limits.max_instances - instances_in_use(server);
  uint32_t rate = pc_rate_free(&server->rate, pc_loop_now_ns(server->host.loop));
  return instances < rate ? instances : rate;
}
