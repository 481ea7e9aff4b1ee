/* Who a server lets in, by its rules. The loop's thread, once for each accept.
 *
 * Success: what the rules ask for beside the ids is read, the rules decide. Failures: what cannot
 * be read is unknown, and refuses (admission.h). Without rules nothing is done at all. */
#include <stdlib.h>
#include <string.h>

#include "server_private.h"

static size_t rules_text_bytes(const pc_admission_rule *rules, size_t count) {
  size_t bytes = 0;
  for (size_t index = 0; index < count; index++) {
    bytes += rules[index].executable ? strlen(rules[index].executable) + 1 : 0;
  }
  return bytes;
}

/* Copies to `to`, and the texts to `*text`, which moves on. */
static void rules_copy(const pc_admission_rule *rules, size_t count, pc_admission_rule *to,
                       char **text) {
  for (size_t index = 0; index < count; index++) {
    to[index] = rules[index];
    if (rules[index].executable) {
      size_t size = strlen(rules[index].executable) + 1;
      to[index].executable = memcpy(*text, rules[index].executable, size);
      *text += size;
    }
  }
}

bool pc_server_admission_init(pc_server *server, const pc_admission_rules *rules) {
  size_t count = rules->allow_count + rules->deny_count;
  if (count == 0) {
    return true;
  }
  server->admission_memory =
      malloc(count * sizeof *rules->allow + rules_text_bytes(rules->allow, rules->allow_count) +
             rules_text_bytes(rules->deny, rules->deny_count));
  if (!server->admission_memory) {
    return false;
  }
  pc_admission_rule *copies = server->admission_memory;
  char *text = (char *)(copies + count);
  rules_copy(rules->allow, rules->allow_count, copies, &text);
  rules_copy(rules->deny, rules->deny_count, copies + rules->allow_count, &text);
  server->admission = (pc_admission_rules){.allow = copies,
                                           .allow_count = rules->allow_count,
                                           .deny = copies + rules->allow_count,
                                           .deny_count = rules->deny_count};
  server->admission_parts = pc_admission_parts(rules);
  return true;
}

pc_admission pc_server_admit(pc_server *server, pc_channel *channel, const pc_peer *peer) {
  static const pc_peer_details nothing_known;
  if (!server->admission_memory) {
    return PC_ADMISSION_GRANTED;
  }
  const pc_backend *backend = server->host.backend;
  if (server->admission_parts == 0 || !backend->describe) {
    return pc_admission_check(&server->admission, peer, &nothing_known);
  }
  pc_peer_details details;
  backend->describe(channel, server->admission_parts, &details);
  return pc_admission_check(&server->admission, peer, &details);
}

/* Whether each rule names something, and executables look like paths. */
static bool rules_are_complete(const pc_admission_rule *rules, size_t count) {
  if (count > PC_ADMISSION_RULES_MAX) {
    return false;
  }
  for (size_t index = 0; index < count; index++) {
    const char *executable = rules[index].executable;
    if ((rules[index].uid < 0 && rules[index].gid < 0 && !executable) ||
        (executable && executable[0] == '\0')) {
      return false;
    }
  }
  return true;
}

bool pc_server_admission_is_complete(const pc_admission_rules *rules) {
  return rules_are_complete(rules->allow, rules->allow_count) &&
         rules_are_complete(rules->deny, rules->deny_count);
}
