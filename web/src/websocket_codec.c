/* RFC 6455, what a server receives, as a state machine without I/O. Pure but for the allocator; one
 * thread at a time.
 *
 * Path of success: header → its rules → payload, unmasked where it lies → (compressed: expanded
 * into `message`) → (text) UTF-8 → a message that is whole in the fed bytes goes out as it lies,
 * any other is put together in `message`. Failures, each at the first byte that shows it: 1002 a
 * rule of the framing or the close frame is broken, 1007 text that is no UTF-8 or nothing that was
 * deflated, 1009 a message over the limit, 1011 no memory. The first one stays. */
#include "web/websocket_codec.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "web/text.h"

enum {
  HEADER_MAX = 14,
  CONTROL_MAX = 125,
  LENGTH_16 = 126,
  LENGTH_64 = 127,
  MASK_SIZE = 4,
  /* A buffer up to this size is kept for the next message that comes in parts. */
  KEEP_MAX = 16 * 1024,
  FIRST_CAPACITY = 512,
  RESERVED_BITS = 0x70
};

struct web_ws_codec {
  web_ws_codec_events events;
  void *user;
  size_t max_message_bytes;
  const char *failure;
  uint16_t result; /* what every further feed returns, once it is not 0 */
  bool is_stopped; /* by the owner, inside this feed */
  size_t left_bytes;

  bool is_in_payload;
  uint8_t header_size; /* bytes of a header that came cut */
  uint8_t header[HEADER_MAX];

  /* the frame whose payload comes next */
  uint8_t opcode;
  bool is_final;
  uint8_t mask[MASK_SIZE]; /* turned, so that it begins with the next payload byte */
  uint64_t payload_left;

  /* the message that has begun, also between two of its frames */
  bool is_in_message;
  uint8_t message_opcode;
  web_utf8 utf8;    /* between characters again when a text message is over */
  uint8_t *message; /* owned */
  size_t message_size, message_capacity;

  web_inflaters *inflaters; /* NULL: no message may be compressed */
  bool is_compressed;       /* the message */
  web_inflater *inflater;   /* borrowed from the pool while it comes */

  uint8_t control_size;
  uint8_t control[CONTROL_MAX]; /* of a control frame that came cut */
};

web_ws_codec *web_ws_codec_create(const web_ws_codec_events *events, void *user,
                                  size_t max_message_bytes) {
  web_ws_codec *codec = calloc(1, sizeof *codec);
  if (codec != NULL) {
    codec->events = *events;
    codec->user = user;
    codec->max_message_bytes = max_message_bytes;
  }
  return codec;
}

static void codec_return_inflater(web_ws_codec *codec) {
  if (codec->inflater != NULL) {
    web_inflaters_give(codec->inflaters, codec->inflater);
    codec->inflater = NULL;
  }
}

void web_ws_codec_destroy(web_ws_codec *codec) {
  if (codec != NULL) {
    codec_return_inflater(codec);
    free(codec->message);
    free(codec);
  }
}

void web_ws_codec_allow_deflate(web_ws_codec *codec, web_inflaters *pool) {
  codec->inflaters = pool;
}

const char *web_ws_codec_failure(const web_ws_codec *codec) {
  return codec->failure;
}

static bool codec_fail(web_ws_codec *codec, uint16_t code, const char *failure) {
  codec->result = code;
  codec->failure = failure;
  return false;
}

static bool codec_fail_protocol(web_ws_codec *codec, const char *failure) {
  return codec_fail(codec, WEB_WS_PROTOCOL_ERROR, failure);
}

static bool codec_fail_size(web_ws_codec *codec) {
  return codec_fail(codec, WEB_WS_TOO_BIG, "the message is over the limit");
}

/* ---- header ---- */

static bool opcode_is_control(uint8_t opcode) {
  return (opcode & 0x8) != 0;
}

/* RFC 7692 §6.1: a message is compressed or not, and its first frame says so. */
static bool codec_check_reserved_bits(web_ws_codec *codec, uint8_t bits, uint8_t opcode) {
  if (bits == 0) {
    return true;
  }
  if (codec->inflaters == NULL || bits != WEB_WS_COMPRESSED) {
    return codec_fail_protocol(codec, "a reserved bit is set and no extension was agreed on");
  }
  return opcode == WEB_WS_TEXT || opcode == WEB_WS_BINARY ||
         codec_fail_protocol(codec, "only a message's first frame says that it is compressed");
}

static bool codec_check_first_byte(web_ws_codec *codec, uint8_t byte) {
  uint8_t opcode = byte & 0x0f;
  bool is_final = (byte & 0x80) != 0;
  if (!codec_check_reserved_bits(codec, byte & RESERVED_BITS, opcode)) {
    return false;
  }
  if (opcode > WEB_WS_PONG || (opcode > WEB_WS_BINARY && opcode < WEB_WS_CLOSE)) {
    return codec_fail_protocol(codec, "reserved opcode");
  }
  if (opcode_is_control(opcode)) {
    return is_final || codec_fail_protocol(codec, "a control frame must not be fragmented");
  }
  if (opcode == WEB_WS_CONTINUATION) {
    return codec->is_in_message ||
           codec_fail_protocol(codec, "a continuation frame without a message to continue");
  }
  return !codec->is_in_message ||
         codec_fail_protocol(codec, "a new message inside a fragmented one");
}

static bool codec_check_second_byte(web_ws_codec *codec, uint8_t opcode, uint8_t byte) {
  if ((byte & 0x80) == 0) {
    return codec_fail_protocol(codec, "a client must mask its frames");
  }
  if (opcode_is_control(opcode) && (byte & 0x7f) > CONTROL_MAX) {
    return codec_fail_protocol(codec, "a control frame carries at most 125 bytes");
  }
  return true;
}

static bool codec_check_length(web_ws_codec *codec, uint8_t code, uint64_t length) {
  if (length >> 63 != 0) {
    return codec_fail_protocol(codec, "the highest bit of a 64-bit length must be 0");
  }
  if ((code == LENGTH_16 && length < LENGTH_16) || (code == LENGTH_64 && length <= UINT16_MAX)) {
    return codec_fail_protocol(codec, "the length is not in its shortest form");
  }
  return true;
}

static uint64_t big_endian(const uint8_t *data, size_t size) {
  uint64_t value = 0;
  for (size_t index = 0; index < size; index++) {
    value = value << 8 | data[index];
  }
  return value;
}

/* Judges as much of a header as there is. Returns its size once it is whole, else 0 (cut, or
 * failed). */
static size_t codec_parse_header(web_ws_codec *codec, const uint8_t *header, size_t size) {
  if (size < 1 || !codec_check_first_byte(codec, header[0])) {
    return 0;
  }
  uint8_t opcode = header[0] & 0x0f;
  if (size < 2 || !codec_check_second_byte(codec, opcode, header[1])) {
    return 0;
  }
  uint8_t code = header[1] & 0x7f;
  size_t length_size = code == LENGTH_64 ? 8 : code == LENGTH_16 ? 2 : 0;
  if (size < 2 + length_size) {
    return 0;
  }
  uint64_t length = length_size == 0 ? code : big_endian(header + 2, length_size);
  /* Of a compressed message what it expands to is limited. */
  bool is_compressed = (header[0] & WEB_WS_COMPRESSED) != 0 ||
                       (opcode == WEB_WS_CONTINUATION && codec->is_compressed);
  if (!codec_check_length(codec, code, length)) {
    return 0;
  }
  if (!opcode_is_control(opcode) && !is_compressed &&
      length > codec->max_message_bytes - codec->message_size) {
    (void)codec_fail_size(codec);
    return 0;
  }
  if (size < 2 + length_size + MASK_SIZE) {
    return 0;
  }
  codec->opcode = opcode;
  codec->is_final = (header[0] & 0x80) != 0;
  codec->is_compressed = opcode_is_control(opcode) ? codec->is_compressed : is_compressed;
  codec->payload_left = length;
  memcpy(codec->mask, header + 2 + length_size, MASK_SIZE);
  return 2 + length_size + MASK_SIZE;
}

static void codec_begin_payload(web_ws_codec *codec) {
  codec->is_in_payload = true;
  codec->control_size = 0;
  if (codec->opcode == WEB_WS_TEXT || codec->opcode == WEB_WS_BINARY) {
    codec->is_in_message = true;
    codec->message_opcode = codec->opcode;
  }
}

/* Returns how many bytes it took. */
static size_t codec_take_header(web_ws_codec *codec, const uint8_t *data, size_t size) {
  size_t before = codec->header_size;
  const uint8_t *header = data;
  size_t there_is = size;
  if (before != 0) {
    size_t part = size < HEADER_MAX - before ? size : HEADER_MAX - before;
    memcpy(codec->header + before, data, part);
    header = codec->header;
    there_is = before + part;
  }
  size_t whole = codec_parse_header(codec, header, there_is);
  if (whole != 0) {
    codec->header_size = 0;
    codec_begin_payload(codec);
    return whole - before;
  }
  if (codec->result == 0) {
    WEB_CHECK(there_is < HEADER_MAX);
    if (before == 0) {
      memcpy(codec->header, data, size);
    }
    codec->header_size = (uint8_t)there_is;
  }
  return size;
}

/* ---- payload ---- */

/* Eight bytes at a time; the order of bytes in the word does not matter to an exclusive or. */
static void codec_unmask(web_ws_codec *codec, uint8_t *data, size_t size) {
  uint64_t key;
  memcpy(&key, codec->mask, MASK_SIZE);
  memcpy((uint8_t *)&key + MASK_SIZE, codec->mask, MASK_SIZE);
  size_t index = 0;
  for (; size - index >= sizeof key; index += sizeof key) {
    uint64_t word;
    memcpy(&word, data + index, sizeof word);
    word ^= key;
    memcpy(data + index, &word, sizeof word);
  }
  for (; index < size; index++) {
    data[index] ^= codec->mask[index % MASK_SIZE];
  }
  uint8_t turned[MASK_SIZE];
  for (index = 0; index < MASK_SIZE; index++) {
    turned[index] = codec->mask[(size + index) % MASK_SIZE];
  }
  memcpy(codec->mask, turned, MASK_SIZE);
}

static void codec_forget_message(web_ws_codec *codec) {
  codec->is_in_message = false;
  codec_return_inflater(codec);
  codec->message_size = 0;
  if (codec->message_capacity > KEEP_MAX) {
    free(codec->message);
    codec->message = NULL;
    codec->message_capacity = 0;
  }
}

/* Grows with what really came, not with what a header announced. */
static bool codec_make_room(web_ws_codec *codec, size_t size) {
  size_t needed = codec->message_size + size;
  if (needed > codec->message_capacity) {
    size_t capacity = codec->message_capacity * 2;
    capacity = capacity > FIRST_CAPACITY ? capacity : FIRST_CAPACITY;
    capacity = capacity < codec->max_message_bytes ? capacity : codec->max_message_bytes;
    capacity = capacity > needed ? capacity : needed;
    uint8_t *message = realloc(codec->message, capacity);
    if (message == NULL) {
      return codec_fail(codec, WEB_WS_INTERNAL_ERROR, "out of memory for this message");
    }
    codec->message = message;
    codec->message_capacity = capacity;
  }
  return true;
}

static bool codec_keep(web_ws_codec *codec, const uint8_t *data, size_t size) {
  if (!codec_make_room(codec, size)) {
    return false;
  }
  if (size != 0) {
    memcpy(codec->message + codec->message_size, data, size);
    codec->message_size += size;
  }
  return true;
}

static void codec_end_close(web_ws_codec *codec, const uint8_t *data, size_t size) {
  uint16_t code = WEB_WS_NO_STATUS;
  if (size == 1) {
    (void)codec_fail_protocol(codec, "a close frame with half a code");
    return;
  }
  if (size >= 2) {
    code = (uint16_t)big_endian(data, 2);
    data += 2;
    size -= 2;
    if (!web_ws_is_valid_close_code(code)) {
      (void)codec_fail_protocol(codec, "a close code that must not be sent");
      return;
    }
    if (!web_utf8_is_valid(data, size)) {
      (void)codec_fail(codec, WEB_WS_INVALID_DATA, "the close reason is not UTF-8");
      return;
    }
  }
  codec->result = WEB_WS_NORMAL;
  codec->events.on_close(code, data, size, codec->user);
}

static void codec_end_control(web_ws_codec *codec, const uint8_t *data, size_t size) {
  if (codec->opcode == WEB_WS_CLOSE) {
    codec_end_close(codec, data, size);
  } else {
    codec->events.on_control((web_ws_opcode)codec->opcode, data, size, codec->user);
  }
}

static void codec_take_control(web_ws_codec *codec, const uint8_t *data, size_t size) {
  if (codec->payload_left == 0 && codec->control_size == 0) {
    codec_end_control(codec, data, size);
    return;
  }
  memcpy(codec->control + codec->control_size, data, size);
  codec->control_size = (uint8_t)(codec->control_size + size);
  if (codec->payload_left == 0) {
    codec_end_control(codec, codec->control, codec->control_size);
  }
}

static bool codec_check_text(web_ws_codec *codec, const uint8_t *data, size_t size, bool is_whole) {
  if (codec->message_opcode == WEB_WS_TEXT && (!web_utf8_feed(&codec->utf8, data, size) ||
                                               (is_whole && !web_utf8_is_complete(&codec->utf8)))) {
    return codec_fail(codec, WEB_WS_INVALID_DATA, "a text message is not UTF-8");
  }
  return true;
}

static void codec_end_message(web_ws_codec *codec, const uint8_t *data, size_t size) {
  codec->events.on_message((web_ws_opcode)codec->message_opcode, data, size, codec->user);
  codec_forget_message(codec);
}

/* Where the next expanded bytes go: behind the message, or, when that is at its limit, to `over`,
 * where one byte is too many. Zero: no memory. */
static size_t codec_expanding_room(web_ws_codec *codec, uint8_t over[1], uint8_t **out) {
  bool is_at_limit = codec->message_size == codec->max_message_bytes;
  if (!is_at_limit && !codec_make_room(codec, 1)) {
    return 0;
  }
  *out = is_at_limit ? over : codec->message + codec->message_size;
  return is_at_limit ? 1 : codec->message_capacity - codec->message_size;
}

/* No data: the message is whole. */
static bool codec_expand(web_ws_codec *codec, const uint8_t *data, size_t size) {
  bool is_end = data == NULL;
  web_inflate_result result = WEB_INFLATE_FULL;
  while (result == WEB_INFLATE_FULL) {
    uint8_t over[1];
    uint8_t *out = over;
    size_t written = codec_expanding_room(codec, over, &out);
    if (written == 0) {
      return false;
    }
    result = is_end ? web_inflater_finish(codec->inflater, out, &written)
                    : web_inflater_run(codec->inflater, &data, &size, out, &written);
    if (out == over && written != 0) {
      return codec_fail_size(codec);
    }
    if (!codec_check_text(codec, out, written, false)) {
      return false;
    }
    codec->message_size += written;
  }
  return result == WEB_INFLATE_DONE ||
         codec_fail(codec, WEB_WS_INVALID_DATA, "a compressed message cannot be expanded");
}

static void codec_take_compressed(web_ws_codec *codec, const uint8_t *data, size_t size) {
  if (codec->inflater == NULL) {
    codec->inflater = web_inflaters_take(codec->inflaters);
  }
  if (codec->inflater == NULL) {
    (void)codec_fail(codec, WEB_WS_INTERNAL_ERROR, "out of memory to expand this message");
    return;
  }
  if (size != 0 && !codec_expand(codec, data, size)) {
    return;
  }
  bool is_whole = codec->payload_left == 0 && codec->is_final;
  if (is_whole && codec_expand(codec, NULL, 0) && codec_check_text(codec, NULL, 0, true)) {
    codec_end_message(codec, codec->message, codec->message_size);
  }
}

static void codec_take_data(web_ws_codec *codec, const uint8_t *data, size_t size) {
  bool is_whole = codec->payload_left == 0 && codec->is_final;
  if (!codec_check_text(codec, data, size, is_whole)) {
    return;
  }
  if (is_whole && codec->message_size == 0) {
    codec_end_message(codec, data, size);
  } else if (codec_keep(codec, data, size) && is_whole) {
    codec_end_message(codec, codec->message, codec->message_size);
  }
}

/* Returns how many bytes it took; none is right for an empty frame. */
static size_t codec_take_payload(web_ws_codec *codec, uint8_t *data, size_t size) {
  size_t part = size < codec->payload_left ? size : (size_t)codec->payload_left;
  codec_unmask(codec, data, part);
  codec->payload_left -= part;
  codec->is_in_payload = codec->payload_left != 0;
  if (opcode_is_control(codec->opcode)) {
    codec_take_control(codec, data, part);
  } else if (codec->is_compressed) {
    codec_take_compressed(codec, data, part);
  } else {
    codec_take_data(codec, data, part);
  }
  return part;
}

void web_ws_codec_stop(web_ws_codec *codec) {
  codec->is_stopped = true;
}

size_t web_ws_codec_left_bytes(const web_ws_codec *codec) {
  return codec->left_bytes;
}

void web_ws_codec_set_max_message_bytes(web_ws_codec *codec, size_t max_message_bytes) {
  WEB_CHECK(!codec->is_in_message);
  codec->max_message_bytes = max_message_bytes;
}

uint16_t web_ws_codec_feed(web_ws_codec *codec, uint8_t *data, size_t size) {
  codec->is_stopped = false;
  while (size != 0 && codec->result == 0 && !codec->is_stopped) {
    size_t taken = 0;
    if (!codec->is_in_payload) {
      taken = codec_take_header(codec, data, size);
    }
    if (codec->is_in_payload) {
      taken += codec_take_payload(codec, data + taken, size - taken);
    }
    data += taken;
    size -= taken;
  }
  codec->left_bytes = size;
  return codec->result;
}
