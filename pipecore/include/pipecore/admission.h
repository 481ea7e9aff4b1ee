/* Admission: which clients a server lets in, by user, group and executable. Pure; any thread.
 *
 * A user and a group are what the kernel vouches for. An executable tells programs apart that mean
 * well: whoever may run it may also make it do as they like (a debugger, a preloaded library), so a
 * rule that protects something names a user too. */
#ifndef PIPECORE_ADMISSION_H
#define PIPECORE_ADMISSION_H

#include <stddef.h>
#include <stdint.h>

#include "pipecore/declarations.h"
#include "pipecore/peer.h"

PC_DECLARATIONS_BEGIN

/* One kind of client: who is all of what is named here. At least one thing is. */
typedef struct pc_admission_rule {
  int64_t uid;            /* -1: any                                                              */
  int64_t gid;            /* -1: any. The client's own group or a supplementary one               */
  const char *executable; /* NULL: any. Absolute path without symbolic links; of a script that of
                           * its interpreter                                                      */
} pc_admission_rule;

/* A client is let in if no rule of `deny` is met and, where `allow` has rules, one of those is.
 * What a rule asks for and nobody knows (the client is gone already, /proc is closed to us) meets
 * no `allow` and every `deny`. */
typedef struct pc_admission_rules {
  const pc_admission_rule *allow;
  size_t allow_count; /* 0: everybody */
  const pc_admission_rule *deny;
  size_t deny_count;
} pc_admission_rules;

enum { PC_ADMISSION_RULES_MAX = 256 }; /* of each list */

typedef enum pc_admission {
  PC_ADMISSION_GRANTED,
  PC_ADMISSION_DENIED,   /* a rule of `deny` is met                          */
  PC_ADMISSION_UNLISTED, /* no rule of `allow` is                            */
  PC_ADMISSION_UNKNOWN   /* refused because what a rule asks is not known    */
} pc_admission;
const char *pc_admission_name(pc_admission admission); /* "granted", "denied", … */

/* Which details the rules ask for: pc_peer_part, or-ed. */
uint32_t pc_admission_parts(const pc_admission_rules *rules);

/* `details` has at least those parts, as far as they could be known. */
pc_admission pc_admission_check(const pc_admission_rules *rules, const pc_peer *peer,
                                const pc_peer_details *details);

PC_DECLARATIONS_END

#endif
