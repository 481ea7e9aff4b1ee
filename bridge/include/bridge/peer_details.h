/* Who is at the other end of a session, packed for its way from the pipe thread to the observers: a
 * record of as many bytes as there is to say. Pure; any thread. */
#ifndef BRIDGE_PEER_DETAILS_H
#define BRIDGE_PEER_DETAILS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipecore/peer.h"

/* The groups and texts lie behind it. */
typedef struct br_peer_details {
  uint16_t size_bytes; /* of all of it */
  uint16_t group_count;
  uint16_t command_line_bytes; /* arguments with a NUL between each two */
  uint8_t known;               /* pc_peer_part, or-ed                   */
  bool is_executable_current : 1;
  bool is_command_line_cut : 1;
} br_peer_details;

enum {
  BR_USER_NAME_BYTES = 64, /* with its NUL; longer names are not known */
  BR_PEER_DETAILS_MAX_BYTES = sizeof(br_peer_details) + 4 * PC_PEER_GROUPS_MAX +
                              BR_USER_NAME_BYTES + PC_PEER_EXECUTABLE_BYTES + PC_PEER_UNIT_BYTES +
                              PC_PEER_CONTAINER_BYTES + PC_PEER_COMMAND_LINE_BYTES
};

/* `user_name` "": not known. Returns the size. */
size_t br_peer_details_pack(const pc_peer_details *details, const char *user_name,
                            uint8_t out_bytes[BR_PEER_DETAILS_MAX_BYTES]);

/* What was packed, where it lies; texts end with a NUL, "": not known. */
typedef struct br_peer_view {
  const uint8_t *groups; /* numbers of 32 bits, not aligned */
  const char *user;
  const char *executable;
  const char *unit;
  const char *container;
  const char *command_line;
} br_peer_view;
br_peer_view br_peer_details_view(const br_peer_details *details);

/* Bytes that br_peer_json_write writes at most. */
size_t br_peer_json_bound(const br_peer_details *details);
/* The peer as a JSON object, written at `cursor`; returns the end. Bytes that are not UTF-8 become
 * '?'. */
uint8_t *br_peer_json_write(uint8_t *cursor, const pc_peer *peer, const br_peer_details *details);
/* Likewise only its ids and name, in at most BR_PEER_IDS_JSON_BOUND bytes. */
enum { BR_PEER_IDS_JSON_BOUND = 768 };
uint8_t *br_peer_ids_json_write(uint8_t *cursor, const pc_peer *peer);

#endif
