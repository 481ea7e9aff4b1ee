/* Who may connect to a pipe: what the tables cannot say of its rules. Start-up; one thread.
 *
 * Success: each executable is a file, by its real path. Failures: a file that is not there, rules
 * where clients are not known; each with its place. */
#include "config_clients.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

/* One rule: pipes[pipe].clients.list[index], in memory of the caller's. */
typedef struct rule_place {
  br_config_place pipes, pipe, clients, list, rule, key;
} rule_place;

static void rule_place_at(rule_place *place, size_t pipe, const char *list, size_t index) {
  place->pipes = (br_config_place){NULL, "pipes", 0};
  place->pipe = (br_config_place){&place->pipes, NULL, pipe};
  place->clients = (br_config_place){&place->pipe, "clients", 0};
  place->list = (br_config_place){&place->clients, list, 0};
  place->rule = (br_config_place){&place->list, NULL, index};
}

/* The rules are this configuration's own; pipecore only promises not to write to them. */
static pc_admission_rule *rules_mutable(const pc_admission_rule *rules) {
  return (pc_admission_rule *)(uintptr_t)rules;
}

static void executable_resolve(pc_admission_rule *rule, rule_place *place,
                               br_config_problems *problems) {
  place->key = (br_config_place){&place->rule, "executable", 0};
  char *real = br_host_real_path(rule->executable);
  if (!real || strlen(real) >= PC_PEER_EXECUTABLE_BYTES) {
    char shown[160];
    br_config_problems_add(problems, &place->key,
                           "there is no file %s (or its real path is too long); install the "
                           "program first, or correct the path",
                           br_config_printable(rule->executable, shown, sizeof shown));
    free(real);
    return;
  }
  free((char *)(uintptr_t)rule->executable);
  rule->executable = real;
}

static void rules_resolve(const pc_admission_rule *rules, size_t count, size_t pipe,
                          const char *list, br_config_problems *problems) {
  for (size_t index = 0; index < count; index++) {
    rule_place place;
    pc_admission_rule *rule = &rules_mutable(rules)[index];
    rule_place_at(&place, pipe, list, index);
    if (rule->executable) {
      executable_resolve(rule, &place, problems);
    }
  }
}

bool br_config_is_abstract(const br_pipe_config *pipe) {
  return pipe->transport == PC_TRANSPORT_SOCKET && pipe->path && pipe->path[0] == '@';
}

/* Anybody on the machine reaches such a name: its rules are all that is between. */
static void abstract_check(const br_pipe_config *pipe, size_t index, br_config_problems *problems) {
  rule_place place;
  const pc_admission_rules *clients = &pipe->clients;
  bool has_users = clients->allow_count > 0;
  for (size_t rule = 0; rule < clients->allow_count; rule++) {
    has_users = has_users && clients->allow[rule].uid >= 0;
  }
  rule_place_at(&place, index, "allow", 0);
  if (!has_users) {
    br_config_problems_add(problems, &place.list,
                           "anybody reaches the abstract name %s; name a user in each rule, or "
                           "give the pipe a path",
                           pipe->path);
  }
  if (pipe->security.mode != 0 || pipe->security.uid >= 0 || pipe->security.gid >= 0) {
    place.key = (br_config_place){&place.pipe, "permissions", 0};
    br_config_problems_add(problems, &place.key,
                           "the abstract name %s has neither mode nor owner; leave permissions "
                           "out, or give the pipe a path",
                           pipe->path);
  }
}

void br_config_clients_resolve(br_config *config, size_t index, br_config_problems *problems) {
  const br_pipe_config *pipe = &config->pipes[index];
  const pc_admission_rules *clients = &pipe->clients;
  rules_resolve(clients->allow, clients->allow_count, index, "allow", problems);
  rules_resolve(clients->deny, clients->deny_count, index, "deny", problems);
  if (pipe->role != BR_ROLE_CLIENT && br_config_is_abstract(pipe)) {
    abstract_check(pipe, index, problems);
  }
  if (pipe->transport == PC_TRANSPORT_FIFO && clients->allow_count + clients->deny_count > 0) {
    rule_place place;
    rule_place_at(&place, index, "allow", 0);
    br_config_problems_add(problems, &place.clients,
                           "nobody knows who is at the other end of a FIFO; use permissions");
  }
}

static void rules_free(const pc_admission_rule *rules, size_t count) {
  for (size_t index = 0; index < count; index++) {
    free((char *)(uintptr_t)rules[index].executable);
  }
  free(rules_mutable(rules));
}

void br_config_clients_fini(pc_admission_rules *clients) {
  rules_free(clients->allow, clients->allow_count);
  rules_free(clients->deny, clients->deny_count);
}
