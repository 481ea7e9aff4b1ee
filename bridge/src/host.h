/* What the program asks of the operating system, apart from pipes and sockets: one seam,
 * implemented in bridge/linux/. Main thread, at start and stop, unless a function says
 * otherwise. */
#ifndef BRIDGE_SRC_HOST_H
#define BRIDGE_SRC_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- files (host_files.c) ---- */
/* Reads a whole file of at most `max_bytes` into `*out_text`, which the caller frees. */
bool br_host_read_file(const char *path, size_t max_bytes, char **out_text, size_t *out_size,
                       char *error, size_t error_size);
/* Puts `text` at `path` in one step: a reader sees the old file or the whole new one. */
bool br_host_write_file(const char *path, const char *text, char *error, size_t error_size);
/* `path` made absolute by the working directory; the caller frees. NULL: no memory, or no such
 * directory any more. */
char *br_host_absolute_path(const char *path);

/* The same without symbolic links; the caller frees. NULL: no such file, or no memory. */
char *br_host_real_path(const char *path);

/* ---- the runtime directory (host_runtime_dir.c) ---- */
/* Where pipes go when nobody said: the caller frees. NULL: this user has no such place; `error`
 * says what to set. */
char *br_host_default_runtime_dir(char *error, size_t error_size);
/* Refuses a directory in which others could replace our endpoints. One that is not there yet is
 * made for us alone, if `create` is set, and is no error otherwise. */
bool br_host_check_runtime_dir(const char *path, bool create, char *error, size_t error_size);

/* ---- accounts (host_accounts.c) ---- */
/* By name or decimal number. False: there is none. */
bool br_host_find_user(const char *name, int64_t *out_uid);
bool br_host_find_group(const char *name, int64_t *out_gid);
/* The name of a user of this machine's own list (what a directory service knows is not asked for,
 * since it may take its time). Any thread; reads a file. False: there is none, or it does not
 * fit. */
bool br_host_user_name(int64_t uid, char *out_name, size_t size);

/* ---- being asked to end (host_signals.c) ---- */
typedef enum br_host_request {
  BR_HOST_TIMEOUT, /* nobody asked for anything           */
  BR_HOST_END,     /* end in order                        */
  BR_HOST_RELOAD   /* read the configuration again        */
} br_host_request;

/* Before any thread is started: from here on requests wait for br_host_wait. */
void br_host_requests_init(void);
/* Waits at most `timeout_ms` (negative: for ever). */
br_host_request br_host_wait(int64_t timeout_ms);
/* From here on a request to end ends the process at once. */
void br_host_requests_fini(void);

/* ---- the service manager (host_notify.c) ---- */
/* Tells it, if there is one, in its own words: "READY=1", "STATUS=...", lines separated by \n. */
void br_host_notify(const char *state);
/* How often it wants to hear "WATCHDOG=1"; 0: never. */
uint64_t br_host_watchdog_us(void);

/* Whether a person is probably reading what the program says. */
bool br_host_is_terminal(void);

/* ---- the clock (host_clock.c) ---- */
/* Nanoseconds since some moment, never back. Any thread; no system call. */
uint64_t br_host_mono_ns(void);
/* Lets others run that wait for this processor. Any thread. */
void br_host_yield(void);

#endif
