/* A seccomp filter that answers one system call with an error, as containers do. Linux only. */
#ifndef TESTS_SUPPORT_REFUSE_CALL_H
#define TESTS_SUPPORT_REFUSE_CALL_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>

/* From here on and for good, in this process and its children. False: this system lets nobody
 * filter. */
static inline bool refuse_filter(struct sock_filter *filter, unsigned short count) {
  struct sock_fprog program = {.len = count, .filter = filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

static inline bool refuse_call(unsigned call, unsigned native) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (native & SECCOMP_RET_DATA)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  return refuse_filter(filter, sizeof filter / sizeof filter[0]);
}

/* Likewise, only where argument `index` (from 0) has this value in its low 32 bits. */
static inline bool refuse_call_with(unsigned call, unsigned index, unsigned value,
                                    unsigned native) {
  unsigned at = (unsigned)(offsetof(struct seccomp_data, args) + index * sizeof(uint64_t));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  at += sizeof(uint32_t);
#endif
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (native & SECCOMP_RET_DATA)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  return refuse_filter(filter, sizeof filter / sizeof filter[0]);
}

#endif
