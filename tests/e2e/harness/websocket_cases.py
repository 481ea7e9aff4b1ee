"""RFC 6455 as a table: what a client sends, and what must come back.

Cases are generated, each a few frames. What answers depends on the surface (an echo through a pipe, an error
message of the event socket), so a case tells only which messages arrive at the server."""

import struct
from dataclasses import dataclass, field

from .websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, apply_mask, encode_frame

NORMAL, PROTOCOL_ERROR, INVALID_DATA, TOO_BIG = 1000, 1002, 1007, 1009
LENGTHS = (0, 1, 2, 3, 7, 8, 124, 125, 126, 127, 128, 129, 255, 256, 1000, 65534, 65535, 65536)
# 1012 to 1014 came with the registry; the others are RFC 6455 §7.4.
GOOD_CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3001,
              3999, 4000, 4001, 4999)
BAD_CODES = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1099, 1100, 1999, 2000, 2999, 5000, 5001,
             32768, 65535)


@dataclass(frozen=True)
class Case:
    name: str
    data: bytes  # what is sent
    messages: tuple = ()  # (opcode, payload) that arrive
    pongs: tuple = ()  # payloads that come back, in this order
    codes: tuple = field(default=())  # of the server's close frame; (): it says none by itself


def text(payload, **options):
    return encode_frame(TEXT, payload, **options)


def binary(payload, **options):
    return encode_frame(BINARY, payload, **options)


def more(payload, **options):
    return encode_frame(CONTINUATION, payload, **options)


def ping(payload=b"", **options):
    return encode_frame(PING, payload, **options)


def pong(payload=b"", **options):
    return encode_frame(PONG, payload, **options)


def close(code=None, reason=b"", **options):
    payload = b"" if code is None else struct.pack("!H", code) + reason
    return encode_frame(CLOSE, payload, **options)


def fragments(opcode, pieces, between=b""):
    """One message in frames of these payloads, with `between` between each two."""
    last = len(pieces) - 1
    return b"".join(
        (between if i else b"") + encode_frame(CONTINUATION if i else opcode, piece,
                                               is_final=i == last)
        for i, piece in enumerate(pieces))


def cut(payload, size):
    return [payload[i:i + size] for i in range(0, len(payload), size)] or [b""]


def header(opcode, size):
    """Of a masked frame whose payload never comes."""
    return struct.pack("!BBQ", 0x80 | opcode, 0xFF, size) + b"mask"


def framing():
    for size in LENGTHS:
        for opcode, byte in ((TEXT, b"*"), (BINARY, b"\xfe")):
            payload = byte * size
            yield Case(f"opcode {opcode} of {size} bytes", encode_frame(opcode, payload),
                       ((opcode, payload),))
    yield Case("a mask of zeros", text(b"hello", mask=b"\0\0\0\0"), ((TEXT, b"hello"),))
    yield Case("a mask of ones", text(b"hello", mask=b"\xff\xff\xff\xff"), ((TEXT, b"hello"),))
    many = tuple((TEXT, b"%d" % i) for i in range(50))
    yield Case("fifty messages", b"".join(text(p) for _, p in many), many)
    yield Case("text and binary in turn", text(b"a") + binary(b"\xff") + text(b"") + binary(b"\xfe"),
               ((TEXT, b"a"), (BINARY, b"\xff"), (TEXT, b""), (BINARY, b"\xfe")))
    for name, opcode in (("text", TEXT), ("ping", PING), ("pong", PONG), ("close", CLOSE)):
        payload = b"\x03\xe8" if opcode == CLOSE else b"x"
        yield Case(f"unmasked {name}", encode_frame(opcode, payload, mask=None),
                   codes=(PROTOCOL_ERROR,))
    yield Case("unmasked continuation", text(b"a", is_final=False) + more(b"b", mask=None),
               codes=(PROTOCOL_ERROR,))
    for size, form in ((0, 16), (5, 16), (125, 16), (0, 64), (5, 64), (126, 64), (65535, 64)):
        yield Case(f"{size} bytes with a length of {form} bits",
                   text(b"x" * size, length_form=form), codes=(PROTOCOL_ERROR,))
    yield Case("the highest bit of a length", header(BINARY, 1 << 63), codes=(PROTOCOL_ERROR,))
    for power in (32, 40, 62):
        yield Case(f"a message of 2^{power} bytes", header(BINARY, 1 << power), codes=(TOO_BIG,))


def pings():
    for size in (0, 1, 4, 124, 125):
        for name, byte in (("text", b"p"), ("binary", b"\xfe")):
            yield Case(f"ping of {size} bytes, {name}", ping(byte * size), pongs=(byte * size,))
    for size in (126, 127, 65535, 65536):
        yield Case(f"ping of {size} bytes", ping(b"p" * size), codes=(PROTOCOL_ERROR,))
        yield Case(f"pong of {size} bytes", pong(b"p" * size), codes=(PROTOCOL_ERROR,))
    for payload in (b"", b"unasked", b"x" * 125):
        yield Case(f"unasked pong of {len(payload)} bytes, then a ping",
                   pong(payload) + ping(b"asked"), pongs=(b"asked",))
    ten = tuple(b"payload-%d" % i for i in range(10))
    yield Case("ten pings", b"".join(ping(p) for p in ten), pongs=ten)
    yield Case("ten pings between ten texts", b"".join(ping(p) + text(p) for p in ten),
               tuple((TEXT, p) for p in ten), ten)
    yield Case("fragmented ping", ping(b"x", is_final=False) + more(b"y"), codes=(PROTOCOL_ERROR,))
    yield Case("fragmented pong", pong(b"x", is_final=False) + more(b"y"), codes=(PROTOCOL_ERROR,))


def reserved():
    """Rules broken alone, behind a message, and inside one."""
    broken = {f"reserved bits {bits} on opcode {opcode}": encode_frame(opcode, payload, reserved=bits)
              for bits in range(1, 8)
              for opcode, payload in ((TEXT, b"x"), (BINARY, b"x"), (PING, b"x"), (PONG, b"x"),
                                      (CLOSE, b"\x03\xe8"))}
    broken |= {f"opcode {opcode}": encode_frame(opcode, b"x")
               for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)}
    broken |= {f"opcode {opcode} without payload": encode_frame(opcode)
               for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)}
    for name, frame in broken.items():
        yield Case(name, frame + ping(), codes=(PROTOCOL_ERROR,))
        if "opcode 2" not in name:
            yield Case(f"{name}, behind a text", text(b"Hello, world!") + frame + ping(),
                       ((TEXT, b"Hello, world!"),), codes=(PROTOCOL_ERROR,))
    for bits in range(1, 8):
        yield Case(f"reserved bits {bits} on a continuation",
                   text(b"a", is_final=False) + more(b"b", reserved=bits), codes=(PROTOCOL_ERROR,))


def fragmentation():
    for name, opcode, payload in (("text", TEXT, b"Hello, world! " * 10),
                                  ("binary", BINARY, b"\xff\x00" * 70)):
        for size in (1, 2, 7, 64, 139):
            whole = ((opcode, payload),)
            pieces = cut(payload, size)
            yield Case(f"{name} in fragments of {size}", fragments(opcode, pieces), whole)
            yield Case(f"{name} in fragments of {size}, pings between",
                       fragments(opcode, pieces, ping(b"p")), whole,
                       (b"p",) * (len(pieces) - 1))
            yield Case(f"{name} in fragments of {size}, pongs between",
                       fragments(opcode, pieces, pong(b"p")), whole)
    yield Case("an empty message of three fragments", fragments(TEXT, [b"", b"", b""]),
               ((TEXT, b""),))
    yield Case("empty fragments around one", fragments(TEXT, [b"", b"x", b""]), ((TEXT, b"x"),))
    yield Case("65,536 bytes in fragments of 1,300",
               fragments(TEXT, cut(b"*" * 65536, 1300)), ((TEXT, b"*" * 65536),))
    for is_final in (True, False):
        alone = more(b"nothing to continue", is_final=is_final)
        yield Case(f"a continuation of nothing, final {is_final}", alone + text(b"x"),
                   codes=(PROTOCOL_ERROR,))
        yield Case(f"a continuation behind a text, final {is_final}", text(b"x") + alone,
                   ((TEXT, b"x"),), codes=(PROTOCOL_ERROR,))
        yield Case(f"a continuation behind fragments, final {is_final}",
                   fragments(TEXT, [b"one", b"two"]) + alone + text(b"three"),
                   ((TEXT, b"onetwo"),), codes=(PROTOCOL_ERROR,))
    for first in (TEXT, BINARY):
        for second in (TEXT, BINARY):
            for is_final in (True, False):
                yield Case(f"opcode {second} inside a fragmented {first}, final {is_final}",
                           encode_frame(first, b"a", is_final=False)
                           + encode_frame(second, b"b", is_final=is_final) + more(b"c"),
                           codes=(PROTOCOL_ERROR,))


def characters():
    """(name, well-formed?, bytes): the borders of RFC 3629, and what lies just beyond."""
    for point in (0x00, 0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xCFFF, 0xD000, 0xD7FF, 0xE000,
                  0xFFFD, 0xFFFE, 0xFFFF, 0x10000, 0x1FFFE, 0x1FFFF, 0x2FFFF, 0x3FFFF, 0x40000,
                  0xFFFFF, 0x100000, 0x10FFFE, 0x10FFFF):
        yield f"U+{point:04X}", True, chr(point).encode()
    for point in (0xD800, 0xDB7F, 0xDB80, 0xDBFF, 0xDC00, 0xDF80, 0xDFFF):
        yield f"surrogate {point:X}", False, chr(point).encode("utf-8", "surrogatepass")
    yield "a pair of surrogates", False, b"\xed\xa0\x80\xed\xb0\x80"
    for bad in (b"\x80", b"\xbf", b"\x80\xbf\x80", b"\xc0", b"\xc1", b"\xf5", b"\xf8", b"\xfc",
                b"\xfe", b"\xff", b"\xfe\xfe\xff\xff", b"\xc0\x80", b"\xc0\xaf", b"\xc1\xbf",
                b"\xe0\x80\x80", b"\xe0\x80\xaf", b"\xe0\x9f\xbf", b"\xf0\x80\x80\x80",
                b"\xf0\x80\x80\xaf", b"\xf0\x8f\xbf\xbf", b"\xf8\x80\x80\x80\xaf",
                b"\xf8\x87\xbf\xbf\xbf", b"\xfc\x80\x80\x80\x80\xaf", b"\xfc\x83\xbf\xbf\xbf\xbf",
                b"\xf4\x90\x80\x80", b"\xf7\xbf\xbf\xbf", b"\xf8\x88\x80\x80\x80",
                b"\xfd\xbf\xbf\xbf\xbf\xbf"):
        yield f"bytes {bad.hex()}", False, bad
    for cut_off in (b"\xc2", b"\xdf", b"\xe0", b"\xe0\xa0", b"\xef\xbf", b"\xf0", b"\xf0\x90",
                    b"\xf0\x90\x80", b"\xf4\x8f\xbf"):
        yield f"cut off: {cut_off.hex()}", False, cut_off


def utf8():
    for name, is_good, character in characters():
        for around in (b"", b"around "):
            payload = around + character + around
            expected = ({"messages": ((TEXT, payload),)} if is_good
                        else {"codes": (INVALID_DATA,)})
            where = "alone" if not around else "inside"
            yield Case(f"{name}, {where}", text(payload), **expected)
            if len(payload) > 1:
                yield Case(f"{name}, {where}, a fragment for each byte",
                           fragments(TEXT, cut(payload, 1)), **expected)
    greek = "Hello-µ@ßöäüàá-UTF-8!! κόσμε 🦀".encode()
    for size in range(1, 9):
        yield Case(f"text of many scripts in fragments of {size}",
                   fragments(TEXT, cut(greek, size)), ((TEXT, greek),))
    yield Case("a binary message is not looked at", binary(b"\xff\xfe\xc0\x80"),
               ((BINARY, b"\xff\xfe\xc0\x80"),))


def utf8_fail_fast():
    """The message is never finished: what is wrong must be told by what is there."""
    begin, bad = "κόσμε".encode(), b"\xf4\x90"
    yield Case("in a frame of 2^16 bytes", header(TEXT, 1 << 16) + apply_mask(begin + bad, b"mask"),
               codes=(INVALID_DATA,))
    for broken in (b"\xf4\x90", b"\xed\xa0", b"\xff", b"\xc0", b"\xe0\x80", b"\xf0\x8f", b"\xf5"):
        frame = text(begin + broken + b"x" * 100)
        yield Case(f"{broken.hex()} in a frame, the rest is missing",
                   frame[:6 + len(begin) + len(broken)], codes=(INVALID_DATA,))
        yield Case(f"{broken.hex()} in an unfinished fragment",
                   text(begin + broken, is_final=False), codes=(INVALID_DATA,))
        yield Case(f"{broken.hex()} in a second fragment",
                   text(begin, is_final=False) + more(broken, is_final=False),
                   codes=(INVALID_DATA,))
        yield Case(f"{broken.hex()} cut by a fragment",
                   text(begin + broken[:1], is_final=False) + more(broken[1:] or b"x",
                                                                   is_final=False),
                   codes=(INVALID_DATA,))


def closing():
    yield Case("close without a code", close(), codes=(None,))
    for code in GOOD_CODES:
        yield Case(f"close {code}", close(code), codes=(code,))
        yield Case(f"close {code} with a reason", close(code, b"Reason"), codes=(code,))
    for code in BAD_CODES:
        yield Case(f"close {code}, which nobody may send", close(code), codes=(PROTOCOL_ERROR,))
        yield Case(f"close {code} with a reason", close(code, b"Reason"), codes=(PROTOCOL_ERROR,))
    yield Case("close with half a code", encode_frame(CLOSE, b"\x03"), codes=(PROTOCOL_ERROR,))
    for size in (1, 122, 123):
        yield Case(f"close with a reason of {size} bytes", close(1000, b"*" * size), codes=(1000,))
    for size in (124, 125, 65534):
        yield Case(f"close with a reason of {size} bytes", close(1000, b"*" * size),
                   codes=(PROTOCOL_ERROR,))
    yield Case("close with a reason in UTF-8", close(1000, "für heute 🦀".encode()), codes=(1000,))
    for name, is_good, character in characters():
        if not is_good:
            yield Case(f"close with a reason of {name}", close(1000, character),
                       codes=(INVALID_DATA,))
    yield Case("fragmented close", close(1000, is_final=False) + more(b""), codes=(PROTOCOL_ERROR,))
    yield Case("close behind a text", text(b"Hello World!") + close(1000),
               ((TEXT, b"Hello World!"),), codes=(1000,))
    yield Case("close behind 65,536 bytes, and a ping", text(b"*" * 65536) + close(1000) + ping(),
               ((TEXT, b"*" * 65536),), codes=(1000,))
    yield Case("close behind a ping", ping(b"p") + close(1000), pongs=(b"p",), codes=(1000,))
    for name, late in (("close", close(1001)), ("ping", ping(b"late")), ("text", text(b"late")),
                       ("rubbish", b"\xff" * 100), ("unmasked text", text(b"late", mask=None))):
        yield Case(f"close and then {name}", close(1000) + late, codes=(1000,))
    yield Case("close inside a fragmented message",
               text(b"half", is_final=False) + close(1000) + more(b"other half"), codes=(1000,))


GROUPS = {"framing": framing, "pings": pings, "reserved": reserved, "fragmentation": fragmentation,
          "utf8": utf8, "utf8_fail_fast": utf8_fail_fast, "closing": closing}
