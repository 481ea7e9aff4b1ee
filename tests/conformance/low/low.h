/* The conformance suite of the low level (instance.h, event.h): the cases of the table in
 * ../README.md, each run with every form of operation that it makes sense for. One program for each
 * form: form_threads.c, form_overlapped.c, form_completion.c.
 *
 * A case is written once, in operations: `read_begin` starts one in the form under test,
 * `operation_end` waits for its end. What holds for every operation is checked for every one, at
 * the end of a case: it was over exactly once, if it began, and never otherwise; its routine ran on
 * the thread that issued it, in an alertable wait, and not inside the call. Nothing here calls the
 * system but by host.h. */
#ifndef TESTS_CONFORMANCE_LOW_LOW_H
#define TESTS_CONFORMANCE_LOW_LOW_H

#include "test.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "host.h"
#include "pipecore/event.h"
#include "pipecore/instance.h"
#include "slow.h"

#define DEADLINE_MS (20000 * test_scale())
enum { INSTANCES_MAX = 1024, KILOBYTE = 1024 };

/* ---- operations ---- */
typedef enum operation_kind {
  OPERATION_CONNECT,
  OPERATION_READ,
  OPERATION_WRITE,
  OPERATION_TRANSACT
} operation_kind;

typedef struct low_fixture low_fixture;
typedef struct low_operation low_operation;
struct low_operation {
  pc_overlapped overlapped; /* first: a routine finds its operation by it */
  low_fixture *fixture;
  pc_event
      *event; /* set when it is over; of the completion form, only where there is no *_ex call */
  operation_kind kind;
  pc_instance *instance;
  uint8_t *data; /* read into, or written; its own memory, of exactly `size` bytes */
  uint32_t size;
  uint8_t *reply; /* of a transaction */
  uint32_t reply_size;
  pc_status issued; /* what the call itself said; of the threads form: PC_PENDING */
  pc_status status; /* its result */
  uint32_t bytes;
  bool is_ended;          /* the case has its result */
  atomic_uint over_count; /* how often it was told */
  unsigned number;        /* the how-manieth that was told of all: 1, 2, … */
  uintptr_t issuer;
  const char *wrong;                         /* what should not have been */
  host_thread *thread;                       /* of the threads form, until it is joined */
  void (*on_over)(low_operation *operation); /* of the completion form: called by the routine */
  void *user;
  low_operation *next;
};

typedef enum form_bit {
  THREADS = 1,
  OVERLAPPED = 2,
  COMPLETION = 4,
  ASYNCHRONOUS = OVERLAPPED | COMPLETION,
  ALL_FORMS = THREADS | ASYNCHRONOUS
} form_bit;

/* What a program that runs the suite defines. */
typedef struct low_form {
  const char *name;
  form_bit bit;
  /* Starts it. What it answers is `issued`. */
  pc_status (*begin)(low_operation *operation);
  /* Starts it and waits for its end; `status` and `bytes` are its result. */
  void (*perform)(low_operation *operation);
  /* Waits until one of them is over; false: not within `timeout_ms`. Runs routines that are due. */
  bool (*wait_any)(low_operation *const *operations, uint32_t count, int timeout_ms);
  bool (*is_over)(low_operation *operation); /* as things stand; runs no routine */
  /* One that is not over is seen to wait: all that it does by itself is done. */
  bool (*is_waiting)(low_operation *operation);
  /* Takes the result of one that is over. */
  void (*take)(low_operation *operation);
} low_form;
extern const low_form form;

/* ---- the fixture: every case has one, also when it fails ---- */
struct low_fixture {
  char folder[HOST_PATH_BYTES];
  char path[HOST_PATH_BYTES];
  pc_pipe_options options; /* of server_create; with `path`, message type */
  pc_instance *instances[INSTANCES_MAX];
  unsigned instance_count;
  _Atomic(low_operation *) operations; /* all that were ever begun */
  atomic_uint told;                    /* operations told as over  */
};

/* ---- low.c ---- */
pc_instance *server_create(low_fixture *fixture);
pc_instance *client_open(low_fixture *fixture);
/* Of another call: closed when the case ends. */
void instance_keep(low_fixture *fixture, pc_instance *instance);
void instance_close(low_fixture *fixture, pc_instance *instance);

typedef struct low_pair {
  pc_instance *server;
  pc_instance *client;
} low_pair;
/* A server's end and the client that it is connected with, of this type. */
low_pair pair_create(low_fixture *fixture, pc_type type);
/* The same of what fixture->options say. */
low_pair pair_connect(low_fixture *fixture);

/* A thread of a case. Its operations are over when it ends. */
host_thread *thread_start(void (*run)(void *user), void *user);

/* ---- operation.c ---- */
low_operation *connect_begin(low_fixture *fixture, pc_instance *instance);
low_operation *read_begin(low_fixture *fixture, pc_instance *instance, uint32_t capacity);
low_operation *write_begin(low_fixture *fixture, pc_instance *instance, const void *data,
                           uint32_t size);
low_operation *transact_begin(low_fixture *fixture, pc_instance *instance, const char *request,
                              uint32_t capacity);
/* Waits for the end, on the thread that began it; fails the test at the deadline. */
pc_status operation_end(low_operation *operation);
/* A look. What was begun and seen so is ended, too. */
bool operation_is_over(low_operation *operation);
/* Whether it waits for something: at once for the asynchronous forms, after a while for threads. */
bool operation_pends(low_operation *operation);
/* Waits until one of them is over, and says which one. */
uint32_t operations_end_any(low_operation *const *operations, uint32_t count);

/* The same, begun and waited for. The operation is the fixture's. */
pc_status connect_now(low_fixture *fixture, pc_instance *instance);
low_operation *read_now(low_fixture *fixture, pc_instance *instance, uint32_t capacity);
low_operation *write_now(low_fixture *fixture, pc_instance *instance, const void *data,
                         uint32_t size);
low_operation *transact_now(low_fixture *fixture, pc_instance *instance, const char *request,
                            uint32_t capacity);

/* Results, in the words of a case. */
void expect_result(low_operation *operation, pc_status status, const void *data, size_t size);
void expect_text(low_operation *operation, pc_status status, const char *text);
void read_expect(low_fixture *fixture, pc_instance *instance, const char *text);
void write_text(low_fixture *fixture, pc_instance *instance, const char *text);
pc_status read_status(low_fixture *fixture, pc_instance *instance);
pc_status write_status(low_fixture *fixture, pc_instance *instance);
/* Writes `size` bytes again and again until one write waits; that one is last. */
enum { FILL_MAX = 4096 };
typedef struct write_fill {
  low_operation *writes[FILL_MAX];
  unsigned count;
} write_fill;
void fill_until_pending(low_fixture *fixture, pc_instance *instance, uint32_t size,
                        write_fill *out_fill);

/* An alertable wait of this thread: PC_COMPLETION or PC_E_TIMEOUT. All of the suite go through it
 * or wait_events, so that a routine knows whether it runs inside one. */
pc_status wait_alertably(int timeout_ms);
pc_status wait_events(pc_event *const *events, uint32_t count, int timeout_ms, bool is_alertable,
                      uint32_t *out_index);
pc_status wait_set(pc_wait_set *set, int timeout_ms, bool is_alertable, void **out_user);
/* pc_alertable_leave; threads of thread_start do it at their end. */
void alertable_leave(void);
/* How many alertable waits of this thread are inside one another, now; and whether it is inside a
 * call that starts an operation. */
unsigned alertable_depth(void);
bool is_issuing(void);
/* Alertable or not, as the form has it, until the condition holds; fails the test at the
 * deadline. */
#define WAIT_UNTIL(condition)                                         \
  do {                                                                \
    uint64_t wait_deadline = host_clock_ms() + (uint64_t)DEADLINE_MS; \
    while (!(condition)) {                                            \
      (void)wait_alertably(1);                                        \
      if (host_clock_ms() > wait_deadline) {                          \
        fail_msg("not within %d ms: %s", DEADLINE_MS, #condition);    \
      }                                                               \
    }                                                                 \
  } while (0)

/* Checks what holds for all that were begun, which must be over, and frees them. */
void operations_forget(low_fixture *fixture);
/* At the end of a case: the same, after closing the instances and waiting for what is pending. */
void operations_settle(low_fixture *fixture);
/* For the forms: makes the call (a routine: of the *_ex kind); and, it was told as over, once
 * more. */
pc_status operation_issue(low_operation *operation, pc_overlapped *overlapped,
                          pc_completion_routine routine, uint32_t *out_bytes);
void operation_told(low_operation *operation);

/* Bytes that tell by their content where they belong. */
void pattern_fill(uint8_t *data, size_t size, uint32_t seed);

/* ---- the cases, by subject; each list ends with {NULL} ---- */
typedef struct low_case {
  const char *name;
  void (*run)(void **state);
  unsigned forms;
} low_case;
#define LOW_CASE(function, forms) \
  { #function, function, forms }

extern const low_case cases_calls[];
extern const low_case cases_cancel[];
extern const low_case cases_completion[];
extern const low_case cases_connect[];
extern const low_case cases_create[];
extern const low_case cases_event[];
extern const low_case cases_flush[];
extern const low_case cases_full[];
extern const low_case cases_many[];
extern const low_case cases_process[];
extern const low_case cases_read[];
extern const low_case cases_state[];
extern const low_case cases_write[];

/* What a child process does (host_child_start); returns its exit code. */
typedef struct low_role {
  const char *name;
  int (*run)(const char *path);
} low_role;
extern const low_role low_roles[];

#endif
