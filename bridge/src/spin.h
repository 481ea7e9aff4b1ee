/* Whether a thread that has nothing to do should look again before it sleeps. Falling asleep and
 * being woken on another processor costs more than most messages do; while they come in quick
 * succession, looking is cheaper for everybody. Pure: time is an argument; one thread each. */
#ifndef BRIDGE_SRC_SPIN_H
#define BRIDGE_SRC_SPIN_H

#include <stdbool.h>
#include <stdint.h>

typedef struct br_spin {
  uint64_t limit_ns; /* what quick is, and how long it looks; 0: never */
  uint64_t busy_ns;  /* when there was something to do last            */
  uint32_t streak;   /* how often in a row the next came in time       */
} br_spin;

/* There was something to do. */
void br_spin_note(br_spin *spin, uint64_t now_ns);
bool br_spin_goes_on(const br_spin *spin, uint64_t now_ns);

#endif
