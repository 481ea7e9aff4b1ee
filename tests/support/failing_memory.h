/* malloc and its kin that fail on order, for one test program: its libraries are linked with
 * --wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup. One thread. */
#ifndef TESTS_SUPPORT_FAILING_MEMORY_H
#define TESTS_SUPPORT_FAILING_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* The linker's --wrap gives these names. NOLINTBEGIN(readability-identifier-naming) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
char *__wrap_strdup(const char *text);

/* NOLINTEND(readability-identifier-naming) */

/* Allocations counted from 0; those in [fail_from, fail_to) fail. */
static unsigned allocation_count;
static unsigned fail_from;
static unsigned fail_to;

static inline bool allocation_fails(void) {
  unsigned number = allocation_count++;
  return number >= fail_from && number < fail_to;
}

void *__wrap_malloc(size_t size) {
  return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
  return allocation_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size) {
  return allocation_fails() ? NULL : __real_realloc(memory, size);
}

char *__wrap_strdup(const char *text) {
  return allocation_fails() ? NULL : __real_strdup(text);
}

#endif
