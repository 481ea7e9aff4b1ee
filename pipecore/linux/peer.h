/* Who is at the other end of a connected socket. Any thread, as long as the socket stays open. */
#ifndef PIPECORE_LINUX_PEER_H
#define PIPECORE_LINUX_PEER_H

#include "pipecore/peer.h"

/* Never fails: what cannot be had is -1 or "". */
void pc_linux_peer_read(int fd, pc_peer *out_peer);
/* `parts`: pc_peer_part, or-ed. Likewise: what cannot be had is not among `out_details->known`. */
void pc_linux_peer_describe(int fd, uint32_t parts, pc_peer_details *out_details);

#endif
