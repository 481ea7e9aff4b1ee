/* Timers in order of their deadline. Pure: time is an argument. HTTP thread.
 *
 * A new one is looked for its place from the end: where all wait equally long, as in each of the
 * server's lists, that is no search at all. */
#ifndef WEB_SRC_TIMER_LIST_H
#define WEB_SRC_TIMER_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "web/server.h"

typedef struct web_timer_list {
  web_timer *first, *last;
} web_timer_list;

/* `timer` must not be in a list. */
void web_timer_list_insert(web_timer_list *list, web_timer *timer, uint64_t deadline_ns);
/* Nothing happens if it is in none. */
void web_timer_list_remove(web_timer_list *list, web_timer *timer);
bool web_timer_is_running(const web_timer *timer);
/* Runs those that are due; each is out of the list before its routine. */
void web_timer_list_run(web_timer_list *list, uint64_t now_ns);
/* UINT64_MAX: none. */
uint64_t web_timer_list_deadline(const web_timer_list *list);

#endif
