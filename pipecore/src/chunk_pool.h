/* Chunks of memory that sessions borrow while bytes wait, so that a message costs no malloc and an
 * idle session holds none. Their sizes are powers of two; a bounded amount of free ones is kept.
 * The loop's thread. */
#ifndef PIPECORE_SRC_CHUNK_POOL_H
#define PIPECORE_SRC_CHUNK_POOL_H

#include <stddef.h>

enum {
  PC_CHUNK_BYTES = 4096, /* the smallest */
  PC_CHUNK_SIZES = 6,    /* up to what is left of a read; larger ones are not kept */
  PC_CHUNK_POOL_KEEP_BYTES = 1 << 20
};

typedef struct pc_chunk_pool {
  void *free[PC_CHUNK_SIZES]; /* by size: a list through the first word of each */
  size_t free_bytes;
  unsigned borrowed_count;
} pc_chunk_pool;

void pc_chunk_pool_fini(pc_chunk_pool *pool);
/* `size`: PC_CHUNK_BYTES, or so much doubled. NULL: no memory. */
void *pc_chunk_pool_take(pc_chunk_pool *pool, size_t size);
/* With the size that it was taken by. */
void pc_chunk_pool_give(pc_chunk_pool *pool, void *chunk, size_t size);

#endif
