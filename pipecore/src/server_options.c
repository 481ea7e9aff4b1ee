/* What a server may be asked for, beside what its sessions agree on. Pure; any thread. */

#include "backend.h"
#include "server_private.h"

size_t pc_server_max_path_bytes(void) {
  return pc_backend_max_path_bytes();
}

bool pc_server_options_complete(const pc_server_options *options, pc_session_terms *out_terms,
                                pc_failure *out_failure) {
  if (!options->on.on_error || !options->on.on_stopped) {
    return pc_options_refuse(out_failure, PC_E_INVALID_ARG, "check options", "set every callback");
  }
  if (!options->path || options->path[0] == '\0') {
    return pc_options_refuse(out_failure, PC_E_NAME, "check path", "give the endpoint a path");
  }
  *out_terms = (pc_session_terms){.type = options->type,
                                  .framing = options->framing,
                                  .limits = options->limits,
                                  .oversize = options->oversize,
                                  .on = options->on.session,
                                  .user = options->user};
  return pc_session_terms_complete(out_terms, out_failure);
}
