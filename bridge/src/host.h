/* What the program asks of the operating system, apart from pipes and sockets: one seam, implemented in
 * bridge/linux/. Main thread, at start and stop. */
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

/* ---- the runtime directory (host_runtime_dir.c) ---- */
/* Where pipes go when nobody said: the caller frees. NULL: this user has no such place; `error` says
 * what to set. */
char *br_host_default_runtime_dir(char *error, size_t error_size);
/* Refuses a directory in which others could replace our endpoints. One that is not there yet is made
 * for us alone, if `create` is set, and is no error otherwise. */
bool br_host_check_runtime_dir(const char *path, bool create, char *error, size_t error_size);

/* ---- accounts (host_accounts.c) ---- */
/* By name or decimal number. False: there is none. */
bool br_host_find_user(const char *name, int64_t *out_uid);
bool br_host_find_group(const char *name, int64_t *out_gid);

#endif
