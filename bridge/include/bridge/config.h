/* The configuration: one JSON file, environment and arguments over it, defaults below it. Every
 * value has a default, a minimum and a maximum; what is unknown, of the wrong type or out of range
 * is an error that says what, where (file, JSON path) and what to do. Start-up; one thread. */
#ifndef BRIDGE_CONFIG_H
#define BRIDGE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipecore/client.h"
#include "pipecore/server.h"

/* What the bridge is on a pipe. */
typedef enum br_role {
  BR_ROLE_SERVER, /* it owns the endpoint, local processes connect              */
  BR_ROLE_CLIENT, /* it connects to an endpoint of another program, and reconnects */
  BR_ROLE_TAP     /* both: it connects each client to an endpoint of another program */
} br_role;

typedef enum br_reply {
  BR_REPLY_NONE,
  BR_REPLY_ECHO,     /* each message goes back to the session that said it          */
  BR_REPLY_BROADCAST /* each message goes to all other sessions of the pipe         */
} br_reply;

/* What becomes of a message that finds the event queue full. */
typedef enum br_overflow {
  BR_OVERFLOW_PAUSE, /* its session is not read until there is room: nothing is lost     */
  BR_OVERFLOW_DROP   /* observers are not told of it, but of how many: nobody is slowed  */
} br_overflow;

typedef struct br_reconnect_config {
  pc_reconnect delays;
  uint32_t max_queued_messages; /* injections kept while nobody is connected */
  uint32_t max_queued_bytes;
} br_reconnect_config;

enum { BR_PIPE_NAME_BYTES = 65 }; /* with its NUL */

typedef struct br_pipe_config {
  char *name;     /* owned; 1–64 of [A-Za-z0-9._-], not beginning with a dot; unique */
  char *path;     /* owned; absolute, or of a socket "@name", in the abstract namespace */
  char *upstream; /* as path; role tap, else NULL */
  br_role role;
  pc_transport transport;
  pc_access access;
  pc_type type;
  pc_framing framing;
  br_reply reply;
  pc_limits limits; /* filled in */
  pc_oversize oversize;
  br_overflow overflow;
  bool shared;                   /* role client: it has a session that is everybody's */
  br_reconnect_config reconnect; /* role client */
  pc_security security;          /* mode 0: none was given */
  pc_admission_rules clients;    /* owned; executables are absolute, without symbolic links */
  bool describe_clients;
  char *source; /* owned; the JSON object that it was made of */
} br_pipe_config;

/* Of WebSocket messages, with clients that offer it. */
typedef enum br_compression { BR_COMPRESSION_OFF, BR_COMPRESSION_ON } br_compression;

typedef struct br_http_config {
  char **listen; /* owned */
  size_t listen_count;
  uint32_t max_connections;
  uint32_t max_body_bytes;
  uint32_t request_timeout_ms;
  br_compression compression;
  uint32_t ping_interval_ms;
  uint32_t stall_timeout_ms;
  bool allow_changes; /* of pipes, by PUT, PATCH and DELETE */
} br_http_config;

typedef struct br_events_config {
  uint32_t memory_bytes; /* what the hub keeps of the past                    */
  uint32_t log_bytes;    /* of each broadcast log: how far an observer may lag */
  uint32_t queue_bytes;  /* between the pipe thread and the HTTP thread; a power of two, four of the
                          * largest messages fit                               */
  uint32_t max_message_bytes; /* the largest message that memory, logs and queues are made for: no
                               * pipe has a higher limit, whenever it comes */
  uint32_t spin_us;           /* how long both threads look for more before they sleep, while
                               * messages come as quickly; 0: not at all */
} br_events_config;

typedef struct br_pipe_thread_config {
  pc_strategy strategy;
  pc_backend_kind backend;
} br_pipe_thread_config;

typedef struct br_config {
  br_http_config http;
  br_pipe_thread_config pipe_thread;
  br_events_config events;
  br_pipe_config *pipes; /* owned */
  size_t pipe_count;
  char *runtime_dir; /* owned; absolute; relative pipe paths are below it. NULL: none needs it */
} br_config;

typedef struct br_config_overrides { /* from arguments and environment; NULL or 0: none */
  const char *runtime_dir;
  const char *const *listen; /* replaces the file's list */
  size_t listen_count;
} br_config_overrides;

/* Reads `path` (NULL: the built-in demonstration configuration). On failure returns false and
 * writes one or more lines into `error`. */
bool br_config_load(const char *path, const br_config_overrides *overrides, br_config *out_config,
                    char *error, size_t error_size);
/* The same from text; `where` names it in errors. */
bool br_config_parse(const char *text, size_t size, const char *where,
                     const br_config_overrides *overrides, br_config *out_config, char *error,
                     size_t error_size);
void br_config_fini(br_config *config);

/* Of one on the heap, with what it owns. Accepts NULL. */
void br_pipe_config_destroy(br_pipe_config *pipe);

/* Looks whether the runtime directory is safe to put pipes in: ours or root's, and not writable by
 * everybody. One that does not exist is made (mode 0700; its parent must exist) if `create` is set;
 * parsing alone makes nothing. On failure writes what, where and what to do into `error`. */
bool br_config_prepare_runtime_dir(const br_config *config, bool create, char *error,
                                   size_t error_size);

const char *br_role_name(br_role role);
const char *br_reply_name(br_reply reply);
const char *br_overflow_name(br_overflow overflow);

#endif
