/* What sessions may agree on: limits with default, minimum and maximum, the check of the rest, and
 * names. Pure; any thread. */
#include "host.h"

const pc_limits pc_limits_default = {
    .max_instances = 1024, .max_message_bytes = 64 * 1024, .max_write_queue_bytes = 1024 * 1024};
const pc_limits pc_limits_min = {
    .max_instances = 1, .max_message_bytes = 1, .max_write_queue_bytes = 1024};
const pc_limits pc_limits_max = {.max_instances = 1000 * 1000,
                                 .max_message_bytes = 16 * 1024 * 1024,
                                 .max_write_queue_bytes = 256 * 1024 * 1024,
                                 .idle_timeout_ms = 24 * 60 * 60 * 1000,
                                 .accept_rate = 1000 * 1000,
                                 .accept_burst = 1000 * 1000};

const char *pc_close_reason_name(pc_close_reason reason) {
  switch (reason) {
  case PC_CLOSE_PEER:
    return "peer";
  case PC_CLOSE_LOCAL:
    return "local";
  case PC_CLOSE_ERROR:
    return "error";
  case PC_CLOSE_LIMIT:
    return "limit";
  case PC_CLOSE_STOP:
    return "stop";
  case PC_CLOSE_REFUSED:
    return "refused";
  case PC_CLOSE_UPSTREAM:
    return "upstream";
  }
  return "unknown";
}

const char *pc_access_name(pc_access access) {
  switch (access) {
  case PC_ACCESS_DUPLEX:
    return "duplex";
  case PC_ACCESS_INBOUND:
    return "inbound";
  case PC_ACCESS_OUTBOUND:
    return "outbound";
  }
  return "unknown";
}

const char *pc_oversize_name(pc_oversize oversize) {
  switch (oversize) {
  case PC_OVERSIZE_CLOSE:
    return "close";
  case PC_OVERSIZE_SKIP:
    return "skip";
  }
  return "unknown";
}

static bool limit_complete(uint32_t *limit, uint32_t fallback, uint32_t min, uint32_t max) {
  *limit = *limit ? *limit : fallback;
  return *limit >= min && *limit <= max;
}

static bool limits_complete(pc_limits *limits) {
  const pc_limits *fallback = &pc_limits_default;
  const pc_limits *min = &pc_limits_min;
  const pc_limits *max = &pc_limits_max;
  return limit_complete(&limits->max_instances, fallback->max_instances, min->max_instances,
                        max->max_instances) &&
         limit_complete(&limits->max_message_bytes, fallback->max_message_bytes,
                        min->max_message_bytes, max->max_message_bytes) &&
         limit_complete(&limits->max_write_queue_bytes, fallback->max_write_queue_bytes,
                        min->max_write_queue_bytes, max->max_write_queue_bytes) &&
         limit_complete(&limits->idle_timeout_ms, fallback->idle_timeout_ms, min->idle_timeout_ms,
                        max->idle_timeout_ms) &&
         limit_complete(&limits->accept_rate, fallback->accept_rate, min->accept_rate,
                        max->accept_rate) &&
         limit_complete(&limits->accept_burst, limits->accept_rate, min->accept_burst,
                        max->accept_burst);
}

bool pc_options_refuse(pc_failure *out_failure, pc_status status, const char *action,
                       const char *advice) {
  *out_failure = (pc_failure){.status = status, .action = action, .advice = advice};
  return false;
}

/* The default is what the framing can say; more than that is a mistake. */
static bool limits_fit_framing(pc_limits *limits, pc_framing framing) {
  uint32_t most = pc_framing_max_message_bytes(framing);
  if (limits->max_message_bytes == 0 && pc_limits_default.max_message_bytes > most) {
    limits->max_message_bytes = most;
  }
  return limits->max_message_bytes <= most;
}

static bool client_welcome(pc_session *session, const pc_peer *peer, void *user) {
  (void)session;
  (void)peer;
  (void)user;
  return true;
}

static void written_ignore(pc_session *session, uint64_t tag, pc_status status, void *user) {
  (void)session;
  (void)tag;
  (void)status;
  (void)user;
}

static void disconnected_ignore(pc_session *session, pc_close_reason reason, pc_status status,
                                void *user) {
  (void)session;
  (void)reason;
  (void)status;
  (void)user;
}

/* What is of no interest to the owner still is called: one way for all, and no question on the way
 * of a message. */
static void callbacks_complete(pc_session_events *on) {
  on->on_connected = on->on_connected ? on->on_connected : client_welcome;
  on->on_written = on->on_written ? on->on_written : written_ignore;
  on->on_disconnected = on->on_disconnected ? on->on_disconnected : disconnected_ignore;
}

pc_status pc_failure_tell(pc_failure *out_failure, pc_failure failure) {
  if (out_failure) {
    *out_failure = failure;
  }
  return failure.status;
}

bool pc_session_terms_complete(pc_session_terms *terms, pc_failure *out_failure) {
  pc_session_events *on = &terms->on;
  if (!on->on_message) {
    return pc_options_refuse(out_failure, PC_E_INVALID_ARG, "check options", "set on_message");
  }
  callbacks_complete(on);
  if (terms->oversize != PC_OVERSIZE_CLOSE &&
      (terms->oversize != PC_OVERSIZE_SKIP || !on->on_skipped)) {
    return pc_options_refuse(out_failure, PC_E_INVALID_ARG, "check options",
                             "oversize must be one of those listed; to skip, set on_skipped");
  }
  if ((terms->type != PC_TYPE_BYTE && terms->type != PC_TYPE_MESSAGE) ||
      pc_framing_max_message_bytes(terms->framing) == 0) {
    return pc_options_refuse(out_failure, PC_E_INVALID_ARG, "check options",
                             "type and framing must be one of those listed");
  }
  if (terms->type == PC_TYPE_MESSAGE && terms->framing != PC_FRAMING_NONE) {
    return pc_options_refuse(out_failure, PC_E_INVALID_ARG, "check options",
                             "a message pipe keeps its boundaries itself: use no framing");
  }
  if (!limits_fit_framing(&terms->limits, terms->framing)) {
    return pc_options_refuse(out_failure, PC_E_INVALID_ARG, "check limits",
                             "lower max_message_bytes: this framing cannot say such a length");
  }
  if (terms->limits.accept_burst > 0 && terms->limits.accept_rate == 0) {
    return pc_options_refuse(out_failure, PC_E_INVALID_ARG, "check limits",
                             "accept_burst needs an accept_rate");
  }
  if (!limits_complete(&terms->limits)) {
    return pc_options_refuse(out_failure, PC_E_INVALID_ARG, "check limits",
                             "keep each limit between its minimum and maximum");
  }
  return true;
}

bool pc_session_terms_change(pc_session_terms *terms, const pc_session_change *change,
                             pc_failure *out_failure) {
  pc_session_terms changed = *terms;
  changed.framing = change->framing;
  changed.limits = change->limits;
  changed.oversize = change->oversize;
  if (terms->access != PC_ACCESS_DUPLEX) {
    changed.limits.max_instances = terms->limits.max_instances;
  }
  if (!pc_session_terms_complete(&changed, out_failure)) {
    return false;
  }
  if (terms->type == PC_TYPE_MESSAGE &&
      changed.limits.max_message_bytes != terms->limits.max_message_bytes) {
    return pc_options_refuse(out_failure, PC_E_INVALID_ARG, "check limits",
                             "max_message_bytes of a message pipe cannot change: its reads are "
                             "made for it");
  }
  *terms = changed;
  return true;
}
