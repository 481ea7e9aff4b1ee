/* An intrusive doubly linked list. A list and a link of zeros are empty and linked nowhere. Pure;
 * the owner's thread, or under its lock. */
#ifndef PIPECORE_SRC_LIST_H
#define PIPECORE_SRC_LIST_H

#include <stddef.h>

typedef struct pc_link pc_link;
struct pc_link {
  pc_link *next;
  pc_link *previous;
};

typedef struct pc_list {
  pc_link *first;
  pc_link *last;
} pc_list;

static inline void pc_list_append(pc_list *list, pc_link *link) {
  link->next = NULL;
  link->previous = list->last;
  *(list->last ? &list->last->next : &list->first) = link;
  list->last = link;
}

static inline void pc_list_remove(pc_list *list, pc_link *link) {
  *(link->previous ? &link->previous->next : &list->first) = link->next;
  *(link->next ? &link->next->previous : &list->last) = link->previous;
}

#endif
