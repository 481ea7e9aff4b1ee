/* What a server may be asked for, beside what its sessions agree on. Pure; any thread. */

#include "backend.h"
#include "server_private.h"

size_t pc_server_max_path_bytes(void) {
  return pc_backend_max_path_bytes();
}

const char *pc_transport_name(pc_transport transport) {
  switch (transport) {
  case PC_TRANSPORT_SOCKET:
    return "socket";
  case PC_TRANSPORT_FIFO:
    return "fifo";
  }
  return "unknown";
}

/* A FIFO has one stream that goes one way, and one episode of it at a time. */
static bool transport_fits(const pc_server_options *options, pc_failure *out_failure) {
  bool is_fifo = options->transport == PC_TRANSPORT_FIFO;
  if (!is_fifo && options->transport != PC_TRANSPORT_SOCKET) {
    return pc_options_refuse(out_failure, PC_E_INVALID_ARG, "check options",
                             "transport must be one of those listed");
  }
  if (is_fifo ? options->access != PC_ACCESS_INBOUND && options->access != PC_ACCESS_OUTBOUND
              : options->access != PC_ACCESS_DUPLEX) {
    return pc_options_refuse(out_failure, PC_E_INVALID_ARG, "check options",
                             "the access of a FIFO is inbound or outbound, of all else duplex");
  }
  if (is_fifo && options->type != PC_TYPE_BYTE) {
    return pc_options_refuse(out_failure, PC_E_INVALID_ARG, "check options",
                             "a FIFO keeps no boundaries: use the byte type, with a framing");
  }
  return true;
}

bool pc_server_is_abstract(const pc_server_options *options) {
  return options->transport == PC_TRANSPORT_SOCKET && options->path[0] == '@';
}

/* Whoever shares the network namespace reaches an abstract name, so that rules are all there is. */
static bool abstract_fits(const pc_server_options *options, pc_failure *out_failure) {
  const pc_security *security = &options->security;
  const pc_admission_rules *rules = &options->admission;
  if (options->path[1] == '\0') {
    return pc_options_refuse(out_failure, PC_E_NAME, "check path",
                             "an abstract name has at least one byte behind the @");
  }
  if (security->mode != 0 || security->uid >= 0 || security->gid >= 0) {
    return pc_options_refuse(out_failure, PC_E_INVALID_ARG, "check security",
                             "an abstract name has neither mode nor owner: leave them unset");
  }
  bool has_users = rules->allow_count > 0;
  for (size_t index = 0; index < rules->allow_count; index++) {
    has_users = has_users && rules->allow[index].uid >= 0;
  }
  return has_users || pc_options_refuse(out_failure, PC_E_INVALID_ARG, "check admission",
                                        "anybody reaches an abstract name: allow must have rules, "
                                        "each with a user; or use a path");
}

bool pc_server_options_complete(const pc_server_options *options, pc_session_terms *out_terms,
                                pc_failure *out_failure) {
  if (!options->path || options->path[0] == '\0') {
    return pc_options_refuse(out_failure, PC_E_NAME, "check path", "give the endpoint a path");
  }
  if (!transport_fits(options, out_failure)) {
    return false;
  }
  if (options->transport == PC_TRANSPORT_FIFO &&
      options->admission.allow_count + options->admission.deny_count > 0) {
    return pc_options_refuse(out_failure, PC_E_INVALID_ARG, "check admission",
                             "nobody knows who writes to a FIFO: use its mode, owner and group");
  }
  if (!pc_server_admission_is_complete(&options->admission)) {
    return pc_options_refuse(out_failure, PC_E_INVALID_ARG, "check admission",
                             "each rule must name a user, group or executable, and there are 256 "
                             "in a list at most");
  }
  if (pc_server_is_abstract(options) && !abstract_fits(options, out_failure)) {
    return false;
  }
  *out_terms = (pc_session_terms){.type = options->type,
                                  .access = options->access,
                                  .framing = options->framing,
                                  .limits = options->limits,
                                  .oversize = options->oversize,
                                  .on = options->on.session,
                                  .user = options->user};
  if (options->transport == PC_TRANSPORT_FIFO) {
    out_terms->limits.max_instances = 1;
  }
  return pc_session_terms_complete(out_terms, out_failure);
}
