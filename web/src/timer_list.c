/* Sorted, doubly linked timers. HTTP thread. A deadline of 0 marks a timer that is in no list. */
#include "timer_list.h"

#include "check.h"

bool web_timer_is_running(const web_timer *timer) {
  return timer->deadline_ns != 0;
}

void web_timer_list_insert(web_timer_list *list, web_timer *timer, uint64_t deadline_ns) {
  WEB_CHECK(!web_timer_is_running(timer));
  timer->deadline_ns = deadline_ns > 0 ? deadline_ns : 1;
  web_timer *before = list->last;
  while (before != NULL && before->deadline_ns > timer->deadline_ns) {
    before = before->previous;
  }
  timer->previous = before;
  timer->next = before != NULL ? before->next : list->first;
  if (timer->previous != NULL) {
    timer->previous->next = timer;
  } else {
    list->first = timer;
  }
  if (timer->next != NULL) {
    timer->next->previous = timer;
  } else {
    list->last = timer;
  }
}

void web_timer_list_remove(web_timer_list *list, web_timer *timer) {
  if (!web_timer_is_running(timer)) {
    return;
  }
  if (timer->previous != NULL) {
    timer->previous->next = timer->next;
  } else {
    list->first = timer->next;
  }
  if (timer->next != NULL) {
    timer->next->previous = timer->previous;
  } else {
    list->last = timer->previous;
  }
  timer->previous = NULL;
  timer->next = NULL;
  timer->deadline_ns = 0;
}

void web_timer_list_run(web_timer_list *list, uint64_t now_ns) {
  /* What a routine starts is due later than now, so this ends. */
  while (list->first != NULL && list->first->deadline_ns <= now_ns) {
    web_timer *timer = list->first;
    web_timer_list_remove(list, timer);
    timer->routine(timer, timer->user);
  }
}

uint64_t web_timer_list_deadline(const web_timer_list *list) {
  return list->first != NULL ? list->first->deadline_ns : UINT64_MAX;
}
