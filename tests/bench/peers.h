/* Programs of others that do what the bridge does, each as it is meant to be used: how they are
 * started, fed and understood. Main thread; the formats are the receiver's. */
#ifndef TESTS_BENCH_PEERS_H
#define TESTS_BENCH_PEERS_H

#include <stdbool.h>
#include <stddef.h>

#include "ledger.h"
#include "target.h"

/* The first line of a feed: its consumer is connected. */
#define BENCH_READY "ready"

typedef struct bench_words {
  const char *data;
  size_t size;
} bench_words;

/* The first packets of a client, and of one that listens to "m" and hears when it does. */
extern const bench_words bench_mqtt_connect, bench_mqtt_subscribe;
extern const bench_words bench_nats_connect, bench_nats_subscribe;

extern const bench_format bench_format_announced; /* a message each, behind BENCH_READY        */
extern const bench_format bench_format_lossy; /* a message each, of a program that may lose some */
extern const bench_format bench_format_lines; /* a stream of lines, behind BENCH_READY     */
extern const bench_format bench_format_mqtt;
extern const bench_format bench_format_nats;

extern const bench_program bench_websocketd, bench_websockify, bench_nchan, bench_mosquitto,
    bench_nats, bench_node_ws;

/* Whether what it needs is installed; if not, one line on stderr says what is missing. Of the
 * bridge and the relay: yes. */
bool bench_peer_is_there(const bench_target_kind *kind);

#endif
