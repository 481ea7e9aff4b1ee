/* The chunk pool: a free list before malloc. The loop's thread. */
#include "chunk_pool.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

void pc_chunk_pool_fini(pc_chunk_pool *pool) {
  PC_CHECK(pool->borrowed_count == 0);
  while (pool->free) {
    void *chunk = pool->free;
    memcpy(&pool->free, chunk, sizeof pool->free);
    free(chunk);
  }
  pool->free_count = 0;
}

void *pc_chunk_pool_take(pc_chunk_pool *pool) {
  void *chunk = pool->free;
  if (chunk) {
    memcpy(&pool->free, chunk, sizeof pool->free);
    pool->free_count--;
  } else {
    chunk = malloc(PC_CHUNK_BYTES);
  }
  pool->borrowed_count += chunk != NULL;
  return chunk;
}

void pc_chunk_pool_give(pc_chunk_pool *pool, void *chunk) {
  PC_CHECK(pool->borrowed_count > 0);
  pool->borrowed_count--;
  if (pool->free_count >= PC_CHUNK_POOL_KEEP) {
    free(chunk);
    return;
  }
  memcpy(chunk, &pool->free, sizeof pool->free);
  pool->free = chunk;
  pool->free_count++;
}
