/* Reads a file like /proc/PID/cgroup. Pure; any thread.
 *
 * Each line is ID:CONTROLLERS:PATH; the one tree of cgroup version 2 has id 0 and no controllers,
 * and in version 1 systemd keeps a tree of its own by name. Source: cgroups(7), and where systemd
 * and the container engines put their processes:
 *   a unit       /system.slice/cron.service, /user.slice/…/app-firefox-1234.scope
 *   64 digits    /docker/ID, /kubepods/…/ID, …/docker-ID.scope, …/libpod-ID.scope/container
 *   a name       /lxc.payload.NAME/…, /lxc/NAME, /machine.slice/machine-NAME.scope
 * The deepest part that is one counts. Failures: none; what looks like neither is neither. */
#include "cgroup.h"

#include <string.h>

enum { CONTAINER_ID_DIGITS = 64 };

/* Bytes of a text that is not ended. */
typedef struct piece {
  const char *data;
  size_t size;
} piece;

static bool piece_equals(piece part, const char *text) {
  return part.size == strlen(text) && memcmp(part.data, text, part.size) == 0;
}

static bool piece_begins(piece part, const char *text) {
  return part.size > strlen(text) && memcmp(part.data, text, strlen(text)) == 0;
}

static bool piece_ends(piece part, const char *text) {
  size_t size = strlen(text);
  return part.size > size && memcmp(part.data + part.size - size, text, size) == 0;
}

/* What systemd allows in a name (systemd.unit(5)), as others' names of containers do. */
static bool piece_is_name(piece part) {
  static const char allowed[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.\\@";
  for (size_t index = 0; index < part.size; index++) {
    if (part.data[index] == '\0' || !strchr(allowed, part.data[index])) {
      return false;
    }
  }
  return part.size > 0;
}

/* Takes the part up to `end` (or all) off the front. */
static piece piece_take(piece *rest, char end) {
  const char *found = rest->size ? memchr(rest->data, end, rest->size) : NULL;
  piece part = {rest->data, found ? (size_t)(found - rest->data) : rest->size};
  size_t taken = part.size + (found != NULL);
  *rest = (piece){rest->data + taken, rest->size - taken};
  return part;
}

/* Nothing that does not fit is kept in part: half a name is another one. */
static void text_set(char *text, size_t capacity, piece part) {
  if (part.size < capacity) {
    memcpy(text, part.data, part.size);
    text[part.size] = '\0';
  }
}

/* "ID", "engine-ID" or "engine-ID.scope": the id. Empty: none of these. */
static piece container_id(piece part) {
  piece id = part;
  if (piece_ends(id, ".scope")) {
    id.size -= strlen(".scope");
  }
  if (id.size < CONTAINER_ID_DIGITS ||
      (id.size > CONTAINER_ID_DIGITS && id.data[id.size - CONTAINER_ID_DIGITS - 1] != '-')) {
    return (piece){part.data, 0};
  }
  id = (piece){id.data + id.size - CONTAINER_ID_DIGITS, CONTAINER_ID_DIGITS};
  for (size_t index = 0; index < id.size; index++) {
    if (!memchr("0123456789abcdef", id.data[index], 16)) {
      return (piece){part.data, 0};
    }
  }
  return id;
}

/* The container that this part of a path names. Empty: none. */
static piece container_of(piece part, piece parent) {
  piece id = container_id(part);
  if (id.size > 0) {
    return id;
  }
  if (!piece_is_name(part)) {
    return (piece){part.data, 0};
  }
  if (piece_begins(part, "lxc.payload.")) {
    size_t prefix = strlen("lxc.payload.");
    return (piece){part.data + prefix, part.size - prefix};
  }
  if (piece_begins(part, "machine-") && piece_ends(part, ".scope")) {
    size_t prefix = strlen("machine-");
    return (piece){part.data + prefix, part.size - prefix - strlen(".scope")};
  }
  bool is_lxc = piece_equals(parent, "lxc") || piece_equals(parent, "lxc.payload");
  return (piece){part.data, is_lxc ? part.size : 0};
}

static void path_read(piece path, bool has_units, pc_peer_details *details) {
  piece parent = {path.data, 0};
  while (path.size > 0) {
    piece part = piece_take(&path, '/');
    piece container = container_of(part, parent);
    if (container.size > 0) {
      text_set(details->container, sizeof details->container, container);
    }
    bool is_unit = piece_ends(part, ".service") || piece_ends(part, ".scope");
    if (has_units && is_unit && piece_is_name(part)) {
      text_set(details->unit, sizeof details->unit, part);
    }
    parent = part;
  }
}

void pc_linux_cgroup_parse(const char *text, size_t size, pc_peer_details *details) {
  details->unit[0] = '\0';
  details->container[0] = '\0';
  piece rest = {text, size};
  while (rest.size > 0 && memchr(rest.data, '\n', rest.size)) {
    piece line = piece_take(&rest, '\n');
    piece id = piece_take(&line, ':');
    piece controllers = piece_take(&line, ':');
    bool is_version2 = piece_equals(id, "0") && controllers.size == 0;
    path_read(line, is_version2 || piece_equals(controllers, "name=systemd"), details);
  }
}
