/* Operations of the low level's suite: begun, ended and checked, whatever their form. On the thread
 * that began it, but for operations_settle. */
#include "low.h"

#include <stdlib.h>

enum { PENDS_AFTER_MS = 50 };

static _Thread_local unsigned depth;
static _Thread_local unsigned issuing;

unsigned alertable_depth(void) {
  return depth;
}

bool is_issuing(void) {
  return issuing > 0;
}

/* Right before a wait, and right after: in it a routine may begin and wait itself. */
static unsigned wait_enter(bool is_alertable) {
  unsigned issuing_before = issuing;
  issuing = 0;
  depth += is_alertable;
  return issuing_before;
}

static void wait_leave(bool is_alertable, unsigned issuing_before) {
  depth -= is_alertable;
  issuing = issuing_before;
}

pc_status wait_events(pc_event *const *events, uint32_t count, int timeout_ms, bool is_alertable,
                      uint32_t *out_index) {
  unsigned before = wait_enter(is_alertable);
  pc_status status = pc_wait(events, count, timeout_ms, is_alertable, out_index);
  wait_leave(is_alertable, before);
  return status;
}

pc_status wait_set(pc_wait_set *set, int timeout_ms, bool is_alertable, void **out_user) {
  unsigned before = wait_enter(is_alertable);
  pc_status status = pc_wait_set_wait(set, timeout_ms, is_alertable, out_user);
  wait_leave(is_alertable, before);
  return status;
}

pc_status wait_alertably(int timeout_ms) {
  pc_status status = wait_events(NULL, 0, timeout_ms, true, NULL);
  assert_true(status == PC_COMPLETION || status == PC_E_TIMEOUT);
  return status;
}

void alertable_leave(void) {
  unsigned before = wait_enter(true);
  pc_alertable_leave();
  wait_leave(true, before);
}

void pattern_fill(uint8_t *data, size_t size, uint32_t seed) {
  uint32_t value = seed * 2654435761u + 1;
  for (size_t index = 0; index < size; index++) {
    value = value * 1664525u + 1013904223u;
    data[index] = (uint8_t)(value >> 24);
  }
}

/* ---- what a form calls ---- */

static pc_status write_issue(low_operation *operation, pc_overlapped *overlapped,
                             pc_completion_routine routine, uint32_t *out_bytes) {
  if (routine) {
    return pc_instance_write_ex(operation->instance, operation->data, operation->size, overlapped,
                                routine);
  }
  return pc_instance_write(operation->instance, operation->data, operation->size, out_bytes,
                           overlapped);
}

static pc_status read_issue(low_operation *operation, pc_overlapped *overlapped,
                            pc_completion_routine routine, uint32_t *out_bytes) {
  if (routine) {
    return pc_instance_read_ex(operation->instance, operation->data, operation->size, overlapped,
                               routine);
  }
  return pc_instance_read(operation->instance, operation->data, operation->size, out_bytes,
                          overlapped);
}

static pc_status transact_issue(low_operation *operation, pc_overlapped *overlapped,
                                uint32_t *out_bytes) {
  return pc_instance_transact(operation->instance, operation->data, operation->size,
                              operation->reply, operation->reply_size, out_bytes, overlapped);
}

pc_status operation_issue(low_operation *operation, pc_overlapped *overlapped,
                          pc_completion_routine routine, uint32_t *out_bytes) {
  *out_bytes = 0;
  pc_status status = PC_OK;
  issuing++;
  switch (operation->kind) {
  case OPERATION_CONNECT:
    status = pc_instance_connect(operation->instance, overlapped);
    break;
  case OPERATION_READ:
    status = read_issue(operation, overlapped, routine, out_bytes);
    break;
  case OPERATION_WRITE:
    status = write_issue(operation, overlapped, routine, out_bytes);
    break;
  case OPERATION_TRANSACT:
    status = transact_issue(operation, overlapped, out_bytes);
    break;
  }
  issuing--;
  return status;
}

void operation_told(low_operation *operation) {
  if (atomic_fetch_add(&operation->over_count, 1) > 0) {
    operation->wrong = "told twice";
  }
  operation->number = atomic_fetch_add(&operation->fixture->told, 1) + 1;
}

/* ---- begin and end ---- */

static uint8_t *memory_of(uint32_t size) {
  uint8_t *memory = malloc(size > 0 ? size : 1);
  assert_non_null(memory);
  memset(memory, 0xee, size);
  return memory;
}

static low_operation *operation_create(low_fixture *fixture, operation_kind kind,
                                       pc_instance *instance, uint32_t size) {
  low_operation *operation = calloc(1, sizeof *operation);
  assert_non_null(operation);
  operation->fixture = fixture;
  operation->kind = kind;
  operation->instance = instance;
  operation->data = memory_of(size);
  operation->size = size;
  operation->issuer = host_thread_self();
  operation->next = atomic_load(&fixture->operations);
  while (!atomic_compare_exchange_weak(&fixture->operations, &operation->next, operation)) {
  }
  return operation;
}

static low_operation *begin(low_operation *operation) {
  operation->issued = form.begin(operation);
  if (operation->issued < 0) { /* nothing began: this is all there will be */
    operation->status = operation->issued;
    operation->is_ended = true;
  }
  return operation;
}

static low_operation *perform(low_operation *operation) {
  form.perform(operation);
  operation->is_ended = true;
  return operation;
}

static low_operation *read_create(low_fixture *fixture, pc_instance *instance, uint32_t capacity) {
  return operation_create(fixture, OPERATION_READ, instance, capacity);
}

static low_operation *write_create(low_fixture *fixture, pc_instance *instance, const void *data,
                                   uint32_t size) {
  low_operation *operation = operation_create(fixture, OPERATION_WRITE, instance, size);
  memcpy(operation->data, data, size);
  return operation;
}

static low_operation *transact_create(low_fixture *fixture, pc_instance *instance,
                                      const char *request, uint32_t capacity) {
  uint32_t size = (uint32_t)strlen(request);
  low_operation *operation = operation_create(fixture, OPERATION_TRANSACT, instance, size);
  memcpy(operation->data, request, size);
  operation->reply = memory_of(capacity);
  operation->reply_size = capacity;
  return operation;
}

low_operation *connect_begin(low_fixture *fixture, pc_instance *instance) {
  return begin(operation_create(fixture, OPERATION_CONNECT, instance, 0));
}

low_operation *read_begin(low_fixture *fixture, pc_instance *instance, uint32_t capacity) {
  return begin(read_create(fixture, instance, capacity));
}

low_operation *write_begin(low_fixture *fixture, pc_instance *instance, const void *data,
                           uint32_t size) {
  return begin(write_create(fixture, instance, data, size));
}

low_operation *transact_begin(low_fixture *fixture, pc_instance *instance, const char *request,
                              uint32_t capacity) {
  return begin(transact_create(fixture, instance, request, capacity));
}

pc_status connect_now(low_fixture *fixture, pc_instance *instance) {
  return perform(operation_create(fixture, OPERATION_CONNECT, instance, 0))->status;
}

low_operation *read_now(low_fixture *fixture, pc_instance *instance, uint32_t capacity) {
  return perform(read_create(fixture, instance, capacity));
}

low_operation *write_now(low_fixture *fixture, pc_instance *instance, const void *data,
                         uint32_t size) {
  return perform(write_create(fixture, instance, data, size));
}

low_operation *transact_now(low_fixture *fixture, pc_instance *instance, const char *request,
                            uint32_t capacity) {
  return perform(transact_create(fixture, instance, request, capacity));
}

static void operation_take(low_operation *operation) {
  if (!operation->is_ended) {
    form.take(operation);
    operation->is_ended = true;
  }
}

pc_status operation_end(low_operation *operation) {
  if (!operation->is_ended) {
    if (!form.wait_any(&operation, 1, DEADLINE_MS)) {
      fail_msg("an operation of kind %d is not over within %d ms", (int)operation->kind,
               DEADLINE_MS);
    }
    operation_take(operation);
  }
  return operation->status;
}

bool operation_is_over(low_operation *operation) {
  if (!operation->is_ended && form.wait_any(&operation, 1, 0)) {
    operation_take(operation);
  }
  return operation->is_ended;
}

/* Not over for a while, and asleep at its end: one that is only slow is not taken for one that
 * waits. */
bool operation_pends(low_operation *operation) {
  uint64_t deadline = host_clock_ms() + (uint64_t)DEADLINE_MS;
  while (!operation->is_ended) {
    if (form.wait_any(&operation, 1, PENDS_AFTER_MS)) {
      operation_take(operation);
    } else if (form.is_waiting(operation) && !form.is_over(operation)) {
      return true;
    }
    assert_true(host_clock_ms() < deadline);
  }
  return false;
}

uint32_t operations_end_any(low_operation *const *operations, uint32_t count) {
  uint32_t index = 0;
  while (index < count && !operations[index]->is_ended) {
    index++;
  }
  if (index == count) {
    assert_true(form.wait_any(operations, count, DEADLINE_MS));
    for (index = 0; !form.is_over(operations[index]); index++) {
    }
    operation_take(operations[index]);
  }
  return index;
}

void fill_until_pending(low_fixture *fixture, pc_instance *instance, uint32_t size,
                        write_fill *out_fill) {
  out_fill->count = 0;
  low_operation *operation;
  uint8_t *data = memory_of(size);
  do {
    assert_true(out_fill->count < FILL_MAX);
    pattern_fill(data, size, out_fill->count);
    operation = write_begin(fixture, instance, data, size);
    out_fill->writes[out_fill->count++] = operation;
  } while (!operation_pends(operation));
  free(data);
}

/* ---- results ---- */

void expect_result(low_operation *operation, pc_status status, const void *data, size_t size) {
  if (operation->status != status) {
    fail_msg("%s, not %s", pc_status_name(operation->status), pc_status_name(status));
  }
  assert_int_equal(operation->bytes, size);
  const uint8_t *got = operation->kind == OPERATION_TRANSACT ? operation->reply : operation->data;
  assert_memory_equal(got, data, size);
}

void expect_text(low_operation *operation, pc_status status, const char *text) {
  expect_result(operation, status, text, strlen(text));
}

void read_expect(low_fixture *fixture, pc_instance *instance, const char *text) {
  expect_text(read_now(fixture, instance, 256), PC_OK, text);
}

void write_text(low_fixture *fixture, pc_instance *instance, const char *text) {
  expect_text(write_now(fixture, instance, text, (uint32_t)strlen(text)), PC_OK, text);
}

pc_status read_status(low_fixture *fixture, pc_instance *instance) {
  return read_now(fixture, instance, 16)->status;
}

pc_status write_status(low_fixture *fixture, pc_instance *instance) {
  return write_now(fixture, instance, "text", 4)->status;
}

/* ---- the end of a case ---- */

/* A thread that blocks in an instance must leave it before that is closed. */
static void threads_unblock(low_fixture *fixture) {
  uint64_t deadline = host_clock_ms() + (uint64_t)DEADLINE_MS;
  for (low_operation *each = atomic_load(&fixture->operations); each; each = each->next) {
    while (each->thread && !form.is_over(each) && host_clock_ms() < deadline) {
      (void)!pc_instance_cancel(each->instance, NULL);
      host_pause_ms(1);
    }
  }
}

static void operation_check(low_operation *operation) {
  if (operation->wrong) {
    fail_msg("an operation of kind %d: %s", (int)operation->kind, operation->wrong);
  }
  assert_int_equal(atomic_load(&operation->over_count), operation->issued < 0 ? 0 : 1);
  /* reset when its result was taken */
  assert_false(operation->event && pc_event_is_set(operation->event));
}

void operations_forget(low_fixture *fixture) {
  if (form.bit == COMPLETION) {
    assert_int_equal(wait_alertably(0), PC_E_TIMEOUT); /* nothing is told again */
  }
  low_operation *each = atomic_exchange(&fixture->operations, NULL);
  while (each) {
    low_operation *next = each->next;
    assert_true(each->is_ended);
    operation_check(each);
    pc_event_destroy(each->event);
    free(each->data);
    free(each->reply);
    free(each);
    each = next;
  }
}

void operations_settle(low_fixture *fixture) {
  threads_unblock(fixture);
  for (unsigned index = 0; index < fixture->instance_count; index++) {
    pc_instance_close(fixture->instances[index]);
  }
  fixture->instance_count = 0;
  for (low_operation *each = atomic_load(&fixture->operations); each; each = each->next) {
    (void)operation_end(each);
  }
  operations_forget(fixture);
}
