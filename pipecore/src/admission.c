/* Whether a client meets the rules. Pure; any thread.
 *
 * What is not known is neither met nor missed: it refuses, whichever list asks. */
#include "pipecore/admission.h"

#include <stdbool.h>
#include <string.h>

/* In this order, so that the least of all parts is the answer for "all of them". */
typedef enum meeting { MISSED, UNKNOWN, MET } meeting;

static meeting meeting_of(bool is_met) {
  return is_met ? MET : MISSED;
}

static meeting least(meeting left, meeting right) {
  return left < right ? left : right;
}

static meeting uid_meet(int64_t uid, const pc_peer *peer) {
  return peer->uid < 0 ? UNKNOWN : meeting_of(peer->uid == uid);
}

static meeting gid_meet(int64_t gid, const pc_peer *peer, const pc_peer_details *details) {
  if (peer->gid == gid) {
    return MET;
  }
  if (peer->gid < 0 || !(details->known & PC_PEER_GROUPS)) {
    return UNKNOWN;
  }
  for (uint32_t index = 0; index < details->group_count; index++) {
    if (details->groups[index] == gid) {
      return MET;
    }
  }
  return MISSED;
}

/* The path alone is the client's word where the file is not the one that stands there: another file
 * system may have anything at that path. That is enough to deny, not to allow. */
static meeting executable_meet(const char *executable, const pc_peer_details *details,
                               bool needs_proof) {
  if (!(details->known & PC_PEER_EXECUTABLE)) {
    return UNKNOWN;
  }
  return meeting_of(strcmp(details->executable, executable) == 0 &&
                    (details->is_executable_current || !needs_proof));
}

static meeting rule_meet(const pc_admission_rule *rule, const pc_peer *peer,
                         const pc_peer_details *details, bool needs_proof) {
  meeting all = MET;
  if (rule->uid >= 0) {
    all = least(all, uid_meet(rule->uid, peer));
  }
  if (rule->gid >= 0) {
    all = least(all, gid_meet(rule->gid, peer, details));
  }
  if (rule->executable) {
    all = least(all, executable_meet(rule->executable, details, needs_proof));
  }
  return all;
}

/* The best that one of the rules comes to. */
static meeting rules_meet(const pc_admission_rule *rules, size_t count, const pc_peer *peer,
                          const pc_peer_details *details, bool needs_proof) {
  meeting best = MISSED;
  for (size_t index = 0; index < count && best != MET; index++) {
    meeting one = rule_meet(&rules[index], peer, details, needs_proof);
    best = one > best ? one : best;
  }
  return best;
}

pc_admission pc_admission_check(const pc_admission_rules *rules, const pc_peer *peer,
                                const pc_peer_details *details) {
  meeting denied = rules_meet(rules->deny, rules->deny_count, peer, details, false);
  if (denied == MET) {
    return PC_ADMISSION_DENIED;
  }
  meeting allowed = rules->allow_count == 0
                        ? MET
                        : rules_meet(rules->allow, rules->allow_count, peer, details, true);
  if (allowed == MISSED) {
    return PC_ADMISSION_UNLISTED;
  }
  return denied == UNKNOWN || allowed == UNKNOWN ? PC_ADMISSION_UNKNOWN : PC_ADMISSION_GRANTED;
}

static uint32_t rules_parts(const pc_admission_rule *rules, size_t count) {
  uint32_t parts = 0;
  for (size_t index = 0; index < count; index++) {
    parts |= rules[index].gid >= 0 ? PC_PEER_GROUPS : 0;
    parts |= rules[index].executable ? PC_PEER_EXECUTABLE : 0;
  }
  return parts;
}

uint32_t pc_admission_parts(const pc_admission_rules *rules) {
  return rules_parts(rules->allow, rules->allow_count) |
         rules_parts(rules->deny, rules->deny_count);
}

const char *pc_admission_name(pc_admission admission) {
  switch (admission) {
  case PC_ADMISSION_GRANTED:
    return "granted";
  case PC_ADMISSION_DENIED:
    return "denied";
  case PC_ADMISSION_UNLISTED:
    return "unlisted";
  case PC_ADMISSION_UNKNOWN:
    return "unknown";
  }
  return "unknown";
}
