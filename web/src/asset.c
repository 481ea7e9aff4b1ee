/* The page's files, from memory. HTTP thread.
 *
 * Success: path found → 304 if the client has it, else its gzip bytes as they lie in the program;
 * inflated for a client that does not say it can (curl, a script), so that it reads text. Failures:
 * 405; 500 if an asset does not inflate. */
#include "asset.h"

#include <stdlib.h>
#include <string.h>

#include "gunzip.h"
#include "header_list.h"
#include "request_state.h"
#include "response.h"
#include "server_state.h"

/* What one file of the page may come to, uncompressed. */
#define ASSET_MAX_BYTES (16U << 20)

static const web_asset *asset_find(const web_server *server, const char *path) {
  for (size_t i = 0; i < server->asset_count; i++) {
    if (strcmp(server->assets[i].path, path) == 0) {
      return &server->assets[i];
    }
  }
  return NULL;
}

/* A gzip file ends with its size before compression (RFC 1952 §2.3.1). */
static size_t asset_plain_size(const web_asset *asset) {
  const uint8_t *end = asset->data + asset->size;
  if (asset->size < 18) {
    return 0;
  }
  return (size_t)end[-4] | (size_t)end[-3] << 8 | (size_t)end[-2] << 16 | (size_t)end[-1] << 24;
}

static uint8_t *asset_inflate(const web_asset *asset, size_t *out_size) {
  size_t size = asset_plain_size(asset);
  uint8_t *plain = size > 0 && size <= ASSET_MAX_BYTES ? malloc(size) : NULL;
  if (plain == NULL || !web_gunzip(asset->data, asset->size, plain, size)) {
    free(plain);
    return NULL;
  }
  *out_size = size;
  return plain;
}

static bool asset_describe(const web_asset *asset, web_answer *answer) {
  return web_response_dress(answer, asset->content_type,
                            asset->is_immutable ? "public, max-age=31536000, immutable"
                                                : "no-cache",
                            web_policy_page) &&
         web_engine_answer_header(answer, "Vary", "Accept-Encoding") &&
         (asset->etag == NULL || web_engine_answer_header(answer, "ETag", asset->etag));
}

static web_answer *asset_answer(const web_asset *asset, bool accepts_gzip) {
  web_answer *answer = NULL;
  if (accepts_gzip) {
    answer = web_engine_answer(asset->data, asset->size, WEB_BODY_STATIC);
  } else {
    size_t size = 0;
    uint8_t *plain = asset_inflate(asset, &size);
    answer = plain != NULL ? web_engine_answer(plain, size, WEB_BODY_MOVE) : NULL;
  }
  if (answer != NULL &&
      !(asset_describe(asset, answer) &&
        (!accepts_gzip || web_engine_answer_header(answer, "Content-Encoding", "gzip")))) {
    web_engine_answer_destroy(answer);
    answer = NULL;
  }
  return answer;
}

static void asset_not_modified(web_request *request, const web_asset *asset) {
  web_answer *answer = web_engine_answer("", 0, WEB_BODY_STATIC);
  if (answer != NULL && !asset_describe(asset, answer)) {
    web_engine_answer_destroy(answer);
    answer = NULL;
  }
  web_request_answer(request, 304, answer);
}

bool web_asset_respond(web_request *request) {
  const web_asset *asset = asset_find(request->server, request->target.path);
  if (asset == NULL) {
    return false;
  }
  if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
    web_response_header(request, "Allow", "GET, HEAD");
    web_respond_problem(request, 405, "method_not_allowed", "%s is not one of: GET, HEAD",
                        request->method);
    return true;
  }
  if (asset->etag != NULL &&
      web_header_matches_etag(web_request_header(request, "If-None-Match"), asset->etag)) {
    asset_not_modified(request, asset);
    return true;
  }
  bool accepts_gzip = web_header_accepts_gzip(web_request_header(request, "Accept-Encoding"));
  web_request_answer(request, 200, asset_answer(asset, accepts_gzip));
  return true;
}
