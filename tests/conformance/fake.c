/* The suite over the in-memory fake. */
#include "suite.h"

#include <stdlib.h>
#include <unistd.h>

#include "pipecore/fake.h"

enum { PART_BYTES = 4096 };

struct suite_client {
  pc_fake_end *fake;
  pc_type type;
};

/* Clients are this process, as those of the other backends are. */
static void fake_client_describe(pc_fake_end *fake) {
  static pc_peer_details details;
  details.known = PC_PEER_GROUPS | PC_PEER_EXECUTABLE;
  details.is_executable_current = true;
  assert_true(readlink("/proc/self/exe", details.executable, sizeof details.executable - 1) > 0);
  assert_int_equal(pc_fake_describe(fake, &details), PC_OK);
}

static suite_client *fake_client_connect(suite_fixture *fixture, const char *path, pc_type type) {
  pc_fake_end *fake = NULL;
  pc_peer peer = {.pid = getpid(), .uid = geteuid(), .gid = getegid(), .name = "fake"};
  if (pc_fake_connect(fixture->loop, path, &peer, &fake) != PC_OK) {
    return NULL;
  }
  if (fixture->options.admission.allow_count + fixture->options.admission.deny_count > 0) {
    fake_client_describe(fake);
  }
  suite_client *client = malloc(sizeof *client);
  *client = (suite_client){.fake = fake, .type = type};
  return client;
}

static pc_status fake_client_write(suite_client *client, const void *data, size_t size,
                                   size_t *out_taken) {
  *out_taken = 0;
  pc_status status = pc_fake_write(client->fake, data, size);
  if (status == PC_AGAIN && client->type == PC_TYPE_BYTE && size > PART_BYTES &&
      pc_fake_write(client->fake, data, PART_BYTES) == PC_OK) {
    *out_taken = PART_BYTES;
  }
  return status;
}

static pc_status fake_client_read(suite_client *client, void *data, size_t capacity,
                                  size_t *out_size) {
  pc_status status = pc_fake_read(client->fake, data, capacity, out_size);
  assert_int_not_equal(status, PC_MORE_DATA);
  return status;
}

static void fake_client_half_close(suite_client *client) {
  pc_fake_half_close(client->fake);
}

static void fake_client_close(suite_client *client) {
  pc_fake_close(client->fake);
  free(client);
}

struct suite_listener {
  pc_fake_listener *fake;
  pc_type type;
};

static suite_listener *fake_listen(suite_fixture *fixture, const char *path, pc_type type) {
  suite_listener *listener = malloc(sizeof *listener);
  *listener = (suite_listener){.type = type};
  assert_int_equal(pc_fake_listen(fixture->loop, path, type, NULL, &listener->fake), PC_OK);
  return listener;
}

static suite_client *fake_accept(suite_listener *listener) {
  pc_fake_end *fake;
  if (pc_fake_accept(listener->fake, &fake) != PC_OK) {
    return NULL;
  }
  suite_client *end = malloc(sizeof *end);
  *end = (suite_client){.fake = fake, .type = listener->type};
  return end;
}

static void fake_unlisten(suite_listener *listener) {
  pc_fake_unlisten(listener->fake);
  free(listener);
}

static const client_kind fake_clients = {.connect = fake_client_connect,
                                         .write = fake_client_write,
                                         .read = fake_client_read,
                                         .half_close = fake_client_half_close,
                                         .close = fake_client_close,
                                         .listen = fake_listen,
                                         .accept = fake_accept,
                                         .unlisten = fake_unlisten};

static void fake_pass_time(suite_fixture *fixture, unsigned ms) {
  for (unsigned passed = 0; passed < ms; passed += 10) {
    pc_fake_advance(fixture->loop, 10);
    turn(fixture);
  }
}

const suite_backend suite_backend_under_test = {.name = "fake",
                                                .loop = {.backend = PC_BACKEND_FAKE},
                                                .clients = &fake_clients,
                                                .pass_time = fake_pass_time,
                                                .is_of_system = false};
