/* Handshake by blocking calls, reading byte by byte so that no frame is taken by mistake; frames
 * are looked at where they lie. */
#include "ws_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "bench.h"

enum { ANSWER_TIMEOUT_S = 20, ANSWER_MAX_BYTES = 4096 };

static void answer_read(int fd) {
  char answer[ANSWER_MAX_BYTES + 1];
  size_t size = 0;
  while (size < 4 || memcmp(answer + size - 4, "\r\n\r\n", 4) != 0) {
    if (size == ANSWER_MAX_BYTES || recv(fd, answer + size, 1, 0) != 1) {
      bench_fail("no answer to a WebSocket handshake");
    }
    size++;
  }
  answer[size] = '\0';
  if (strncmp(answer, "HTTP/1.1 101 ", 13) != 0 || !strstr(answer, BENCH_WS_ACCEPT)) {
    bench_fail("a WebSocket handshake was refused: %s", answer);
  }
}

int bench_tcp_connect(uint16_t port) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    bench_fail_system("connect to", "127.0.0.1");
  }
  return fd;
}

int bench_ws_connect(uint16_t port, const char *path, const char *protocol) {
  int fd = bench_tcp_connect(port);
  char request[512];
  int size = snprintf(request, sizeof request,
                      "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Key: " BENCH_WS_KEY "\r\n"
                      "Sec-WebSocket-Version: 13\r\n%s%s%s\r\n",
                      path, port, protocol ? "Sec-WebSocket-Protocol: " : "",
                      protocol ? protocol : "", protocol ? "\r\n" : "");
  BENCH_CHECK(size > 0 && (size_t)size < sizeof request);
  BENCH_CHECK(send(fd, request, (size_t)size, MSG_NOSIGNAL) == size);
  answer_read(fd);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

static uint64_t big_endian(const uint8_t *data, size_t size) {
  uint64_t value = 0;
  for (size_t index = 0; index < size; index++) {
    value = value << 8 | data[index];
  }
  return value;
}

int bench_ws_parse(const uint8_t *data, size_t size, bench_ws_frame *out_frame) {
  static const size_t length_bytes[] = {2, 8};
  *out_frame = (bench_ws_frame){0};
  if (size < 2) {
    return 0;
  }
  BENCH_CHECK((data[0] & 0xf0) == 0x80 && !(data[1] & 0x80)); /* final, unmasked */
  size_t header = 2;
  uint64_t payload = data[1];
  if (payload >= 126) {
    size_t more = length_bytes[payload - 126];
    if (size < 2 + more) {
      return 0;
    }
    payload = big_endian(data + 2, more);
    header += more;
  }
  out_frame->opcode = data[0] & 0x0f;
  out_frame->payload = data + header;
  out_frame->size = (size_t)payload;
  out_frame->total = header + (size_t)payload;
  return size >= out_frame->total;
}

static void mask(char *out, const char *data, size_t size, const char key[4]) {
  for (size_t index = 0; index < size; index++) {
    out[index] = (char)(data[index] ^ key[index % 4]);
  }
}

void bench_ws_say(int fd, const char *data, size_t size) {
  char frame[6 + 125] = {(char)0x82, (char)(0x80 | size), 0x37, (char)0xfa, 0x21, 0x3d};
  BENCH_CHECK(size <= 125);
  mask(frame + 6, data, size, frame + 2);
  BENCH_CHECK(send(fd, frame, 6 + size, MSG_NOSIGNAL) == (ssize_t)(6 + size));
}

void bench_ws_frame_write(char frame[BENCH_WS_FRAME_BYTES], const char line[BENCH_LINE_BYTES]) {
  static const char key[4] = {0x37, (char)0xfa, 0x21, 0x3d};
  frame[0] = (char)0x81;
  frame[1] = (char)(0x80 | BENCH_PAYLOAD_BYTES);
  memcpy(frame + 2, key, sizeof key);
  mask(frame + 6, line, BENCH_PAYLOAD_BYTES, key);
}
