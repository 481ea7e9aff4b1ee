/* A host of sessions: their list, the deadline of each flush, the end of all of them. The loop's
 * thread.
 *
 * Success: a session is added with its channel, and removed when its last callback has returned;
 * its owner is told, who brings the next one or ends. Failures: none of its own. */
#include "host.h"

#include <stdlib.h>

#include "check.h"

/* ---- deadlines ---- */

void pc_host_start_flush_deadline(pc_host *host, pc_session *session) {
  session->has_flush_deadline = true;
  session->flush_deadline_ns = pc_loop_now_ns(host->loop) + (uint64_t)PC_FLUSH_LIMIT_MS * 1000000;
  session->flush_link = (session_link){.previous = host->flushing_last};
  if (host->flushing_last) {
    host->flushing_last->flush_link.next = session;
  } else {
    host->flushing_first = session;
    pc_timer_start_reserved(host->loop, &host->flush_timer, PC_FLUSH_LIMIT_MS);
  }
  host->flushing_last = session;
}

void pc_host_stop_flush_deadline(pc_host *host, pc_session *session) {
  if (!session->has_flush_deadline) {
    return;
  }
  session->has_flush_deadline = false;
  session_link link = session->flush_link;
  *(link.previous ? &link.previous->flush_link.next : &host->flushing_first) = link.next;
  *(link.next ? &link.next->flush_link.previous : &host->flushing_last) = link.previous;
  if (!host->flushing_first) {
    pc_timer_stop(host->loop, &host->flush_timer);
  }
}

static void host_on_flush_timer(pc_timer *timer, void *user) {
  (void)timer;
  pc_host *host = user;
  uint64_t now_ns = pc_loop_now_ns(host->loop);
  while (host->flushing_first && host->flushing_first->flush_deadline_ns <= now_ns) {
    pc_session_abort(host->flushing_first); /* takes it off the list */
  }
  if (host->flushing_first) {
    uint64_t left_ns = host->flushing_first->flush_deadline_ns - now_ns;
    pc_timer_start_reserved(host->loop, &host->flush_timer, (left_ns + 999999) / 1000000);
  }
}

static void host_on_drain_timer(pc_timer *timer, void *user) {
  (void)timer;
  pc_host *host = user;
  for (pc_session *session = host->sessions; session; session = session->link.next) {
    pc_session_abort(session);
  }
}

/* ---- sessions on which nobody says anything ---- */

static void idle_timer_start(pc_host *host) {
  uint64_t wait_ns = pc_idle_wait_ns(&host->idle, pc_loop_now_ns(host->loop));
  if (wait_ns > 0) {
    pc_timer_start_reserved(host->loop, &host->idle_timer, (wait_ns + 999999) / 1000000);
  }
}

static void host_on_idle_timer(pc_timer *timer, void *user) {
  (void)timer;
  pc_host *host = user;
  uint64_t now_ns = pc_loop_now_ns(host->loop);
  pc_idle_entry *entry;
  while ((entry = pc_idle_take(&host->idle, now_ns))) {
    pc_session *session = PC_CONTAINER_OF(entry, pc_session, idle);
    if (session->is_paused) { /* what its peer said waits for the owner */
      pc_idle_add(&host->idle, entry, now_ns);
    } else {
      pc_session_end(session, PC_CLOSE_LIMIT, PC_E_TIMEOUT, true);
    }
  }
  idle_timer_start(host);
}

void pc_host_watch_idle(pc_host *host, pc_session *session) {
  if (session->state != SESSION_OPEN) {
    return; /* its owner closed it already */
  }
  pc_idle_add(&host->idle, &session->idle, pc_loop_now_ns(host->loop));
  if (host->idle_timer.index == 0) {
    idle_timer_start(host);
  }
}

void pc_host_unwatch_idle(pc_host *host, pc_session *session) {
  pc_idle_remove(&host->idle, &session->idle);
  if (host->idle.count == 0) {
    pc_timer_stop(host->loop, &host->idle_timer);
  }
}

/* ---- change ---- */

void pc_host_change(pc_host *host, const pc_session_terms *terms) {
  bool has_new_idle = terms->limits.idle_timeout_ms != host->terms.limits.idle_timeout_ms;
  for (pc_session *session = host->sessions; session && has_new_idle;
       session = session->link.next) {
    pc_host_unwatch_idle(host, session);
  }
  host->terms = *terms;
  if (has_new_idle) {
    pc_idle_init(&host->idle, terms->limits.idle_timeout_ms);
  }
  for (pc_session *session = host->sessions; session; session = session->link.next) {
    pc_session_change_terms(session);
    if (has_new_idle) {
      pc_host_watch_idle(host, session);
    }
  }
}

/* ---- life ---- */

void pc_host_init(pc_host *host, pc_loop *loop, const pc_session_terms *terms,
                  void (*on_session_gone)(pc_host *host)) {
  *host = (pc_host){.loop = loop,
                    .backend = pc_loop_backend(loop),
                    .terms = *terms,
                    .on_session_gone = on_session_gone,
                    .idle_timer = {.routine = host_on_idle_timer, .user = host},
                    .flush_timer = {.routine = host_on_flush_timer, .user = host},
                    .drain_timer = {.routine = host_on_drain_timer, .user = host}};
  pc_idle_init(&host->idle, terms->limits.idle_timeout_ms);
}

void pc_host_fini(const pc_host *host) {
  PC_CHECK(host->session_count == 0 && host->idle_timer.index == 0 &&
           host->flush_timer.index == 0 && host->drain_timer.index == 0);
}

static void host_list(pc_host *host, pc_session *session) {
  session->link = (session_link){.next = host->sessions};
  if (host->sessions) {
    host->sessions->link.previous = session;
  }
  host->sessions = session;
  host->session_count++;
}

void pc_host_refuse(pc_host *host, pc_session *session, pc_channel *channel) {
  host_list(host, session);
  pc_session_refuse(session, channel);
}

void pc_host_add(pc_host *host, pc_session *session, pc_channel *channel, const pc_peer *peer) {
  host_list(host, session);
  pc_session_begin(session, channel, peer);
  if (host->is_stopping) { /* the peer was in when the stop came */
    pc_session_end(session, PC_CLOSE_STOP, PC_OK, false);
  }
}

void pc_host_remove(pc_host *host, pc_session *session) {
  session_link link = session->link;
  *(link.previous ? &link.previous->link.next : &host->sessions) = link.next;
  if (link.next) {
    link.next->link.previous = link.previous;
  }
  if (--host->session_count == 0) {
    pc_timer_stop(host->loop, &host->drain_timer);
  }
  free(session);
  host->on_session_gone(host);
}

void pc_host_stop(pc_host *host, uint32_t drain_ms) {
  host->is_stopping = true;
  for (pc_session *session = host->sessions; session; session = session->link.next) {
    pc_session_end(session, PC_CLOSE_STOP, PC_OK, drain_ms > 0);
  }
  if (host->session_count > 0) {
    pc_timer_start_reserved(host->loop, &host->drain_timer, drain_ms);
  }
}
