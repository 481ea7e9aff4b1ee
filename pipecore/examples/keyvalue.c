/* A file of keys and values that many clients change at once, and that needs no lock: one thread
 * owns it.
 *
 *   keyvalue PATH FILE          then:  echo 'add visits 1' | socat - UNIX-CONNECT:PATH
 *
 * A line is a request: "set KEY VALUE", "get KEY", "add KEY NUMBER" (answers the sum). Each change
 * is a line at the end of FILE before it is answered; the last line of a key counts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipecore/server.h"

enum { ENTRIES_MAX = 1000, KEY_BYTES = 32, VALUE_BYTES = 200, LINE_BYTES = 256 };

typedef struct key_value {
  char key[KEY_BYTES];
  char value[VALUE_BYTES];
} key_value;

static key_value entries[ENTRIES_MAX];
static unsigned entry_count;
static FILE *file;

/* NULL: not there, and there is no wish or no room for it. */
static key_value *entry_find(const char *key, bool is_new_welcome) {
  for (unsigned index = 0; index < entry_count; index++) {
    if (strcmp(entries[index].key, key) == 0) {
      return &entries[index];
    }
  }
  if (!is_new_welcome || entry_count == ENTRIES_MAX) {
    return NULL;
  }
  snprintf(entries[entry_count].key, KEY_BYTES, "%s", key);
  return &entries[entry_count++];
}

static const char *entry_change(const char *key, const char *value) {
  key_value *entry = entry_find(key, true);
  if (!entry) {
    return "full";
  }
  if (fprintf(file, "%s %s\n", key, value) < 0 || fflush(file) != 0) {
    return "not written";
  }
  snprintf(entry->value, VALUE_BYTES, "%s", value);
  return entry->value;
}

static const char *request_answer(const char *request) {
  char verb[8];
  char key[KEY_BYTES];
  char value[VALUE_BYTES] = "";
  int words = sscanf(request, "%7s %31s %199[^\n]", verb, key, value);
  const key_value *entry = words >= 2 ? entry_find(key, false) : NULL;
  if (words == 2 && strcmp(verb, "get") == 0) {
    return entry ? entry->value : "absent";
  }
  if (words == 3 && strcmp(verb, "set") == 0) {
    return entry_change(key, value);
  }
  if (words == 3 && strcmp(verb, "add") == 0) {
    long long sum = (entry ? atoll(entry->value) : 0) + atoll(value);
    snprintf(value, sizeof value, "%lld", sum);
    return entry_change(key, value);
  }
  return "set KEY VALUE, get KEY or add KEY NUMBER";
}

static pc_status on_message(pc_session *session, const pc_message *message, void *user) {
  (void)user;
  char request[LINE_BYTES + 1];
  snprintf(request, sizeof request, "%.*s", (int)message->size_bytes, (const char *)message->data);
  const char *answer = request_answer(request);
  if (pc_session_write(session, answer, (uint32_t)strlen(answer), 0) != PC_OK) {
    pc_session_close(session, false); /* it asks and asks, and reads no answer */
  }
  return PC_OK;
}

static bool file_open(const char *path) {
  char key[KEY_BYTES];
  char value[VALUE_BYTES];
  file = fopen(path, "a+e");
  while (file && fscanf(file, "%31s %199[^\n]", key, value) == 2) {
    key_value *entry = entry_find(key, true);
    if (entry) {
      snprintf(entry->value, VALUE_BYTES, "%s", value);
    }
  }
  return file != NULL;
}

int main(int argc, char **argv) {
  if (argc != 3 || !file_open(argv[2])) {
    fprintf(stderr, "keyvalue PATH FILE: cannot open the file\n");
    return 1;
  }
  pc_server_options options = {.path = argv[1],
                               .type = PC_TYPE_BYTE,
                               .framing = PC_FRAMING_LINE,
                               .limits = {.max_message_bytes = LINE_BYTES},
                               .security = {.uid = -1, .gid = -1},
                               .on.session.on_message = on_message};
  pc_loop_options loop_options = {.strategy = PC_STRATEGY_COMPLETION};
  pc_loop *loop;
  pc_server *server;
  pc_status status = pc_loop_create(&loop_options, &loop);
  if (status == PC_OK && (status = pc_server_start(loop, &options, &server, NULL)) == PC_OK) {
    printf("ready\n");
    fflush(stdout);
    status = pc_loop_run(loop); /* until a signal ends it */
  }
  fprintf(stderr, "keyvalue: %s\n", pc_status_text(status));
  return 1;
}
