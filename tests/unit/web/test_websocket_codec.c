/* The catalogue: what a server must make of what a client sends, rule by rule of RFC 6455. Each
 * case runs in one piece, byte by byte and cut at every place, under several masks.
 *
 * A stream is frames with spaces between: the first byte in hexadecimal, then
 *   u   unmasked             w, W  length in 16, 64 bits however short it is
 *   'text'  <hexadecimal>  *N bytes of the pattern  #N announced and never sent
 * and !hexadecimal are bytes as they are. The outcome is codec_outcome.h's, and behind it, if the
 * connection ends: =CODE@BYTE, the byte of the stream that shows it. */
#include "test.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_frame.h"
#include "codec_outcome.h"

enum { STREAM_MAX = 300000, DEFAULT_LIMIT = 70000 };

typedef struct catalogue_case {
  const char *name;
  const char *stream;
  const char *outcome;
  size_t limit; /* 0: DEFAULT_LIMIT */
} catalogue_case;

static const catalogue_case base_framing[] = {
    {"5.7 single-frame unmasked text, which a client may not send", "!810548656c6c6f", "=1002@2",
     0},
    {"5.7 single-frame masked text", "!818537fa213d7f9f4d5158", "T(Hello)", 0},
    {"5.7 fragmented unmasked text", "!010348656c", "=1002@2", 0},
    {"5.7 masked pong", "!8a8537fa213d7f9f4d5158", "o(Hello)", 0},
    {"5.7 256 bytes in a binary frame", "82*256", "B(*256)", 0},
    {"5.7 64 KiB in a binary frame", "82*65536", "B(*65536)", 0},
    {"5.2 nothing at all", "", "", 0},
    {"5.2 empty text", "81", "T()", 0},
    {"5.2 empty binary", "82", "B()", 0},
    {"5.2 empty text after empty text", "81 81 81", "T()T()T()", 0},
    {"5.2 text, binary, text", "81'a' 82'b' 81'c'", "T(a)B(b)T(c)", 0},
    {"5.2 binary is not looked at", "82<00ff80c0>", "B(\\00\\ff\\80\\c0)", 0},
    {"5.2 first byte only", "!81", "", 0},
    {"5.2 two bytes only", "!8185", "", 0},
    {"5.2 mask cut", "!818537fa", "", 0},
    {"5.2 payload cut", "!818537fa213d7f9f4d51", "", 0},
    {"5.2 rsv1 on text", "c1'a'", "=1002@1", 0},
    {"5.2 rsv2 on text", "a1'a'", "=1002@1", 0},
    {"5.2 rsv3 on text", "91'a'", "=1002@1", 0},
    {"5.2 rsv1 on binary", "c2'a'", "=1002@1", 0},
    {"5.2 rsv2 on binary", "a2'a'", "=1002@1", 0},
    {"5.2 rsv3 on binary", "92'a'", "=1002@1", 0},
    {"5.2 rsv1 on ping", "c9'a'", "=1002@1", 0},
    {"5.2 rsv2 on pong", "aa'a'", "=1002@1", 0},
    {"5.2 rsv3 on close", "98<03e8>", "=1002@1", 0},
    {"5.2 all rsv on text", "f1'a'", "=1002@1", 0},
    {"5.2 rsv1 on a first fragment", "41'a'", "=1002@1", 0},
    {"5.2 rsv1 on a continuation", "01'a' c0'b'", "=1002@8", 0},
    {"5.2 rsv2 on a continuation", "01'a' a0'b'", "=1002@8", 0},
    {"5.2 rsv3 after a good message", "81'a' 91'b'", "T(a)=1002@8", 0},
    {"5.2 reserved opcode 3", "83'a'", "=1002@1", 0},
    {"5.2 reserved opcode 4", "84'a'", "=1002@1", 0},
    {"5.2 reserved opcode 5", "85'a'", "=1002@1", 0},
    {"5.2 reserved opcode 6", "86'a'", "=1002@1", 0},
    {"5.2 reserved opcode 7", "87'a'", "=1002@1", 0},
    {"5.2 reserved opcode b", "8b'a'", "=1002@1", 0},
    {"5.2 reserved opcode c", "8c'a'", "=1002@1", 0},
    {"5.2 reserved opcode d", "8d'a'", "=1002@1", 0},
    {"5.2 reserved opcode e", "8e'a'", "=1002@1", 0},
    {"5.2 reserved opcode f", "8f'a'", "=1002@1", 0},
    {"5.2 reserved opcode after a good message", "81'a' 83", "T(a)=1002@8", 0},
    {"5.2 reserved opcode inside a fragmented message", "01'a' 83", "=1002@8", 0},
    {"5.2 reserved opcode on a fragment", "03'a'", "=1002@1", 0},
    {"5.2 length 125", "82*125", "B(*125)", 0},
    {"5.2 length 126", "82*126", "B(*126)", 0},
    {"5.2 length 127", "82*127", "B(*127)", 0},
    {"5.2 length 128", "81*128", "T(*128)", 0},
    {"5.2 length 255", "81*255", "T(*255)", 0},
    {"5.2 length 65535", "81*65535", "T(*65535)", 0},
    {"5.2 length 65536", "81*65536", "T(*65536)", 0},
    {"5.2 length 65537", "81*65537", "T(*65537)", 0},
    {"5.2 length 0 in 16 bits", "81w", "=1002@4", 0},
    {"5.2 length 1 in 16 bits", "81w'a'", "=1002@4", 0},
    {"5.2 length 125 in 16 bits", "81w*125", "=1002@4", 0},
    {"5.2 length 126 in 16 bits", "81w*126", "T(*126)", 0},
    {"5.2 length 0 in 64 bits", "82W", "=1002@10", 0},
    {"5.2 length 1 in 64 bits", "82W'a'", "=1002@10", 0},
    {"5.2 length 125 in 64 bits", "82W*125", "=1002@10", 0},
    {"5.2 length 126 in 64 bits", "82W*126", "=1002@10", 0},
    {"5.2 length 65535 in 64 bits", "82W*65535", "=1002@10", 0},
    {"5.2 length 65536 in 64 bits", "82W*65536", "B(*65536)", 0},
    {"5.2 long form on a continuation", "01'a' 80w'b'", "=1002@11", 0},
    {"5.2 highest bit of a 64-bit length", "!82ff8000000000000000", "=1002@10", 0},
    {"5.2 all bits of a 64-bit length", "!82ffffffffffffffffff", "=1002@10", 0},
    {"5.2 64-bit length cut before its last byte", "!82ff00000000000100", "", 0},
    {"5.1 unmasked text", "81u'a'", "=1002@2", 0},
    {"5.1 unmasked empty text", "81u", "=1002@2", 0},
    {"5.1 unmasked binary", "82u'a'", "=1002@2", 0},
    {"5.1 unmasked ping", "89u'a'", "=1002@2", 0},
    {"5.1 unmasked pong", "8au", "=1002@2", 0},
    {"5.1 unmasked close", "88u<03e8>", "=1002@2", 0},
    {"5.1 unmasked continuation", "01'a' 80u'b'", "=1002@9", 0},
    {"5.1 unmasked 16-bit length", "82u*200", "=1002@2", 0},
    {"5.1 unmasked 64-bit length", "82u*65536", "=1002@2", 0},
    {"5.1 unmasked after a good message", "81'a' 81u'b'", "T(a)=1002@9", 0},
};

static const catalogue_case fragmentation[] = {
    {"5.4 two fragments", "01'Hel' 80'lo'", "T(Hello)", 0},
    {"5.4 two binary fragments", "02'Hel' 80'lo'", "B(Hello)", 0},
    {"5.4 five fragments", "01'H' 00'e' 00'l' 00'l' 80'o'", "T(Hello)", 0},
    {"5.4 empty first fragment", "01 80'a'", "T(a)", 0},
    {"5.4 empty last fragment", "01'a' 80", "T(a)", 0},
    {"5.4 empty middle fragment", "01'a' 00 80'b'", "T(ab)", 0},
    {"5.4 only empty fragments", "01 00 00 80", "T()", 0},
    {"5.4 fragments of 125, 126, 1000 bytes", "02*26 00*104 00*130 80*1040", "B(*1300)", 0},
    {"5.4 two fragmented messages", "01'a' 80'b' 02'c' 80'd'", "T(ab)B(cd)", 0},
    {"5.4 fragmented, then whole", "01'a' 80'b' 81'c'", "T(ab)T(c)", 0},
    {"5.4 whole, then fragmented", "81'a' 01'b' 80'c'", "T(a)T(bc)", 0},
    {"5.4 large, then small fragmented", "02*26000 80*26 02'a' 80'b'", "B(*26026)B(ab)", 0},
    {"5.4 without an end", "01'a' 00'b'", "", 0},
    {"5.4 final continuation at the start", "80'a'", "=1002@1", 0},
    {"5.4 continuation at the start", "00'a'", "=1002@1", 0},
    {"5.4 empty continuation at the start", "80", "=1002@1", 0},
    {"5.4 continuation after a whole message", "81'a' 80'b'", "T(a)=1002@8", 0},
    {"5.4 continuation after a fragmented message", "01'a' 80'b' 80'c'", "T(ab)=1002@15", 0},
    {"5.4 continuation after a ping", "89 80'a'", "i()=1002@7", 0},
    {"5.4 text inside a fragmented text", "01'a' 81'b'", "=1002@8", 0},
    {"5.4 binary inside a fragmented text", "01'a' 82'b'", "=1002@8", 0},
    {"5.4 first fragment inside a fragmented text", "01'a' 01'b'", "=1002@8", 0},
    {"5.4 text after the second fragment", "01'a' 00'b' 81'c'", "=1002@15", 0},
    {"5.4 binary inside a fragmented binary", "02'a' 82'b'", "=1002@8", 0},
    {"5.4 ping between fragments", "01'a' 89'p' 80'b'", "i(p)T(ab)", 0},
    {"5.4 pong between fragments", "02'a' 8a'p' 80'b'", "o(p)B(ab)", 0},
    {"5.4 pings between all fragments", "01'a' 89'1' 00'b' 89'2' 89'3' 80'c'", "i(1)i(2)i(3)T(abc)",
     0},
    {"5.4 empty ping between empty fragments", "01 89 80", "i()T()", 0},
    {"5.4 close between fragments", "01'a' 88<03e8> 80'b'", "c1000()=1000@15", 0},
    {"5.4 ping before a continuation without start", "01'a' 80'b' 89 80", "T(ab)i()=1002@21", 0},
};

static const catalogue_case control_frames[] = {
    {"5.5.2 empty ping", "89", "i()", 0},
    {"5.5.2 ping with text", "89'Hello'", "i(Hello)", 0},
    {"5.5.2 ping with bytes that are no text", "89<00fffefdfcfb00ff>",
     "i(\\00\\ff\\fe\\fd\\fc\\fb\\00\\ff)", 0},
    {"5.5.2 ping of 125 bytes", "89*125", "i(*125)", 0},
    {"5.5.2 ten pings", "89'0' 89'1' 89'2' 89'3' 89'4' 89'5' 89'6' 89'7' 89'8' 89'9'",
     "i(0)i(1)i(2)i(3)i(4)i(5)i(6)i(7)i(8)i(9)", 0},
    {"5.5.3 empty pong that nobody asked for", "8a", "o()", 0},
    {"5.5.3 pong that nobody asked for", "8a'x' 89'y'", "o(x)i(y)", 0},
    {"5.5.3 pong of 125 bytes", "8a*125", "o(*125)", 0},
    {"5.5 ping of 126 bytes", "89*126", "=1002@2", 0},
    {"5.5 pong of 126 bytes", "8a*126", "=1002@2", 0},
    {"5.5 close of 126 bytes", "88*126", "=1002@2", 0},
    {"5.5 ping of 65536 bytes", "89*65536", "=1002@2", 0},
    {"5.5 ping of 1 byte in 16 bits", "89w'a'", "=1002@2", 0},
    {"5.5 close of 2 bytes in 64 bits", "88W<03e8>", "=1002@2", 0},
    {"5.5 fragmented ping", "09'a' 80'b'", "=1002@1", 0},
    {"5.5 fragmented pong", "0a'a'", "=1002@1", 0},
    {"5.5 fragmented close", "08<03e8>", "=1002@1", 0},
    {"5.5 fragmented ping inside a message", "01'a' 09'p'", "=1002@8", 0},
    {"5.5 ping, message, ping", "89'1' 81'm' 89'2'", "i(1)T(m)i(2)", 0},
    {"5.5 control frames do not count for the limit", "02*70 89*125 80*10", "i(*125)B(!80)", 80},
};

static const catalogue_case closing[] = {
    {"5.5.1 close without a code", "88", "c1005()=1000@6", 0},
    {"5.5.1 close with half a code", "88<03>", "=1002@7", 0},
    {"5.5.1 close with a code", "88<03e8>", "c1000()=1000@8", 0},
    {"5.5.1 close with a reason", "88<03e8476f6f64>", "c1000(Good)=1000@12", 0},
    {"5.5.1 close with the longest reason",
     "88<"
     "03e86162636465666768696a6b6c6d6e6f707172737475767778797a6162636465666768696a6b6c6d6e6f70717"
     "2737475767778797a6162636465666768696a6b6c6d6e6f707172737475767778797a6162636465666768696a6b6c"
     "6"
     "d6e6f707172737475767778797a6162636465666768696a6b6c6d6e6f70717273>",
     "c1000(*123)=1000@131", 0},
    {"5.5.1 close with a reason beyond ASCII", "88<03e9e282ac>", "c1001(\\e2\\82\\ac)=1000@11", 0},
    {"5.5.1 reason that is no UTF-8", "88<03e8ff>", "=1007@9", 0},
    {"5.5.1 reason with a surrogate", "88<03e8eda080>", "=1007@11", 0},
    {"5.5.1 reason that ends inside a character", "88<03e8e282>", "=1007@10", 0},
    {"5.5.1 reason with an overlong slash", "88<03e8c0af>", "=1007@10", 0},
    {"5.5.1 bad code is told before a bad reason", "88<03ecff>", "=1002@9", 0},
    {"7.1.4 nothing counts after a close", "88<03e8> 81'a' 89'b'", "c1000()=1000@8", 0},
    {"7.1.4 rubbish after a close", "88<03e8> !ffffffff", "c1000()=1000@8", 0},
    {"7.1.4 a second close", "88<03e8> 88<03e9>", "c1000()=1000@8", 0},
    {"7.1.4 message, close", "81'a' 88", "T(a)c1005()=1000@13", 0},
    {"7.1.7 nothing counts after a failure", "83 81'a' 88<03e8>", "=1002@1", 0},
    {"7.4.1 code 0", "88<0000>", "=1002@8", 0},
    {"7.4.1 code 999", "88<03e7>", "=1002@8", 0},
    {"7.4.1 code 1001", "88<03e9>", "c1001()=1000@8", 0},
    {"7.4.1 code 1002", "88<03ea>", "c1002()=1000@8", 0},
    {"7.4.1 code 1003", "88<03eb>", "c1003()=1000@8", 0},
    {"7.4.1 code 1004", "88<03ec>", "=1002@8", 0},
    {"7.4.1 code 1005", "88<03ed>", "=1002@8", 0},
    {"7.4.1 code 1006", "88<03ee>", "=1002@8", 0},
    {"7.4.1 code 1007", "88<03ef>", "c1007()=1000@8", 0},
    {"7.4.1 code 1011", "88<03f3>", "c1011()=1000@8", 0},
    {"7.4.1 code 1012", "88<03f4>", "c1012()=1000@8", 0},
    {"7.4.1 code 1014", "88<03f6>", "c1014()=1000@8", 0},
    {"7.4.1 code 1015", "88<03f7>", "=1002@8", 0},
    {"7.4.1 code 1016", "88<03f8>", "=1002@8", 0},
    {"7.4.1 code 2999", "88<0bb7>", "=1002@8", 0},
    {"7.4.2 code 3000", "88<0bb8>", "c3000()=1000@8", 0},
    {"7.4.2 code 4999", "88<1387>", "c4999()=1000@8", 0},
    {"7.4.2 code 5000", "88<1388>", "=1002@8", 0},
    {"7.4.2 code 65535", "88<ffff>", "=1002@8", 0},
};

static const catalogue_case text_handling[] = {
    {"5.6 two-byte character", "81<c3a9>", "T(\\c3\\a9)", 0},
    {"5.6 three-byte character", "81<e282ac>", "T(\\e2\\82\\ac)", 0},
    {"5.6 four-byte character", "81<f09f9880>", "T(\\f0\\9f\\98\\80)", 0},
    {"5.6 NUL is a character", "81<00>", "T(\\00)", 0},
    {"5.6 the last code point", "81<f48fbfbf>", "T(\\f4\\8f\\bf\\bf)", 0},
    {"5.6 a noncharacter is valid", "81<efbfbf>", "T(\\ef\\bf\\bf)", 0},
    {"5.6 byte order mark", "81<efbbbf61>", "T(\\ef\\bb\\bfa)", 0},
    {"5.6 character cut between fragments", "01<e2> 00<82> 80<ac>", "T(\\e2\\82\\ac)", 0},
    {"5.6 character cut by a ping", "01<f09f> 89'p' 80<9880>", "i(p)T(\\f0\\9f\\98\\80)", 0},
    {"5.6 character cut by an empty fragment", "01<c3> 00 80<a9>", "T(\\c3\\a9)", 0},
    {"8.1 lone continuation byte", "81<80>", "=1007@7", 0},
    {"8.1 lone first byte", "81<c3>", "=1007@7", 0},
    {"8.1 byte fe", "81<fe>", "=1007@7", 0},
    {"8.1 overlong slash", "81<c0af>", "=1007@7", 0},
    {"8.1 overlong in three bytes", "81<e080af>", "=1007@8", 0},
    {"8.1 overlong in four bytes", "81<f08080af>", "=1007@8", 0},
    {"8.1 surrogate", "81<eda080>", "=1007@8", 0},
    {"8.1 pair of surrogates", "81<eda080edb080>", "=1007@8", 0},
    {"8.1 over U+10FFFF", "81<f4908080>", "=1007@8", 0},
    {"8.1 five-byte form", "81<f888808080>", "=1007@7", 0},
    {"8.1 ends inside a character", "81<61e282>", "=1007@9", 0},
    {"8.1 character broken off by ASCII", "81<e28261>", "=1007@9", 0},
    {"8.1 bad in the middle of a word", "81<6162636465ff67686970>", "=1007@12", 0},
    {"8.1 fails before the frame is complete", "!818a0000000061ff", "=1007@8", 0},
    {"8.1 fails before a long frame is complete", "!81fe1000000000006162c0", "=1007@11", 0},
    {"8.1 fails in the first fragment", "01<61ff>", "=1007@8", 0},
    {"8.1 fails in the second fragment", "01<c3> 80<28>", "=1007@14", 0},
    {"8.1 unmendable across fragments", "01<e0> 00<80>", "=1007@14", 0},
    {"8.1 last fragment ends inside a character", "01'a' 80<e282>", "=1007@15", 0},
    {"8.1 empty last fragment leaves a character open", "01<e282> 80", "=1007@14", 0},
    {"8.1 good message, then a bad one", "81'a' 81<ff>", "T(a)=1007@14", 0},
    {"8.1 each message begins anew", "01<c3> 80<a9> 81<c3a9>", "T(\\c3\\a9)T(\\c3\\a9)", 0},
    {"8.1 a cut character does not leak into a binary one", "82<c3> 81'a'", "B(\\c3)T(a)", 0},
};

static const catalogue_case limits[] = {
    {"10.4 exactly the limit", "82*1000", "B(*1000)", 1000},
    {"10.4 one over the limit", "82*1001", "=1009@4", 1000},
    {"10.4 fragments of exactly the limit", "02*26 80*26", "B(*52)", 52},
    {"10.4 fragments one over the limit", "02*26 80*27", "=1009@34", 52},
    {"10.4 announced is enough", "82#1001", "=1009@4", 1000},
    {"10.4 announced with the largest length", "!82ff7fffffffffffffff", "=1009@10", 0},
    {"10.4 a small one over a small limit", "81'abcde'", "=1009@2", 4},
    {"10.4 the smallest limit", "81 82'a' 81'b' 82'cd'", "T()B(a)T(b)=1009@22", 1},
    {"10.4 third fragment goes over", "01'ab' 00'cd' 00'e'", "=1009@18", 4},
    {"10.4 empty fragments never go over", "01'abcd' 00 00 80", "T(abcd)", 4},
    {"10.4 ping within a full message", "01'abcd' 89'ping!' 80", "i(ping!)T(abcd)", 4},
    {"10.4 the limit is for each message", "81'abcd' 81'abcd' 01'abcd' 80 81'abcd'",
     "T(abcd)T(abcd)T(abcd)T(abcd)", 4},
    {"10.4 not the shortest form is told before the limit", "82W'abcde'", "=1002@10", 4},
};

/* ---- the little language ---- */

static unsigned hex_digit(char digit) {
  assert_true(isxdigit((unsigned char)digit));
  return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

static const char *read_hex(const char *text, uint8_t *out, size_t *size) {
  while (isxdigit((unsigned char)text[0])) {
    out[(*size)++] = (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
    text += 2;
  }
  return text;
}

/* What stands behind a frame's first byte and its letters. */
static const char *read_payload(const char *text, uint8_t *payload, size_t *size) {
  if (*text == '\'') {
    size_t length = strcspn(text + 1, "'");
    memcpy(payload, text + 1, length);
    *size = length;
    return text + length + 2;
  }
  if (*text == '<') {
    text = read_hex(text + 1, payload, size);
    assert_int_equal(*text, '>');
    return text + 1;
  }
  if (*text == '*') {
    char *end;
    *size = strtoul(text + 1, &end, 10);
    for (size_t index = 0; index < *size; index++) {
      payload[index] = codec_pattern(index);
    }
    return end;
  }
  return text;
}

static const char *read_frame(const char *text, const uint8_t *mask, uint8_t *payload,
                              uint8_t *stream, size_t *stream_size) {
  uint8_t first = (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
  client_length form = CLIENT_LENGTH_SHORTEST;
  for (text += 2; *text == 'u' || *text == 'w' || *text == 'W'; text++) {
    mask = *text == 'u' ? NULL : mask;
    form = *text == 'w' ? CLIENT_LENGTH_16 : *text == 'W' ? CLIENT_LENGTH_64 : form;
  }
  uint8_t *out = stream + *stream_size;
  if (*text == '#') {
    char *end;
    *stream_size += client_header_write(out, first, strtoull(text + 1, &end, 10), form, mask);
    return end;
  }
  size_t size = 0;
  text = read_payload(text, payload, &size);
  *stream_size += client_frame_write(out, first, payload, size, form, mask);
  return text;
}

static size_t read_stream(const char *text, const uint8_t *mask, uint8_t *stream) {
  uint8_t *payload = malloc(STREAM_MAX);
  assert_non_null(payload);
  size_t size = 0;
  while (*text != '\0') {
    text = *text == '!' ? read_hex(text + 1, stream, &size)
                        : read_frame(text, mask, payload, stream, &size);
    assert_true(*text == ' ' || *text == '\0');
    text += *text == ' ';
  }
  free(payload);
  return size;
}

static void run_case(const catalogue_case *one, const uint8_t *mask) {
  uint8_t *stream = malloc(STREAM_MAX);
  codec_outcome *outcome = malloc(sizeof *outcome);
  assert_non_null(stream);
  assert_non_null(outcome);
  size_t size = read_stream(one->stream, mask, stream);
  codec_outcome_of_any_split(outcome, stream, size, one->limit == 0 ? DEFAULT_LIMIT : one->limit);
  char end[32] = "";
  if (outcome->code != 0) {
    (void)snprintf(end, sizeof end, "=%u@%zu", outcome->code, outcome->ended_at);
  }
  size_t events_size = strlen(outcome->events);
  bool is_right = strncmp(one->outcome, outcome->events, events_size) == 0 &&
                  strcmp(one->outcome + events_size, end) == 0;
  if (!is_right) {
    fail_msg("%s: expected %s, not %s%s", one->name, one->outcome, outcome->events, end);
  }
  free(outcome);
  free(stream);
}

static void run_cases(const catalogue_case *cases, size_t count) {
  static const uint8_t masks[][4] = {
      {0x37, 0xfa, 0x21, 0x3d}, {0, 0, 0, 0}, {0xff, 0xff, 0xff, 0xff}, {0x80, 0x00, 0x01, 0x7f}};
  for (size_t index = 0; index < count; index++) {
    for (size_t mask = 0; mask < sizeof masks / sizeof masks[0]; mask++) {
      run_case(&cases[index], masks[mask]);
    }
  }
}

#define CATALOGUE_TEST(name, cases)                   \
  static void name(void **state) {                    \
    (void)state;                                      \
    run_cases(cases, sizeof cases / sizeof cases[0]); \
  }

CATALOGUE_TEST(codec_obeys_the_base_framing, base_framing)
CATALOGUE_TEST(codec_obeys_the_rules_of_fragmentation, fragmentation)
CATALOGUE_TEST(codec_obeys_the_rules_of_control_frames, control_frames)
CATALOGUE_TEST(codec_obeys_the_rules_of_closing, closing)
CATALOGUE_TEST(codec_fails_text_that_is_no_utf8_at_once, text_handling)
CATALOGUE_TEST(codec_refuses_what_is_over_the_limit_by_its_header, limits)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(codec_obeys_the_base_framing),
      cmocka_unit_test(codec_obeys_the_rules_of_fragmentation),
      cmocka_unit_test(codec_obeys_the_rules_of_control_frames),
      cmocka_unit_test(codec_obeys_the_rules_of_closing),
      cmocka_unit_test(codec_fails_text_that_is_no_utf8_at_once),
      cmocka_unit_test(codec_refuses_what_is_over_the_limit_by_its_header),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
