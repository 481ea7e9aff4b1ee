/* FIFOs under the strategy "overlapped", whose operations the low level does not know. The loop's
 * thread, but fifos_on_event (whoever leads the port).
 *
 * Success: the set of watches is one more descriptor of the port; when it is readable an event of
 * the loop's wait set is set, and the loop takes what the watches tell. Failures: descriptors,
 * memory (told by listen). */
#include <stdlib.h>

#include "../src/check.h"
#include "../src/overlapped.h"
#include "fifo.h"
#include "port.h"
#include "system.h"

typedef struct overlapped_fifos {
  pc_port_source source;
  pc_watch_set watches;
  overlapped_call call; /* never issued: it is always waited for */
} overlapped_fifos;

static void fifos_on_event(pc_port_source *source, uint32_t events) {
  (void)events;
  pc_event_set(PC_CONTAINER_OF(source, overlapped_fifos, source)->call.record.event);
}

static void fifos_on_release(pc_port_source *source) {
  overlapped_fifos *fifos = PC_CONTAINER_OF(source, overlapped_fifos, source);
  pc_event_destroy(fifos->call.record.event);
  free(fifos);
}

static void fifos_on_ready(overlapped_call *call) {
  overlapped_fifos *fifos = PC_CONTAINER_OF(call, overlapped_fifos, call);
  pc_watch_set_take(&fifos->watches);
  call->is_out = true;
  if (pc_linux_is_readable(fifos->watches.fd)) { /* the port tells of it once */
    pc_event_set(call->record.event);
  }
}

static void fifos_destroy(pc_backend_state *state) {
  overlapped_fifos *fifos = state->fifos;
  pc_wait_set_remove(state->set, fifos->call.record.event);
  pc_port_forget(&fifos->source, fifos->watches.fd);
  pc_watch_set_close(&fifos->watches);
  pc_lock_take(&pc_port_lock);
  pc_port_retire(&fifos->source); /* its event may be about to be set */
  pc_lock_drop(&pc_port_lock);
}

static pc_status fifos_make(pc_backend_state *state, pc_failure *failure) {
  *failure = (pc_failure){.status = PC_E_NO_MEMORY, .action = "listen"};
  overlapped_fifos *fifos = calloc(1, sizeof *fifos);
  if (!fifos) {
    return PC_E_NO_MEMORY;
  }
  fifos->source = (pc_port_source){.on_event = fifos_on_event, .release = fifos_on_release};
  fifos->watches = (pc_watch_set){.fd = -1};
  if (!pc_overlapped_call_init(state, &fifos->call, fifos_on_ready)) {
    free(fifos);
    return PC_E_NO_MEMORY;
  }
  pc_status status = pc_watch_set_open(&fifos->watches, failure);
  if (status == PC_OK) {
    status = pc_port_want(&fifos->source, fifos->watches.fd, EPOLLIN);
    failure->status = status;
  }
  if (status != PC_OK) {
    pc_watch_set_close(&fifos->watches);
    pc_overlapped_call_fini(state, &fifos->call);
    free(fifos);
    return status;
  }
  fifos->call.is_out = true;
  state->fifos = fifos;
  state->fifos_destroy = fifos_destroy;
  return PC_OK;
}

static pc_status fifo_listen(pc_backend_state *state, const pc_listen *listen,
                             pc_listener **out_listener, pc_failure *out_failure) {
  if (!state->fifos) {
    pc_status status = fifos_make(state, out_failure);
    if (status != PC_OK) {
      return status;
    }
  }
  overlapped_fifos *fifos = state->fifos;
  return pc_fifo_listen(state->loop, &fifos->watches, listen, out_listener, out_failure);
}

const pc_backend pc_backend_overlapped_fifo = PC_FIFO_BACKEND("overlapped", fifo_listen);
