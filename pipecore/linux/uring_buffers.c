/* Buffers that the kernel chooses from when bytes come, so that an idle reading holds none. The
 * loop's thread.
 *
 * Success: a group's memory is reserved as a whole and its pages come with use; the kernel takes
 * buffers in the order in which they were given. A completion names one; it goes back after the
 * routine that looked at it. Failures: no memory, or the kernel refuses the registration (errno
 * tells). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../src/check.h"
#include "system.h"
#include "uring.h"

enum {
  COUNT_FIRST = 64,
  COUNT_MIN = 8,
  COUNT_MAX = 1024,
  GROUPS_MAX = 1024,
  MULTISHOT_BUFFERS = 32,                /* what a multishot takes in one go (Linux 6.18)       */
  MESSAGE_GROUP_BYTES = 96 * 1024 * 1024 /* virtual memory of a group; its pages come with use */
};

static void *pages_map(size_t size) {
  void *memory =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

static size_t group_memory_bytes(const uring_group *group) {
  return (size_t)group->stride_bytes * group->count;
}

static size_t group_ring_bytes(const uring_group *group) {
  return sizeof(struct io_uring_buf) * group->count;
}

static void group_free(uring_group *group) {
  if (group->memory) {
    munmap(group->memory, group_memory_bytes(group));
  }
  if (group->ring) {
    munmap(group->ring, group_ring_bytes(group));
  }
  free(group->buffers);
  free(group);
}

static uint8_t *buffer_memory(const uring_buffer *buffer) {
  const uring_group *group = buffer->group;
  return group->memory + (size_t)(buffer - group->buffers) * group->stride_bytes;
}

void pc_uring_buffer_give(uring_buffer *buffer) {
  uring_group *group = buffer->group;
  if (!group) {
    free(buffer);
    return;
  }
  buffer->is_away = false;
  group->free_count++;
  io_uring_buf_ring_add(group->ring, buffer_memory(buffer), group->size_bytes,
                        (unsigned short)(buffer - group->buffers),
                        io_uring_buf_ring_mask(group->count), 0);
  io_uring_buf_ring_advance(group->ring, 1);
}

static void group_give(uring_group *group, uint32_t count) {
  while (group->live_count < count) {
    uring_buffer *buffer = &group->buffers[group->live_count++];
    buffer->group = group;
    pc_uring_buffer_give(buffer);
  }
}

bool pc_uring_group_grow(uring_group *group) {
  uint32_t doubled = group->live_count * 2;
  bool has_more = group->live_count < group->count;
  group_give(group, doubled < group->count ? doubled : group->count);
  return has_more;
}

/* ---- those who found none ---- */

void pc_uring_starve(uring_channel *channel) {
  uring_group *group = channel->group;
  channel->is_starved = true;
  channel->starved_next = NULL;
  channel->starved_previous = group->starved_last;
  *(group->starved_last ? &group->starved_last->starved_next : &group->starved_first) = channel;
  group->starved_last = channel;
}

void pc_uring_unstarve(uring_channel *channel) {
  if (!channel->is_starved) {
    return;
  }
  uring_group *group = channel->group;
  uring_channel *previous = channel->starved_previous;
  uring_channel *next = channel->starved_next;
  channel->is_starved = false;
  *(previous ? &previous->starved_next : &group->starved_first) = next;
  *(next ? &next->starved_previous : &group->starved_last) = previous;
}

bool pc_uring_groups_feed(pc_backend_state *state) {
  bool has_more = false;
  uint32_t told_soon = io_uring_cq_ready(&state->ring); /* each may be a buffer that is taken */
  for (uring_group *group = state->groups; group; group = group->next) {
    uint32_t left = group->free_count > told_soon ? group->free_count - told_soon : 0;
    while (group->starved_first && left > 0) {
      uring_channel *channel = group->starved_first;
      pc_uring_unstarve(channel);
      pc_uring_list(state, &channel->source);
      uint32_t taken = channel->is_multishot ? MULTISHOT_BUFFERS : 1;
      left -= left < taken ? left : taken;
    }
    has_more |= group->starved_first && group->free_count > 0;
  }
  return has_more;
}

/* ---- groups ---- */

/* An id that no group has. */
static uint16_t group_id(const pc_backend_state *state) {
  for (uint16_t id = 1;; id++) {
    const uring_group *group = state->groups;
    while (group && group->id != id) {
      group = group->next;
    }
    if (!group) {
      return id;
    }
  }
}

static uint32_t group_count(size_t stride, size_t limit_bytes) {
  uint32_t count = COUNT_MAX;
  while (count > COUNT_MIN && count * stride > limit_bytes) {
    count /= 2;
  }
  return count;
}

int pc_uring_group_enroll(pc_backend_state *state, uring_group *group) {
  struct io_uring_buf_reg registration = {
      .ring_addr = (uintptr_t)group->ring, .ring_entries = group->count, .bgid = group->id};
  io_uring_buf_ring_init(group->ring);
  group->free_count = 0;
  for (uint32_t index = 0; index < group->live_count; index++) {
    if (!group->buffers[index].is_away) {
      pc_uring_buffer_give(&group->buffers[index]);
    }
  }
  return -io_uring_register_buf_ring(&state->ring, &registration, 0);
}

static uring_group *group_create(pc_backend_state *state, size_t size, size_t limit_bytes) {
  uring_group *group = calloc(1, sizeof *group);
  if (!group) {
    errno = ENOMEM;
    return NULL;
  }
  /* Not a multiple of the page: the beginnings of all buffers would meet in the same few cache
   * lines. */
  size_t stride = (size + 63) & ~(size_t)63;
  stride += stride % 4096 == 0 ? 64 : 0;
  group->size_bytes = (uint32_t)size;
  group->stride_bytes = (uint32_t)stride;
  group->count = group_count(stride, limit_bytes);
  group->id = group_id(state);
  group->buffers = calloc(group->count, sizeof *group->buffers);
  group->ring = pages_map(group_ring_bytes(group));
  group->memory = pages_map(group_memory_bytes(group));
  bool has_memory = group->buffers && group->ring && group->memory;
  int native = has_memory ? pc_uring_group_enroll(state, group) : ENOMEM;
  if (native != 0) {
    group_free(group);
    errno = native;
    return NULL;
  }
  group_give(group, COUNT_FIRST < group->count ? COUNT_FIRST : group->count);
  group->next = state->groups;
  state->groups = group;
  return group;
}

uring_group *pc_uring_group_use(pc_backend_state *state, size_t size, size_t limit_bytes) {
  uring_group *group = state->groups;
  unsigned count = 0;
  while (group && group->size_bytes != size) {
    group = group->next;
    count++;
  }
  if (!group && count < GROUPS_MAX) {
    group = group_create(state, size, limit_bytes);
  }
  if (group) {
    group->users++;
  }
  return group;
}

uring_group *pc_uring_message_group_use(pc_backend_state *state, uint32_t max_message_bytes,
                                        pc_failure *out_failure) {
  size_t size = sizeof(struct io_uring_recvmsg_out) + PC_LINUX_CONTROL_BYTES;
  uring_group *group = pc_uring_group_use(state, size + max_message_bytes, MESSAGE_GROUP_BYTES);
  if (!group) {
    *out_failure = (pc_failure){.status = pc_linux_status(errno),
                                .native = errno,
                                .action = "register buffers",
                                .advice = "lower max_message_bytes, or use the epoll backend"};
  }
  return group;
}

void pc_uring_group_release(pc_backend_state *state, uring_group *group) {
  PC_CHECK(group->users > 0);
  if (--group->users > 0) {
    return;
  }
  uring_group **link = &state->groups;
  while (*link != group) {
    link = &(*link)->next;
  }
  *link = group->next;
  PC_CHECK(io_uring_unregister_buf_ring(&state->ring, group->id) == 0);
  group_free(group);
}

void pc_uring_groups_fini(pc_backend_state *state) {
  while (state->groups) {
    uring_group *next = state->groups->next;
    group_free(state->groups);
    state->groups = next;
  }
}

uring_buffer *pc_uring_buffer_take(uring_group *group, uint32_t completion_flags) {
  uint32_t index = completion_flags >> IORING_CQE_BUFFER_SHIFT;
  PC_CHECK(index < group->live_count && !group->buffers[index].is_away);
  uring_buffer *buffer = &group->buffers[index];
  buffer->is_away = true;
  group->free_count--;
  buffer->next = NULL;
  buffer->data = buffer_memory(buffer);
  return buffer;
}

uring_buffer *pc_uring_buffer_copy(uring_buffer *buffer) {
  uring_buffer *copy = malloc(sizeof *copy + buffer->size_bytes);
  if (!copy) {
    return NULL;
  }
  uint8_t *data = (uint8_t *)(copy + 1);
  memcpy(data, buffer->data, buffer->size_bytes);
  *copy = *buffer;
  copy->group = NULL;
  copy->data = data;
  pc_uring_buffer_give(buffer);
  return copy;
}
