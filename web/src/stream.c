/* Event streams. HTTP thread.
 *
 * Success: head sent by libmicrohttpd → it asks for the body → the connection is suspended, which
 * takes its socket out of libmicrohttpd's hands, and the sender writes to it as to a WebSocket:
 * from the same logs, one call for everything new, without a copy. → resumed at the end,
 * libmicrohttpd closes. Failures: client gone, found by a hang-up event of our own poller or by a
 * send → resumed → closed.
 *
 * The body has no length and no chunks, it ends with the connection: HTTP/1.0 clients and nc can
 * read it, and one log serves all. */
#include "stream.h"

#include <stdlib.h>

#include "check.h"
#include "request_state.h"
#include "response.h"
#include "server_state.h"

static void stream_finish(web_stream *stream) {
  if (stream->state != WEB_STREAM_STREAMING) {
    return;
  }
  stream->state = WEB_STREAM_OVER;
  web_sender_close(&stream->sender);
  web_engine_resume_to_end(stream->server->engine, stream->connection);
}

static void stream_on_sent(web_sender *sender, web_sender_result result) {
  web_stream *stream = WEB_CONTAINER_OF(sender, web_stream, sender);
  switch (result) {
  case WEB_SENDER_IDLE:
    if (stream->server->is_stopping || stream->is_finishing) {
      stream_finish(stream);
    }
    break;
  case WEB_SENDER_MORE:
  case WEB_SENDER_BLOCKED:
    break;
  case WEB_SENDER_BEHIND:
  case WEB_SENDER_STALLED:
  case WEB_SENDER_GONE:
  case WEB_SENDER_FAILED:
    stream_finish(stream);
    break;
  }
}

/* A client that has closed its sending half counts as gone: nothing else would tell of one that has
 * closed both while no events come. */
static void stream_on_ready(web_poll_entry *entry, unsigned ready) {
  web_stream *stream = WEB_CONTAINER_OF(entry, web_stream, sender.entry);
  if ((ready & WEB_POLL_HANGUP) != 0) {
    stream_finish(stream);
  } else if ((ready & WEB_POLL_WRITE) != 0) {
    web_sender_unblock(&stream->sender);
  }
}

bool web_stream_on_body(web_stream *stream) {
  if (stream->state != WEB_STREAM_HEADING) {
    return stream->state == WEB_STREAM_STREAMING;
  }
  web_handle handle = web_engine_socket(stream->connection);
  /* Also pushes out the head, which libmicrohttpd may have corked. */
  web_net_set_no_delay(handle);
  web_engine_unwatch(stream->connection);
  if (web_sender_open(&stream->sender, handle, WEB_POLL_HANGUP) != WEB_OK) {
    return false;
  }
  stream->state = WEB_STREAM_STREAMING;
  web_engine_suspend(stream->connection);
  return true;
}

void web_stream_end(web_stream *stream) {
  web_server *server = stream->server;
  if (stream->previous != NULL) {
    stream->previous->next = stream->next;
  } else {
    server->streams = stream->next;
  }
  if (stream->next != NULL) {
    stream->next->previous = stream->previous;
  }
  server->stats.streams--;
  web_sender_close(&stream->sender);
  stream->on_end(stream->user);
  free(stream);
}

void web_streams_wake_all(web_server *server) {
  for (web_stream *stream = server->streams; stream != NULL; stream = stream->next) {
    web_sender_wake(&stream->sender);
  }
}

void web_streams_finish_all(web_server *server) {
  for (web_stream *stream = server->streams; stream != NULL; stream = stream->next) {
    stream_finish(stream);
  }
}

void web_stream_wake(web_stream *stream) {
  web_sender_draw_again(&stream->sender);
}

void web_stream_finish(web_stream *stream) {
  stream->is_finishing = true;
  web_sender_draw_again(&stream->sender);
}

static web_stream *stream_create(web_request *request, const web_source *source,
                                 void (*on_end)(void *user)) {
  web_server *server = request->server;
  web_stream *stream = calloc(1, sizeof *stream);
  if (stream == NULL) {
    return NULL;
  }
  stream->server = server;
  stream->connection = request->connection;
  stream->on_end = on_end;
  stream->user = source->user;
  stream->sender = (web_sender){.server = server,
                                .entry = {.on_ready = stream_on_ready, .handle = WEB_HANDLE_NONE},
                                .on_sent = stream_on_sent};
  web_sender_observe(&stream->sender, source);
  stream->next = server->streams;
  if (stream->next != NULL) {
    stream->next->previous = stream;
  }
  server->streams = stream;
  server->stats.streams++;
  return stream;
}

web_stream *web_stream_start(web_request *request, const char *content_type,
                             const web_source *source, void (*on_end)(void *user)) {
  web_stream *stream = stream_create(request, source, on_end);
  if (stream == NULL) {
    on_end(source->user);
    web_request_answer(request, 503, NULL);
    return NULL;
  }
  web_answer *answer = web_engine_stream(stream);
  if (answer != NULL && !web_response_dress(answer, content_type, "no-store", web_policy_none)) {
    web_engine_answer_destroy(answer);
    answer = NULL;
  }
  request->stream = stream; /* ends with the request, also for HEAD, which asks for no body */
  web_request_answer(request, 200, answer);
  return stream;
}
