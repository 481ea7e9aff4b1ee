/* Who injects, as the short JSON object that the `injected` event tells as `by`. Made once by
 * whoever takes the message from outside, then only copied. Pure; any thread. */
#ifndef BRIDGE_SRC_SENT_BY_H
#define BRIDGE_SRC_SENT_BY_H

#include <stdint.h>

enum {
  BR_SENT_BY_MAX_BYTES = 255,  /* br_command.by_bytes counts them         */
  BR_SENT_BY_CLIENT_BYTES = 64 /* of a client's name are told at the most */
};

typedef struct br_sent_by {
  uint8_t size;
  uint8_t json[BR_SENT_BY_MAX_BYTES]; /* {"via":…,"address":…,"client":…} */
} br_sent_by;

/* `via`: the surface, a plain word of at most 16 bytes. `address`: as web_request_address; "" is
 * left out. `client`: what it calls itself (its User-Agent), of which the first characters are
 * told: valid UTF-8, no control characters; NULL or "" is left out. */
void br_sent_by_write(br_sent_by *out_by, const char *via, const char *address, const char *client);

#endif
