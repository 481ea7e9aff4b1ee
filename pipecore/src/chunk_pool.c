/* The chunk pool: a free list for each size before malloc. The loop's thread. */
#include "chunk_pool.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

/* Where chunks of this size are kept; PC_CHUNK_SIZES: nowhere. */
static size_t size_rank(size_t size) {
  size_t rank = 0;
  while (rank < PC_CHUNK_SIZES && (size_t)PC_CHUNK_BYTES << rank < size) {
    rank++;
  }
  return rank;
}

static void *list_pop(void **list) {
  void *chunk = *list;
  if (chunk) {
    memcpy(list, chunk, sizeof *list);
  }
  return chunk;
}

void pc_chunk_pool_fini(pc_chunk_pool *pool) {
  PC_CHECK(pool->borrowed_count == 0);
  for (size_t rank = 0; rank < PC_CHUNK_SIZES; rank++) {
    for (void *chunk; (chunk = list_pop(&pool->free[rank])) != NULL;) {
      free(chunk);
    }
  }
  pool->free_bytes = 0;
}

void *pc_chunk_pool_take(pc_chunk_pool *pool, size_t size) {
  size_t rank = size_rank(size);
  void *chunk = rank < PC_CHUNK_SIZES ? list_pop(&pool->free[rank]) : NULL;
  if (chunk) {
    pool->free_bytes -= size;
  } else {
    chunk = malloc(size);
  }
  pool->borrowed_count += chunk != NULL;
  return chunk;
}

void pc_chunk_pool_give(pc_chunk_pool *pool, void *chunk, size_t size) {
  size_t rank = size_rank(size);
  PC_CHECK(pool->borrowed_count > 0);
  pool->borrowed_count--;
  if (rank == PC_CHUNK_SIZES || pool->free_bytes + size > PC_CHUNK_POOL_KEEP_BYTES) {
    free(chunk);
    return;
  }
  memcpy(chunk, &pool->free[rank], sizeof pool->free[rank]);
  pool->free[rank] = chunk;
  pool->free_bytes += size;
}
