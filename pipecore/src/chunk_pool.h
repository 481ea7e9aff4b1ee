/* Fixed-size chunks of memory that sessions borrow while bytes wait, so that a message costs no malloc
 * and an idle session holds none. A bounded number of free ones is kept. The loop's thread. */
#ifndef PIPECORE_SRC_CHUNK_POOL_H
#define PIPECORE_SRC_CHUNK_POOL_H

#include <stddef.h>

enum { PC_CHUNK_BYTES = 4096, PC_CHUNK_POOL_KEEP = 256 };

typedef struct pc_chunk_pool {
  void *free; /* a list through the first word of each */
  unsigned free_count;
  unsigned borrowed_count;
} pc_chunk_pool;

void pc_chunk_pool_fini(pc_chunk_pool *pool);
/* PC_CHUNK_BYTES of memory, or NULL. */
void *pc_chunk_pool_take(pc_chunk_pool *pool);
void pc_chunk_pool_give(pc_chunk_pool *pool, void *chunk);

#endif
