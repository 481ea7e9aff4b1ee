/* What the cases of the low level need of the system beside pipecore: threads, processes, folders,
 * time, and where this system departs from Win32. One file for each system defines it; a case
 * itself calls none. */
#ifndef TESTS_CONFORMANCE_LOW_HOST_H
#define TESTS_CONFORMANCE_LOW_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- where systems differ, as pipecore/README.md says ---- */
typedef struct host_facts {
  /* Case 16: a message of no bytes never waits for room. */
  bool does_empty_write_never_wait;
  /* Case 26: a disconnect takes back what was not read yet, and the other end knows it from a
   * close. */
  bool does_disconnect_discard;
  /* Case 37: instances of one name may live in several processes. */
  bool do_processes_share_names;
  /* A client that the kernel queued is connected for it, though no instance took it yet. */
  bool does_queue_connect;
} host_facts;
extern const host_facts host;

/* A path that cannot be a pipe's, for `index` 0, 1, …; NULL: no more. */
const char *host_bad_path(unsigned index);

/* ---- folders and handles ---- */
enum { HOST_PATH_BYTES = 100 };
/* A new folder of this test's own. */
void host_folder_create(char folder[HOST_PATH_BYTES]);
/* False: something is left in it. */
bool host_folder_remove(const char *folder);
void host_pipe_path(char path[HOST_PATH_BYTES], const char *folder, const char *name);
unsigned host_handle_count(void);
/* As many handles as this process may have at all. */
void host_handles_raise(void);
/* No more than `count` handles beyond those open now; negative: as before. False: this system
 * cannot. */
bool host_handles_limit(int count);

/* ---- time ---- */
uint64_t host_clock_ms(void);
void host_pause_ms(unsigned ms); /* not alertable */

/* ---- threads ---- */
typedef struct host_thread host_thread;
host_thread *host_thread_start(void (*run)(void *user), void *user);
void host_thread_join(host_thread *thread);
/* It sleeps, in a call that waits for something; a hint: it may be about to go on. */
bool host_thread_is_waiting(host_thread *thread);
/* The same number on the same thread, another one on another. */
uintptr_t host_thread_self(void);

/* ---- processes: this program once more, in a role (low.h) ---- */
typedef struct host_child host_child;
host_child *host_child_start(const char *role, const char *path);
/* Waits until it called host_tell_ready; false: not within 10 s, or it ended before. */
bool host_child_wait_ready(host_child *child);
void host_child_kill(host_child *child); /* as kill -9 does; waits for its end */
int host_child_wait(host_child *child);  /* its exit code, when it ends by itself */
int64_t host_child_pid(const host_child *child);
void host_tell_ready(void);
int64_t host_self_pid(void);
int64_t host_self_uid(void);

#endif
