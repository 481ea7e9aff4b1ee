/* Role tap: the pipe's endpoint is ours, and each client that comes is connected to the one that it
 * means. Pipe thread.
 *
 * Success: a session is a client and its upstream; pipecore passes on what both say, and this says
 * so to observers. Failures: an endpoint that cannot be made (told at the start); an upstream that
 * cannot be had (an error event, at most one a second); what passes and cannot be shown, and what
 * could not be delivered (likewise, at the end). */
#include <inttypes.h>
#include <stdio.h>

#include "pipes_private.h"

static const uint64_t tell_interval_ns = UINT64_C(1000000000);

static br_direction direction_of(pc_direction direction) {
  return direction == PC_DIRECTION_C2S ? BR_DIRECTION_C2S : BR_DIRECTION_S2C;
}

static bool on_opened(pc_tap_session *pair, const pc_peer *client, const pc_peer *upstream,
                      void *user) {
  pipe_entry *pipe = user;
  pc_peer_details details;
  pc_tap_session_describe_client(pair, br_pipe_peer_parts(pipe), &details);
  pipe_session *session = br_session_open(
      pipe, &(session_beginning){.peer = client, .details = &details, .upstream = upstream});
  if (session) {
    session->pair = pair;
    pc_tap_session_set_user(pair, session);
  }
  return session;
}

static pc_status on_message(pc_tap_session *pair, pc_direction direction, const pc_message *message,
                            void *user) {
  (void)user;
  return br_session_hear(pc_tap_session_user(pair), direction_of(direction), message);
}

static void on_skipped(pc_tap_session *pair, pc_direction direction, uint64_t size_bytes,
                       void *user) {
  (void)direction;
  (void)user;
  br_session_count_skipped(pc_tap_session_user(pair), size_bytes);
}

static void on_unframed(pc_tap_session *pair, pc_direction direction, void *user) {
  const pipe_entry *pipe = user;
  const pipe_session *session = pc_tap_session_user(pair);
  br_emit_error(pipe->owner, pipe->index, session->id,
                "what session %" PRIu64
                " says %s does not keep to framing %s: it passes as before, "
                "and is shown uncut from here on; the pipe's framing may have to be another",
                session->id, br_direction_name((uint8_t)direction_of(direction)),
                pc_framing_name(pipe->config->framing));
}

static void on_written(pc_tap_session *pair, pc_direction direction, uint64_t tag, pc_status status,
                       void *user) {
  (void)direction;
  (void)user;
  br_injection_written(pc_tap_session_user(pair), tag, status);
}

static void lost_tell(const pipe_session *session, const pc_tap_end *end) {
  const pipe_entry *pipe = session->pipe;
  br_undelivered *undelivered = &pipe->live->undelivered;
  uint64_t c2s = end->lost_bytes[PC_DIRECTION_C2S];
  uint64_t s2c = end->lost_bytes[PC_DIRECTION_S2C];
  uint64_t descriptors = (uint64_t)end->lost_descriptors[0] + end->lost_descriptors[1];
  if (c2s + s2c + descriptors == 0) {
    return;
  }
  br_count_add(&undelivered->c2s_bytes, c2s);
  br_count_add(&undelivered->s2c_bytes, s2c);
  br_count_add(&undelivered->descriptors, descriptors);
  br_emit_error(pipe->owner, pipe->index, session->id,
                "of what session %" PRIu64 " said, %" PRIu64 " bytes c2s, %" PRIu64
                " bytes s2c and %" PRIu64
                " descriptors could not be delivered: who should have them was gone",
                session->id, c2s, s2c, descriptors);
}

static void on_closed(pc_tap_session *pair, const pc_tap_end *end, void *user) {
  const pipe_entry *pipe = user;
  pipe_session *session = pc_tap_session_user(pair);
  if (!session) {
    return; /* refused for want of memory: nobody was told of it */
  }
  lost_tell(session, end);
  if (end->status == PC_E_TOO_BIG) {
    br_emit_error(pipe->owner, pipe->index, session->id,
                  "session %" PRIu64
                  " closed: a message in it is longer than this process may send; raise "
                  "net.core.wmem_max to what its sender has",
                  session->id);
  }
  br_session_close(session, end->reason, end->status);
}

static void on_unreachable(pc_tap *tap, const pc_peer *client, const pc_failure *failure,
                           void *user) {
  (void)tap;
  pipe_entry *pipe = user;
  tap_end *end = &pipe->tap;
  br_count_add(&pipe->live->undelivered.clients, 1);
  uint64_t now_ns = pc_loop_now_ns(pipe->owner->loop);
  if (end->told_ns != 0 && now_ns - end->told_ns < tell_interval_ns) {
    end->untold_count++;
    return;
  }
  char text[BR_FAILURE_TEXT_BYTES];
  char others[64] = "";
  br_failure_format(failure, text, sizeof text);
  if (end->untold_count > 0) {
    (void)snprintf(others, sizeof others, ", and %" PRIu64 " others before it", end->untold_count);
  }
  br_emit_error(pipe->owner, pipe->index, 0,
                "client of pid %" PRId64 "%s sent away: cannot connect to upstream %s: %s",
                client->pid, others, pipe->config->upstream, text);
  end->told_ns = now_ns;
  end->untold_count = 0;
}

static void on_error(pc_tap *tap, const pc_failure *failure, void *user) {
  (void)tap;
  br_pipe_accept_failed(user, failure);
}

static void on_refused(pc_tap *tap, const pc_peer *client, pc_admission admission, void *user) {
  (void)tap;
  br_refusals_count(user, client, admission);
}

static void on_stopped(pc_tap *tap, void *user) {
  (void)tap;
  br_pipe_stopped(user);
}

static bool tap_start(pipe_entry *pipe, pc_failure *out_failure) {
  const br_pipe_config *config = pipe->config;
  pc_tap_options options = {
      .path = config->path,
      .upstream = config->upstream,
      .type = config->type,
      .framing = config->framing,
      .limits = config->limits,
      .security = config->security,
      .admission = config->clients,
      .on = {.on_opened = on_opened,
             .on_message = on_message,
             .on_skipped = on_skipped,
             .on_unframed = on_unframed,
             .on_written = on_written,
             .on_closed = on_closed,
             .on_unreachable = on_unreachable,
             .on_error = on_error,
             .on_refused = on_refused,
             .on_stopped = on_stopped},
      .user = pipe,
  };
  br_refusals_init(pipe);
  return pc_tap_start(pipe->owner->loop, &options, &pipe->tap.tap, out_failure) == PC_OK;
}

static void tap_stop(pipe_entry *pipe, uint32_t drain_ms) {
  br_refusals_end(pipe);
  pc_tap_stop(pipe->tap.tap, drain_ms);
}

static pc_status tap_change(pipe_entry *pipe, const pc_session_change *change,
                            pc_failure *out_failure) {
  return pc_tap_change(pipe->tap.tap, change, out_failure);
}

static void tap_destroy(pipe_entry *pipe) {
  pc_tap_destroy(pipe->tap.tap);
}

static pc_status tap_write(pipe_session *session, br_direction direction, const void *data,
                           uint32_t size, uint64_t tag) {
  return pc_tap_session_write(session->pair,
                              direction == BR_DIRECTION_C2S ? PC_DIRECTION_C2S : PC_DIRECTION_S2C,
                              data, size, tag);
}

static void tap_close(pipe_session *session) {
  pc_tap_session_close(session->pair, true);
}

static void tap_resume(pipe_session *session) {
  pc_tap_session_resume(session->pair);
}

const pipe_role br_role_tap = {.start = tap_start,
                               .stop = tap_stop,
                               .destroy = tap_destroy,
                               .change = tap_change,
                               .write = tap_write,
                               .close = tap_close,
                               .resume = tap_resume};
