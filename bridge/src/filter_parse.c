/* The filter's grammar, by recursive descent: or → and → not → term. Pure but for memory; one
 * thread at a time.
 *
 * Failures: the first thing that is wrong, with its offset. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter_private.h"
#include "web/text.h"

typedef struct filter_parser {
  br_filter *filter;
  const char *text; /* ended by NUL; a NUL inside is refused before */
  const char *at;
  unsigned depth;
  unsigned term_count; /* and negations */
  br_filter_error *error;
} filter_parser;

/* A word of the filter, with what its quotes and backslashes stood for. */
typedef struct word {
  char bytes[BR_FILTER_MAX_BYTES + 1];
  size_t size;
  const char *start; /* in the text */
  bool is_quoted;
} word;

static filter_node *expression_parse(filter_parser *parser);

__attribute__((format(printf, 3, 4))) static filter_node *
parser_refuse(filter_parser *parser, const char *at, const char *format, ...) {
  parser->error->offset = (size_t)(at - parser->text);
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(parser->error->text, sizeof parser->error->text, format, arguments);
  va_end(arguments);
  return NULL;
}

/* Terms and negations count alike, so that the nodes have room for them and for what joins them. */
static bool term_count_up(filter_parser *parser) {
  if (parser->term_count++ < BR_FILTER_MAX_TERMS) {
    return true;
  }
  parser_refuse(parser, parser->at, "a filter may have %d terms at most", BR_FILTER_MAX_TERMS);
  return false;
}

static filter_node *node_create(filter_parser *parser, filter_node_kind kind) {
  filter_node *node = &parser->filter->nodes[parser->filter->node_count++];
  *node = (filter_node){.kind = kind};
  parser->filter->has_peer_terms |= br_filter_is_of_peer(kind);
  return node;
}

static filter_node *node_join(filter_parser *parser, filter_node_kind kind, const filter_node *left,
                              const filter_node *right) {
  filter_node *node = node_create(parser, kind);
  node->of.operands.left = left;
  node->of.operands.right = right;
  return node;
}

/* ---- lexing ---- */

static bool is_blank(char byte) {
  return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool is_word_end(char byte) {
  return byte == '\0' || byte == '(' || byte == ')' || is_blank(byte);
}

static void blanks_skip(filter_parser *parser) {
  while (is_blank(*parser->at)) {
    parser->at++;
  }
}

/* Whether `keyword` stands here as a word of its own; takes it. */
static bool keyword_take(filter_parser *parser, const char *keyword) {
  size_t size = strlen(keyword);
  if (strncmp(parser->at, keyword, size) != 0 || !is_word_end(parser->at[size])) {
    return false;
  }
  parser->at += size;
  blanks_skip(parser);
  return true;
}

/* "…" with \" and \\, or all up to a blank, a parenthesis or `stop`. False: refused. */
static bool word_take(filter_parser *parser, char stop, word *out_word) {
  out_word->size = 0;
  out_word->start = parser->at;
  out_word->is_quoted = *parser->at == '"';
  if (out_word->is_quoted) {
    parser->at++;
    while (*parser->at && *parser->at != '"') {
      parser->at += parser->at[0] == '\\' && parser->at[1];
      out_word->bytes[out_word->size++] = *parser->at++;
    }
    if (!*parser->at) {
      parser_refuse(parser, out_word->start, "this quotation mark has no second one");
      return false;
    }
    parser->at++;
  } else {
    while (!is_word_end(*parser->at) && *parser->at != stop) {
      out_word->bytes[out_word->size++] = *parser->at++;
    }
  }
  out_word->bytes[out_word->size] = '\0';
  return true;
}

/* ---- terms ---- */

static filter_node *pattern_term(filter_parser *parser, filter_pattern_kind kind,
                                 const word *value) {
  if (value->size == 0) {
    return parser_refuse(parser, value->start, "nothing to look for");
  }
  char reason[128];
  filter_pattern *pattern =
      br_filter_pattern_create(kind, value->bytes, value->size, reason, sizeof reason);
  if (!pattern) {
    return parser_refuse(parser, value->start, "%s", reason);
  }
  filter_node *node = node_create(parser, FILTER_PATTERN);
  node->of.pattern = pattern;
  return node;
}

static filter_node *text_term(filter_parser *parser, const word *value) {
  return pattern_term(parser, FILTER_PATTERN_TEXT, value);
}

static filter_node *regex_term(filter_parser *parser, const word *value) {
  return pattern_term(parser, FILTER_PATTERN_REGEX, value);
}

static filter_node *hex_term(filter_parser *parser, const word *value) {
  word bytes = {.start = value->start};
  if (!web_hex_read(value->bytes, value->size, (uint8_t *)bytes.bytes, &bytes.size)) {
    return parser_refuse(parser, value->start,
                         "bytes are pairs of hexadecimal digits, as hex:0d0a");
  }
  return pattern_term(parser, FILTER_PATTERN_BYTES, &bytes);
}

static filter_node *name_term(filter_parser *parser, const word *value, filter_node_kind kind,
                              const char *advice) {
  char *name = strdup(value->bytes);
  if (!name || value->size == 0) {
    free(name);
    return parser_refuse(parser, value->start, "%s", name ? advice : "out of memory");
  }
  filter_node *node = node_create(parser, kind);
  node->of.name = name;
  return node;
}

static filter_node *pipe_term(filter_parser *parser, const word *value) {
  return name_term(parser, value, FILTER_PIPE, "name a pipe, as pipe:demo or pipe:log*");
}

static filter_node *executable_term(filter_parser *parser, const word *value) {
  return name_term(parser, value, FILTER_EXECUTABLE,
                   "name a program or its path, as executable:mpv or executable:/opt/*");
}

static filter_node *peer_term(filter_parser *parser, const word *value) {
  return name_term(parser, value, FILTER_PEER_NAME, "name a process, as peer:mpv");
}

static filter_node *unit_term(filter_parser *parser, const word *value) {
  return name_term(parser, value, FILTER_UNIT, "name a unit, as unit:cron.service");
}

static filter_node *container_term(filter_parser *parser, const word *value) {
  return name_term(parser, value, FILTER_CONTAINER, "name a container, as container:web*");
}

/* False: no number, or too large. */
static bool number_parse(const char *text, uint64_t *out_value, const char **out_end) {
  uint64_t value = 0;
  const char *at = text;
  for (; *at >= '0' && *at <= '9'; at++) {
    if (value > (UINT64_MAX - 9) / 10) {
      return false;
    }
    value = value * 10 + (uint64_t)(*at - '0');
  }
  *out_value = value;
  *out_end = at;
  return at != text;
}

static filter_node *number_term(filter_parser *parser, const word *value, filter_node_kind kind,
                                const char *advice) {
  uint64_t number;
  const char *end;
  if (!number_parse(value->bytes, &number, &end) || *end) {
    return parser_refuse(parser, value->start, "%s", advice);
  }
  filter_node *node = node_create(parser, kind);
  node->of.number = number;
  return node;
}

static filter_node *session_term(filter_parser *parser, const word *value) {
  return number_term(parser, value, FILTER_SESSION, "a session is a number, as session:7");
}

static filter_node *pid_term(filter_parser *parser, const word *value) {
  return number_term(parser, value, FILTER_PID, "a pid is a number, as pid:4711");
}

/* A number, or the user's name. */
static filter_node *uid_term(filter_parser *parser, const word *value) {
  static const char advice[] = "name a user, as uid:1000 or uid:alice";
  bool is_number = value->bytes[0] >= '0' && value->bytes[0] <= '9';
  return is_number ? number_term(parser, value, FILTER_UID, advice)
                   : name_term(parser, value, FILTER_USER, advice);
}

typedef struct named_value {
  const char *name;
  uint32_t value;
} named_value;

static filter_node *named_term(filter_parser *parser, const word *value, filter_node_kind kind,
                               const named_value *values, const char *advice) {
  for (; values->name; values++) {
    if (strcmp(values->name, value->bytes) == 0) {
      filter_node *node = node_create(parser, kind);
      node->of.value = values->value;
      return node;
    }
  }
  return parser_refuse(parser, value->start, "%s", advice);
}

static filter_node *direction_term(filter_parser *parser, const word *value) {
  static const named_value values[] = {
      {"c2s", BR_DIRECTION_C2S}, {"s2c", BR_DIRECTION_S2C}, {NULL, 0}};
  return named_term(parser, value, FILTER_DIRECTION, values, "a direction is c2s or s2c");
}

static filter_node *kind_term(filter_parser *parser, const word *value) {
  static const named_value values[] = {{"opened", BR_EVENT_OPENED},
                                       {"message", BR_EVENT_MESSAGE},
                                       {"closed", BR_EVENT_CLOSED},
                                       {"injected", BR_EVENT_INJECTED},
                                       {"error", BR_EVENT_ERROR},
                                       {"dropped", BR_EVENT_DROPPED},
                                       {"pipe_added", BR_EVENT_PIPE_ADDED},
                                       {"pipe_changed", BR_EVENT_PIPE_CHANGED},
                                       {"pipe_removed", BR_EVENT_PIPE_REMOVED},
                                       {NULL, 0}};
  return named_term(parser, value, FILTER_KIND, values,
                    "a kind is opened, message, closed, injected, error, dropped, pipe_added, "
                    "pipe_changed or pipe_removed");
}

static filter_node *flag_term(filter_parser *parser, const word *value) {
  static const named_value values[] = {{"incomplete", BR_FLAG_INCOMPLETE},
                                       {"reply", BR_FLAG_REPLY},
                                       {"private", BR_FLAG_PRIVATE},
                                       {NULL, 0}};
  return named_term(parser, value, FILTER_FLAG, values, "a flag is incomplete, reply or private");
}

/* ---- size, which can be compared ---- */

static filter_node *size_parse(filter_parser *parser) {
  static const struct {
    const char *sign;
    bool has_minimum, has_maximum;
    uint64_t above; /* how far from the number the range begins or ends */
  } comparisons[] = {{">=", true, false, 0}, {"<=", false, true, 0}, {">", true, false, 1},
                     {"<", false, true, 1},  {":", true, true, 0},   {"=", true, true, 0}};
  size_t index = 0;
  while (strncmp(parser->at, comparisons[index].sign, strlen(comparisons[index].sign)) != 0) {
    index++; /* the caller saw that one of them is there */
  }
  parser->at += strlen(comparisons[index].sign);
  const char *start = parser->at;
  uint64_t number = 0;
  const char *end;
  if (!number_parse(start, &number, &end)) {
    return parser_refuse(parser, start, "a size is a number of bytes, as size>=100 or size<4k");
  }
  unsigned shift = *end == 'k' ? 10 : *end == 'm' ? 20 : 0;
  end += shift != 0;
  uint64_t bytes = number << shift;
  bool is_empty = comparisons[index].above && comparisons[index].has_maximum && bytes == 0;
  if (!is_word_end(*end) || number > UINT32_MAX || is_empty) {
    return parser_refuse(parser, start, "a size is a number of bytes, as size>=100 or size<4k");
  }
  parser->at = end;
  filter_node *node = node_create(parser, FILTER_SIZE);
  node->of.size.minimum = comparisons[index].has_minimum ? bytes + comparisons[index].above : 0;
  node->of.size.maximum =
      comparisons[index].has_maximum ? bytes - comparisons[index].above : UINT64_MAX;
  return node;
}

/* ---- key:value ---- */

typedef filter_node *(*term_maker)(filter_parser *parser, const word *value);

static const struct {
  const char *key;
  term_maker make;
  bool is_list; /* a comma separates what it may be */
} term_table[] = {{"pipe", pipe_term, true},
                  {"session", session_term, true},
                  {"direction", direction_term, false},
                  {"kind", kind_term, true},
                  {"flag", flag_term, true},
                  {"text", text_term, false},
                  {"hex", hex_term, false},
                  {"regex", regex_term, false},
                  {"pid", pid_term, true},
                  {"uid", uid_term, true},
                  {"peer", peer_term, true},
                  {"executable", executable_term, true},
                  {"unit", unit_term, true},
                  {"container", container_term, true}};

/* One or more values with a comma between them: any of them will do. */
static filter_node *values_parse(filter_parser *parser, term_maker make, bool is_list) {
  filter_node *left = NULL;
  do {
    parser->at += left != NULL; /* the comma */
    word value;
    if ((left && !term_count_up(parser)) || !word_take(parser, is_list ? ',' : '\0', &value)) {
      return NULL;
    }
    filter_node *right = make(parser, &value);
    if (!right) {
      return NULL;
    }
    left = left ? node_join(parser, FILTER_OR, left, right) : right;
  } while (is_list && *parser->at == ',');
  if (!is_word_end(*parser->at)) {
    return parser_refuse(parser, parser->at, "a blank is missing here");
  }
  return left;
}

/* /expression/ or /expression/i; \/ is a slash of it. */
static filter_node *slashes_parse(filter_parser *parser) {
  word value = {.start = parser->at++};
  while (*parser->at && *parser->at != '/') {
    if (parser->at[0] == '\\' && parser->at[1]) {
      if (parser->at[1] != '/') {
        value.bytes[value.size++] = '\\';
      }
      parser->at++;
    }
    value.bytes[value.size++] = *parser->at++;
  }
  if (!*parser->at) {
    return parser_refuse(parser, value.start, "this slash has no second one; quote a path");
  }
  parser->at++;
  bool is_any_case = *parser->at == 'i';
  parser->at += is_any_case;
  if (!is_word_end(*parser->at)) {
    return parser_refuse(parser, parser->at, "only i can stand behind the second slash");
  }
  return pattern_term(parser, is_any_case ? FILTER_PATTERN_REGEX_ANY_CASE : FILTER_PATTERN_REGEX,
                      &value);
}

static filter_node *key_refuse(filter_parser *parser, const char *start, size_t size) {
  return parser_refuse(parser, start,
                       "no key \"%.*s\" (pipe, session, direction, kind, flag, size, text, hex, "
                       "regex, pid, uid, peer, executable, unit, container); to look for this "
                       "text, put quotes around it",
                       size < 24 ? (int)size : 24, start);
}

static filter_node *term_parse(filter_parser *parser) {
  if (!term_count_up(parser)) {
    return NULL;
  }
  if (*parser->at == '/') {
    return slashes_parse(parser);
  }
  const char *start = parser->at;
  size_t key_size = strspn(start, "abcdefghijklmnopqrstuvwxyz");
  if (key_size == 4 && strncmp(start, "size", 4) == 0 && start[4] && strchr(":=<>", start[4])) {
    parser->at += key_size;
    return size_parse(parser);
  }
  if (key_size == 0 || (start[key_size] != ':' && start[key_size] != '=')) {
    return values_parse(parser, text_term, false);
  }
  for (size_t index = 0; index < sizeof term_table / sizeof term_table[0]; index++) {
    if (strlen(term_table[index].key) == key_size &&
        strncmp(term_table[index].key, start, key_size) == 0) {
      parser->at += key_size + 1;
      return values_parse(parser, term_table[index].make, term_table[index].is_list);
    }
  }
  return key_refuse(parser, start, key_size);
}

/* ---- operators ---- */

static filter_node *group_parse(filter_parser *parser) {
  const char *start = parser->at++;
  blanks_skip(parser);
  filter_node *inside = expression_parse(parser);
  if (inside && *parser->at != ')') {
    return parser_refuse(parser, start, "this parenthesis is not closed");
  }
  parser->at += inside != NULL;
  return inside;
}

static filter_node *unary_parse(filter_parser *parser) {
  if (++parser->depth > BR_FILTER_MAX_DEPTH) {
    return parser_refuse(parser, parser->at, "nested more than %d deep", BR_FILTER_MAX_DEPTH);
  }
  filter_node *node;
  bool is_minus = (*parser->at == '-' || *parser->at == '!') && !is_blank(parser->at[1]);
  parser->at += is_minus;
  if (is_minus || keyword_take(parser, "not")) {
    node = term_count_up(parser) ? unary_parse(parser) : NULL;
    node = node ? node_join(parser, FILTER_NOT, node, NULL) : NULL;
  } else if (*parser->at == '(') {
    node = group_parse(parser);
  } else if (is_word_end(*parser->at)) {
    node = parser_refuse(parser, parser->at, "a term is missing here");
  } else {
    node = term_parse(parser);
  }
  parser->depth--;
  return node;
}

/* Terms side by side must all hold. */
static filter_node *both_parse(filter_parser *parser) {
  filter_node *left = unary_parse(parser);
  while (left) {
    blanks_skip(parser);
    const char *before = parser->at;
    if (*parser->at == '\0' || *parser->at == ')') {
      break;
    }
    if (keyword_take(parser, "or")) {
      parser->at = before;
      break;
    }
    (void)keyword_take(parser, "and");
    filter_node *right = unary_parse(parser);
    left = right ? node_join(parser, FILTER_AND, left, right) : NULL;
  }
  return left;
}

static filter_node *expression_parse(filter_parser *parser) {
  filter_node *left = both_parse(parser);
  while (left && keyword_take(parser, "or")) {
    filter_node *right = both_parse(parser);
    left = right ? node_join(parser, FILTER_OR, left, right) : NULL;
  }
  return left;
}

bool br_filter_parse(br_filter *filter, size_t size, br_filter_error *out_error) {
  filter_parser parser = {
      .filter = filter, .text = filter->text, .at = filter->text, .error = out_error};
  *out_error = (br_filter_error){0};
  size_t length = strlen(filter->text);
  if (length != size) {
    parser_refuse(&parser, filter->text + length, "a zero byte cannot stand in a filter");
    return false;
  }
  blanks_skip(&parser);
  if (!*parser.at) {
    return true;
  }
  filter->root = expression_parse(&parser);
  if (filter->root && *parser.at == ')') {
    filter->root = parser_refuse(&parser, parser.at, "this parenthesis was never opened");
  }
  return filter->root != NULL;
}
