/* What is wrong with a configuration: every problem with its place, one line each, in the caller's
 * bounded buffer. Start-up; one thread. */
#ifndef BRIDGE_SRC_CONFIG_PROBLEMS_H
#define BRIDGE_SRC_CONFIG_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

/* A place in the document, as a chain on the stack from the innermost part to the root (NULL). */
typedef struct br_config_place {
  const struct br_config_place *parent;
  const char *key; /* NULL: an element of a list */
  size_t index;
} br_config_place;

typedef struct br_config_problems {
  const char *where; /* the file's name; borrowed */
  char *text;        /* caller's; always terminated */
  size_t size;
  size_t used;
  size_t count;     /* all of them                        */
  size_t hidden;    /* those that no longer fitted: the last line says how many */
  bool is_one_pipe; /* places are JSON pointers (RFC 6901) into pipes[0] */
} br_config_problems;

void br_config_problems_init(br_config_problems *problems, const char *where, char *text,
                             size_t size);
/* The same for a document that is one pipe, which is read as if it were pipes[0]. */
void br_config_problems_init_pipe(br_config_problems *problems, char *text, size_t size);
/* Adds "where: place: message". `place` may be NULL: the whole document. */
void br_config_problems_add(br_config_problems *problems, const br_config_place *place,
                            const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Copies `text` for a person's terminal: at most size - 1 bytes, control characters as '?', cut
 * texts end in "...". Returns `out`. */
const char *br_config_printable(const char *text, char *out, size_t size);

#endif
