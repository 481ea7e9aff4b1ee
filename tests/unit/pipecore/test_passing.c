/* I/O for taps: descriptors come with the byte that they were sent with, messages as they were
 * sent. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "linux/descriptors.h"
#include "linux/passing.h"
#include "slow.h"

/* A sender, what passes on between two pairs of sockets, and a receiver. */
typedef struct passing_fixture {
  pc_type type;
  int sender;
  int from;
  int to;
  int receiver;
  pc_linux_passing *passing;
  pc_write_queue queue;
  pc_chunk_pool pool;
  pc_linux_batch batch;
  uint32_t lost;
} passing_fixture;

static void pair_make(pc_type type, int *out_first, int *out_second) {
  int pair[2];
  int kind = type == PC_TYPE_BYTE ? SOCK_STREAM : SOCK_SEQPACKET;
  assert_int_equal(socketpair(AF_UNIX, kind | SOCK_CLOEXEC, 0, pair), 0);
  int on = 1;
  if (type == PC_TYPE_MESSAGE) {
    assert_int_equal(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
  }
  *out_first = pair[0];
  *out_second = pair[1];
}

static passing_fixture *fixture_create(pc_type type) {
  passing_fixture *fixture = calloc(1, sizeof *fixture);
  assert_non_null(fixture);
  fixture->type = type;
  pair_make(type, &fixture->sender, &fixture->from);
  pair_make(type, &fixture->to, &fixture->receiver);
  assert_true(pc_linux_passing_ensure(&fixture->passing));
  pc_write_queue_init(&fixture->queue, type == PC_TYPE_BYTE);
  return fixture;
}

static void fixture_destroy(passing_fixture *fixture) {
  uint64_t tag;
  while (pc_write_queue_pop_any(&fixture->queue, &fixture->pool, &tag)) {
  }
  pc_chunk_pool_fini(&fixture->pool);
  pc_linux_passing_destroy(fixture->passing);
  close(fixture->sender);
  close(fixture->from);
  close(fixture->to);
  close(fixture->receiver);
  free(fixture);
}

/* A file that says which one it is. */
static int marked_file(char mark) {
  int fd = memfd_create("marked", MFD_CLOEXEC);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, &mark, 1), 1);
  return fd;
}

/* Sends with `count` files that have the marks from `mark` on. */
static void send_marked(int fd, const void *data, size_t size, char mark, unsigned count) {
  int fds[PC_LINUX_DESCRIPTORS_MAX];
  _Alignas(struct cmsghdr) uint8_t control[PC_LINUX_RIGHTS_BYTES] = {0};
  struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
  struct msghdr header = {.msg_iov = &part,
                          .msg_iovlen = 1,
                          .msg_control = control,
                          .msg_controllen = CMSG_SPACE(count * sizeof(int))};
  struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
  *rights = (struct cmsghdr){
      .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(count * sizeof(int))};
  for (unsigned index = 0; index < count; index++) {
    fds[index] = marked_file((char)(mark + (char)index));
  }
  memcpy(CMSG_DATA(rights), fds, count * sizeof(int));
  assert_int_equal(sendmsg(fd, &header, 0), size);
  for (unsigned index = 0; index < count; index++) {
    close(fds[index]);
  }
}

/* Reads at most `size` bytes; the marks of the files that came along are a text in `out_marks`. */
static ssize_t receive_marked(int fd, void *data, size_t size, char *out_marks) {
  _Alignas(struct cmsghdr) uint8_t control[PC_LINUX_RIGHTS_BYTES + CMSG_SPACE(64)];
  struct iovec part = {.iov_base = data, .iov_len = size};
  struct msghdr header = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  ssize_t received = recvmsg(fd, &header, MSG_DONTWAIT);
  size_t marks = 0;
  uint32_t lost;
  if (received >= 0) {
    for (struct cmsghdr *item = CMSG_FIRSTHDR(&header); item; item = CMSG_NXTHDR(&header, item)) {
      size_t bytes = item->cmsg_type == SCM_RIGHTS ? item->cmsg_len - CMSG_LEN(0) : 0;
      for (size_t at = 0; at < bytes; at += sizeof(int)) {
        int file;
        memcpy(&file, CMSG_DATA(item) + at, sizeof file);
        assert_int_equal(pread(file, out_marks + marks++, 1, 0), 1);
      }
    }
    pc_attachment *taken = pc_linux_descriptors_take(&header, &lost);
    if (taken) {
      taken->release(taken);
    }
  }
  out_marks[marks] = '\0';
  return received;
}

/* Reads once and queues what came. False: nothing there, or the end. */
static bool pass_read(passing_fixture *fixture, bool is_little) {
  const pc_view *views;
  uint32_t count = 0;
  pc_status status = pc_linux_passing_receive(fixture->passing, fixture->from, fixture->type,
                                              is_little, &views, &count);
  if (status == PC_AGAIN) {
    return false;
  }
  assert_int_equal(status, PC_OK);
  for (uint32_t index = 0; index < count; index++) {
    if (views[index].is_eof) {
      return false;
    }
    assert_true(views[index].is_message_end);
    fixture->lost += views[index].lost_descriptors;
    pc_write_message message = {.parts = {NULL, views[index].data, NULL},
                                .part_bytes = {0, views[index].size_bytes, 0},
                                .attachment = views[index].attachment};
    assert_true(pc_write_queue_append(&fixture->queue, &fixture->pool, &message));
  }
  return true;
}

static void pass_write(passing_fixture *fixture) {
  size_t bytes = 0;
  uint32_t messages = 0;
  uint64_t tag;
  while (fixture->queue.messages > 0) {
    pc_status status = pc_linux_passing_send(fixture->to, fixture->type, &fixture->batch,
                                             &fixture->queue, &bytes, &messages);
    if (status == PC_AGAIN) {
      return;
    }
    assert_int_equal(status, PC_OK);
    pc_write_queue_take(&fixture->queue, &fixture->pool, bytes, messages);
    while (pc_write_queue_pop_taken(&fixture->queue, &fixture->pool, &tag)) {
    }
  }
}

static void pass_all(passing_fixture *fixture) {
  while (pass_read(fixture, false)) {
    pass_write(fixture);
  }
  pass_write(fixture);
}

static unsigned open_descriptors(void) {
  unsigned count = 0;
  for (int fd = 0; fd < 1024; fd++) {
    count += fcntl(fd, F_GETFD) >= 0;
  }
  return count;
}

/* ---- cases ---- */

static void positions_check(bool is_distrusted) {
  static const size_t before[] = {0, 1, 3, 5000, 40000, 64 * 1024 - 1, 64 * 1024, 100000};
  static uint8_t plain[100000];
  for (size_t index = 0; index < sizeof before / sizeof *before; index++) {
    passing_fixture *fixture = fixture_create(PC_TYPE_BYTE);
    unsigned open_before = open_descriptors();
    if (is_distrusted) {
      pc_linux_passing_distrust(fixture->passing);
    }
    if (before[index] > 0) {
      assert_int_equal(write(fixture->sender, plain, before[index]), before[index]);
    }
    send_marked(fixture->sender, "head", 4, 'A', 2);
    assert_int_equal(write(fixture->sender, "tail", 4), 4);
    send_marked(fixture->sender, "x", 1, 'X', 1);
    pass_all(fixture);

    static uint8_t got[200000];
    char marks[256];
    size_t at = 0;
    while (at < before[index]) { /* by a reader that keeps to the sender's steps */
      ssize_t size = receive_marked(fixture->receiver, got, before[index] - at, marks);
      assert_true(size > 0);
      assert_string_equal(marks, "");
      at += (size_t)size;
    }
    assert_int_equal(receive_marked(fixture->receiver, got, 1, marks), 1);
    assert_string_equal(marks, "AB");
    assert_int_equal(receive_marked(fixture->receiver, got, 3, marks), 3);
    assert_string_equal(marks, "");
    assert_int_equal(receive_marked(fixture->receiver, got, 4, marks), 4);
    assert_memory_equal(got, "tail", 4);
    assert_string_equal(marks, "");
    assert_int_equal(receive_marked(fixture->receiver, got, 9, marks), 1);
    assert_string_equal(marks, "X");
    assert_int_equal(open_descriptors(), open_before);
    fixture_destroy(fixture);
  }
}

static void descriptors_come_with_the_byte_they_were_sent_with(void **state) {
  (void)state;
  positions_check(false);
}

static void likewise_where_a_peek_sees_only_its_bytes(void **state) {
  (void)state;
  positions_check(true);
}

static void reads_of_little_find_descriptors_too(void **state) {
  (void)state;
  static uint8_t plain[20000];
  char marks[256];
  passing_fixture *fixture = fixture_create(PC_TYPE_BYTE);
  assert_int_equal(write(fixture->sender, plain, sizeof plain), sizeof plain);
  send_marked(fixture->sender, "d", 1, 'D', 1);
  unsigned reads = 0;
  while (pass_read(fixture, true)) {
    pass_write(fixture);
    reads++;
  }
  assert_true(reads < 30);
  for (size_t at = 0; at < sizeof plain;) {
    ssize_t size = receive_marked(fixture->receiver, plain, sizeof plain - at, marks);
    assert_true(size > 0);
    assert_string_equal(marks, "");
    at += (size_t)size;
  }
  assert_int_equal(receive_marked(fixture->receiver, plain, 9, marks), 1);
  assert_string_equal(marks, "D");
  fixture_destroy(fixture);
}

static void a_large_write_has_its_descriptors_at_its_beginning(void **state) {
  (void)state;
  static uint8_t data[150000];
  char marks[256];
  passing_fixture *fixture = fixture_create(PC_TYPE_BYTE);
  for (size_t index = 0; index < sizeof data; index++) {
    data[index] = (uint8_t)(index * 31 >> 3);
  }
  send_marked(fixture->sender, data, sizeof data, 'L', 1);
  pass_all(fixture);
  static uint8_t got[sizeof data];
  size_t at = 0;
  while (at < sizeof data) {
    ssize_t size =
        receive_marked(fixture->receiver, got + at, at == 0 ? 1 : sizeof got - at, marks);
    assert_true(size > 0);
    assert_string_equal(marks, at == 0 ? "L" : "");
    at += (size_t)size;
    pass_all(fixture);
  }
  assert_memory_equal(got, data, sizeof data);
  fixture_destroy(fixture);
}

static void messages_keep_their_descriptors_their_order_and_their_sizes(void **state) {
  (void)state;
  static uint8_t large[200000];
  char marks[256];
  uint8_t got[8];
  passing_fixture *fixture = fixture_create(PC_TYPE_MESSAGE);
  unsigned open_before = open_descriptors();
  assert_int_equal(send(fixture->sender, "one", 3, 0), 3);
  send_marked(fixture->sender, "", 0, 'E', 1);
  assert_int_equal(send(fixture->sender, "", 0, 0), 0);
  send_marked(fixture->sender, "two", 3, 'T', 3);
  send_marked(fixture->sender, "2", 1, 'U', 1);
  pass_all(fixture);
  assert_int_equal(receive_marked(fixture->receiver, got, 8, marks), 3);
  assert_string_equal(marks, "");
  assert_int_equal(receive_marked(fixture->receiver, got, 8, marks), 0);
  assert_string_equal(marks, "E");
  assert_int_equal(receive_marked(fixture->receiver, got, 8, marks), 0);
  assert_string_equal(marks, "");
  assert_int_equal(receive_marked(fixture->receiver, got, 8, marks), 3);
  assert_string_equal(marks, "TUV");
  assert_int_equal(receive_marked(fixture->receiver, got, 8, marks), 1);
  assert_string_equal(marks, "U");
  assert_int_equal(send(fixture->sender, large, sizeof large, 0), sizeof large);
  pass_all(fixture);
  assert_int_equal(recv(fixture->receiver, large, sizeof large, MSG_DONTWAIT), sizeof large);
  assert_int_equal(open_descriptors(), open_before);
  fixture_destroy(fixture);
}

static void a_message_of_a_raised_send_buffer_passes(void **state) {
  (void)state;
  passing_fixture *fixture = fixture_create(PC_TYPE_MESSAGE);
  int wanted = 400000;
  socklen_t length = sizeof wanted;
  assert_int_equal(setsockopt(fixture->sender, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof wanted), 0);
  assert_int_equal(getsockopt(fixture->sender, SOL_SOCKET, SO_SNDBUF, &wanted, &length), 0);
  size_t size = (size_t)wanted - 4096;
  uint8_t *data = calloc(1, size);
  assert_non_null(data);
  memset(data, 7, size);
  assert_int_equal(send(fixture->sender, data, size, 0), size);
  memset(data, 0, size);
  pass_all(fixture);
  assert_int_equal(recv(fixture->receiver, data, size, MSG_DONTWAIT), size);
  assert_int_equal(data[size - 1], 7);
  free(data);
  fixture_destroy(fixture);
}

static void as_many_descriptors_as_a_message_can_have_pass(void **state) {
  (void)state;
  char marks[256];
  uint8_t got;
  for (int kind = 0; kind < 2; kind++) {
    passing_fixture *fixture = fixture_create(kind ? PC_TYPE_MESSAGE : PC_TYPE_BYTE);
    send_marked(fixture->sender, "m", 1, 1, PC_LINUX_DESCRIPTORS_MAX);
    pass_all(fixture);
    assert_int_equal(receive_marked(fixture->receiver, &got, 1, marks), 1);
    assert_int_equal(strlen(marks), PC_LINUX_DESCRIPTORS_MAX);
    assert_int_equal(fixture->lost, 0);
    fixture_destroy(fixture);
  }
}

static void without_room_in_the_table_descriptors_are_lost_and_counted(void **state) {
  (void)state;
  const char *preload = getenv("LD_PRELOAD");
  if (preload && strstr(preload, "vgpreload")) {
    skip(); /* valgrind keeps the limit from the kernel */
  }
  SKIP_UNDER_VALGRIND("keeps descriptors of its own and limits ours by itself");
  char marks[256];
  uint8_t got;
  for (int kind = 0; kind < 2; kind++) {
    passing_fixture *fixture = fixture_create(kind ? PC_TYPE_MESSAGE : PC_TYPE_BYTE);
    unsigned open_before = open_descriptors();
    send_marked(fixture->sender, "m", 1, 'A', 20);
    struct rlimit kept;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &kept), 0);
    int next = dup(0);
    close(next);
    struct rlimit narrow = {.rlim_cur = (rlim_t)next, .rlim_max = kept.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &narrow), 0);
    bool is_read = pass_read(fixture, false);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &kept), 0);
    assert_true(is_read);
    assert_true(fixture->lost >= 1);
    pass_write(fixture);
    assert_int_equal(receive_marked(fixture->receiver, &got, 1, marks), 1);
    assert_string_equal(marks, "");
    assert_int_equal(open_descriptors(), open_before);
    fixture_destroy(fixture);
  }
}

static void descriptors_that_never_go_out_are_closed(void **state) {
  (void)state;
  for (int kind = 0; kind < 2; kind++) {
    passing_fixture *fixture = fixture_create(kind ? PC_TYPE_MESSAGE : PC_TYPE_BYTE);
    unsigned open_before = open_descriptors();
    send_marked(fixture->sender, "m", 1, 'A', 20);
    assert_true(pass_read(fixture, false));
    assert_int_equal(open_descriptors(), open_before + 20);
    assert_int_equal(fixture->queue.attached_count, 20);
    uint64_t tag;
    assert_true(pc_write_queue_pop_any(&fixture->queue, &fixture->pool, &tag));
    assert_int_equal(open_descriptors(), open_before);
    assert_int_equal(fixture->queue.lost_count, 20);
    fixture_destroy(fixture);
  }
}

static pc_view end_read(passing_fixture *fixture) {
  const pc_view *views;
  uint32_t count = 0;
  assert_int_equal(pc_linux_passing_receive(fixture->passing, fixture->from, fixture->type, false,
                                            &views, &count),
                   PC_OK);
  assert_true(views[count - 1].is_eof);
  return views[count - 1];
}

static void a_half_close_is_told_from_a_hang_up(void **state) {
  (void)state;
  for (int kind = 0; kind < 2; kind++) {
    passing_fixture *fixture = fixture_create(kind ? PC_TYPE_MESSAGE : PC_TYPE_BYTE);
    assert_int_equal(shutdown(fixture->sender, SHUT_WR), 0);
    assert_false(end_read(fixture).is_hung_up);
    close(fixture->sender);
    assert_true(end_read(fixture).is_hung_up);
    fixture->sender = dup(fixture->to);
    fixture_destroy(fixture);
  }
}

static void what_was_said_before_a_reset_is_read(void **state) {
  (void)state;
  for (int kind = 0; kind < 2; kind++) {
    passing_fixture *fixture = fixture_create(kind ? PC_TYPE_MESSAGE : PC_TYPE_BYTE);
    assert_int_equal(send(fixture->from, "unread", 6, 0), 6);
    assert_int_equal(send(fixture->sender, "last", 4, 0), 4);
    close(fixture->sender);
    fixture->sender = dup(fixture->to);
    assert_true(pass_read(fixture, true));
    assert_true(end_read(fixture).is_hung_up);
    assert_int_equal(fixture->queue.bytes, 4);
    fixture_destroy(fixture);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(descriptors_come_with_the_byte_they_were_sent_with),
      cmocka_unit_test(likewise_where_a_peek_sees_only_its_bytes),
      cmocka_unit_test(reads_of_little_find_descriptors_too),
      cmocka_unit_test(a_large_write_has_its_descriptors_at_its_beginning),
      cmocka_unit_test(messages_keep_their_descriptors_their_order_and_their_sizes),
      cmocka_unit_test(a_message_of_a_raised_send_buffer_passes),
      cmocka_unit_test(as_many_descriptors_as_a_message_can_have_pass),
      cmocka_unit_test(without_room_in_the_table_descriptors_are_lost_and_counted),
      cmocka_unit_test(descriptors_that_never_go_out_are_closed),
      cmocka_unit_test(a_half_close_is_told_from_a_hang_up),
      cmocka_unit_test(what_was_said_before_a_reset_is_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
