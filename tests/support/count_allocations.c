/* A library to preload: counts what the program takes from the allocator, of all its threads, in a
 * file that a test reads meanwhile (8 bytes, PIPEBRIDGE_ALLOCATIONS names it). Any thread.
 *
 * glibc's own entries are called, since looking them up by dlsym would allocate. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* NOLINTBEGIN(readability-identifier-naming): glibc's names */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
/* NOLINTEND(readability-identifier-naming) */

static atomic_ullong uncounted; /* before the file is there */
static atomic_ullong *counter = &uncounted;

__attribute__((constructor)) static void counter_open(void) {
  const char *path = getenv("PIPEBRIDGE_ALLOCATIONS");
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  void *shared =
      fd >= 0 ? mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
  if (shared == MAP_FAILED) {
    _exit(99); /* the test would count nothing and pass */
  }
  counter = shared;
  close(fd);
}

static void count(void) {
  atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void *malloc(size_t size) {
  count();
  return __libc_malloc(size);
}

void *calloc(size_t nmemb, size_t size) {
  count();
  return __libc_calloc(nmemb, size);
}

void *realloc(void *ptr, size_t size) {
  count();
  return __libc_realloc(ptr, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **memptr, size_t alignment, size_t size) {
  count();
  *memptr = __libc_memalign(alignment, size);
  return *memptr ? 0 : ENOMEM;
}
