/* Child processes that are measured. Main thread. */
#ifndef TESTS_BENCH_PROCESS_H
#define TESTS_BENCH_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Starts arguments[0] with what it says in the file `log`. Fails the benchmark if it cannot. */
pid_t bench_process_start(char *const arguments[], const char *log);
/* Waits until `is_ready(user)`, asked every 2 ms; a child that ends before or takes 20 s fails the
 * benchmark, which then shows the file `log` with `name` before each line. */
void bench_process_await(pid_t pid, const char *name, const char *log, bool (*is_ready)(void *user),
                         void *user);
/* Sends it `signal_number` and waits for its end, 20 s at most, then kills it. True: it ended with
 * 0. */
bool bench_process_stop(pid_t pid, int signal_number);
void bench_process_log_show(const char *name, const char *log);

/* Whether it runs still. */
bool bench_process_is_there(pid_t pid);
uint64_t bench_process_cpu_ns(pid_t pid);       /* user and system, all its threads */
uint64_t bench_process_rss_bytes(pid_t pid);    /* now                              */
uint32_t bench_process_thread_count(pid_t pid); /* now                              */

/* Makes a folder of its own below TMPDIR or /tmp, with a short name. */
void bench_folder_make(char out_path[64]);
/* Removes it with these files; those that are not there are no matter. */
void bench_folder_remove(const char *path, const char *const *names);

/* Who shares a processor with whom shall be no matter of luck: the `number`th of those that this
 * process may use, or -1 where there are fewer than two. */
int bench_processor(unsigned number);
/* Keeps the calling thread, and what it starts, there. -1: nothing happens. */
void bench_processor_keep(int processor);
/* Raises the limit of open files as far as it goes; children inherit it. */
void bench_descriptors_raise(void);

#endif
