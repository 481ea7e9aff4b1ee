/* It is worth looking as long as looking would have paid lately: at any rate too low for that
 * nothing is spent. Pure. */
#include "spin.h"

enum { STREAK_MIN = 2 };

void br_spin_note(br_spin *spin, uint64_t now_ns) {
  bool was_in_time = now_ns - spin->busy_ns < spin->limit_ns;
  spin->streak = was_in_time ? spin->streak + 1 : 0;
  spin->busy_ns = now_ns;
}

bool br_spin_goes_on(const br_spin *spin, uint64_t now_ns) {
  return spin->streak >= STREAK_MIN && now_ns - spin->busy_ns < spin->limit_ns;
}
