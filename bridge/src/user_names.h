/* Names of users, for people: a small cache over the machine's own list, so that a crowd of clients
 * costs one look at it. One thread at a time; takes the time as an argument. */
#ifndef BRIDGE_SRC_USER_NAMES_H
#define BRIDGE_SRC_USER_NAMES_H

#include <stdint.h>

#include "bridge/peer_details.h"

enum { BR_USER_NAMES = 32 };

typedef struct br_user_name {
  int64_t uid;
  uint64_t until_ns; /* 0: none is kept here */
  char name[BR_USER_NAME_BYTES];
} br_user_name;

typedef struct br_user_names { /* begins as {0} */
  br_user_name names[BR_USER_NAMES];
} br_user_names;

/* "": not known. Valid until the next call. */
const char *br_user_names_find(br_user_names *names, int64_t uid, uint64_t now_ns);

#endif
