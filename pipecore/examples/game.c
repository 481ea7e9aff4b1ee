/* A game: what one player does, the others see. One thread, one loop, no lock.
 *
 *   game PATH          then, in several terminals:  socat - UNIX-CONNECT:PATH
 *
 * A line from a player is a move, and reaches everybody else at once. A player who does not look at
 * the board (does not read) has to leave: the others' moves would wait for him without end. */
#include <stdio.h>

#include "pipecore/server.h"

enum { PLAYERS_MAX = 64, LINE_BYTES = 512 };

typedef struct player {
  pc_session *session; /* NULL: the seat is free */
  unsigned number;
} player;

static player players[PLAYERS_MAX];
static unsigned came; /* so many players, ever */

static void player_tell(const player *to, const char *line, int size) {
  if (pc_session_write(to->session, line, (uint32_t)size, 0) != PC_OK) {
    pc_session_close(to->session, false);
  }
}

static void others_tell(const player *from, const char *line, int size) {
  for (int seat = 0; seat < PLAYERS_MAX; seat++) {
    if (players[seat].session && &players[seat] != from) {
      player_tell(&players[seat], line, size);
    }
  }
}

static player *seat_find(void) {
  for (int seat = 0; seat < PLAYERS_MAX; seat++) {
    if (!players[seat].session) {
      return &players[seat];
    }
  }
  return NULL;
}

static bool on_connected(pc_session *session, const pc_peer *peer, void *user) {
  (void)user;
  player *self = seat_find();
  if (!self) {
    return false;
  }
  *self = (player){.session = session, .number = ++came};
  pc_session_set_user(session, self);
  char line[LINE_BYTES];
  player_tell(self, line, snprintf(line, sizeof line, "you are player %u", self->number));
  others_tell(self, line,
              snprintf(line, sizeof line, "player %u came (process %lld)", self->number,
                       (long long)peer->pid));
  return true;
}

static pc_status on_message(pc_session *session, const pc_message *message, void *user) {
  (void)user;
  const player *self = pc_session_user(session);
  char line[LINE_BYTES];
  int size = snprintf(line, sizeof line, "player %u: %.*s", self->number, (int)message->size_bytes,
                      (const char *)message->data);
  others_tell(self, line, size);
  return PC_OK;
}

static void on_disconnected(pc_session *session, pc_close_reason reason, pc_status status,
                            void *user) {
  (void)status;
  (void)user;
  player *self = pc_session_user(session);
  if (!self) {
    return; /* there was no seat */
  }
  self->session = NULL;
  char line[LINE_BYTES];
  others_tell(self, line,
              snprintf(line, sizeof line, "player %u left (%s)", self->number,
                       pc_close_reason_name(reason)));
}

int main(int argc, char **argv) {
  pc_server_options options = {.path = argc == 2 ? argv[1] : "",
                               .type = PC_TYPE_BYTE,
                               .framing = PC_FRAMING_LINE,
                               .limits = {.max_instances = PLAYERS_MAX, .max_message_bytes = 256},
                               .security = {.uid = -1, .gid = -1},
                               .on.session = {.on_connected = on_connected,
                                              .on_message = on_message,
                                              .on_disconnected = on_disconnected}};
  pc_loop_options loop_options = {.strategy = PC_STRATEGY_COMPLETION};
  pc_loop *loop;
  pc_server *server;
  pc_failure failure = {.action = "create a loop"};
  pc_status status = pc_loop_create(&loop_options, &loop);
  if (status == PC_OK) {
    status = pc_server_start(loop, &options, &server, &failure);
  }
  if (status == PC_OK) {
    printf("ready\n");
    fflush(stdout);
    status = pc_loop_run(loop); /* until a signal ends it */
  }
  fprintf(stderr, "game PATH: %s: %s\n", failure.action, pc_status_text(status));
  return 1;
}
