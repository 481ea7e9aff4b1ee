"""RFC 6455 over the wire: a table of probes, each with the answer that the RFC wants.

The bridge knows no commands yet: a well-formed message is answered by an error message."""

import json
import struct

from harness.bridge import IS_SANITIZED, pipe
from harness.case import BridgeCase
from harness.deadline import wait_until
from harness.http import ClosedError
from harness.websocket import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocket,
                               encode_frame)

UNKNOWN = "unknown_command"  # what a well-formed message is answered with
BROKEN_UTF8 = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"
GREEK = "κόσμε🦀".encode()


def close(code, reason=b""):
    return encode_frame(CLOSE, struct.pack("!H", code) + reason)


def text(payload, **options):
    return encode_frame(TEXT, payload, **options)


def more(payload, **options):
    return encode_frame(CONTINUATION, payload, **options)


def huge_header(size, opcode=BINARY):
    return struct.pack("!BBQ", 0x80 | opcode, 0xFF, size) + b"mask"


# name: (what is sent, the close codes that are right)
PROBES = {
    "text": (text(b"hello"), {UNKNOWN}),
    "empty text": (text(b""), {UNKNOWN}),
    "binary": (encode_frame(BINARY, b"\xff"), {UNKNOWN}),
    "mask of zeros": (text(b"hello", mask=b"\0\0\0\0"), {UNKNOWN}),
    "text in 126 bytes": (text(b"x" * 126), {UNKNOWN}),
    "two fragments": (text(b"hel", is_final=False) + more(b"lo"), {UNKNOWN}),
    "empty fragments": (text(b"", is_final=False) + more(b"", is_final=False) + more(b""),
                        {UNKNOWN}),
    "UTF-8 split by fragments": (text(GREEK[:3], is_final=False)
                                 + more(GREEK[3:-2], is_final=False) + more(GREEK[-2:]),
                                 {UNKNOWN}),
    "UTF-8 split at each byte": (text(GREEK[:1], is_final=False) + b"".join(
        more(GREEK[i:i + 1], is_final=False) for i in range(1, len(GREEK))) + more(b""),
        {UNKNOWN}),
    "unmasked text": (text(b"hello", mask=None), {1002}),
    "unmasked ping": (encode_frame(PING, b"", mask=None), {1002}),
    "reserved bit 1": (text(b"x", reserved=4), {1002}),
    "reserved bit 2": (text(b"x", reserved=2), {1002}),
    "reserved bit 3": (text(b"x", reserved=1), {1002}),
    "reserved bit on a ping": (encode_frame(PING, b"x", reserved=4), {1002}),
    "fragmented ping": (encode_frame(PING, b"x", is_final=False), {1002}),
    "fragmented close": (encode_frame(CLOSE, b"\x03\xe8", is_final=False), {1002}),
    "ping of 126 bytes": (encode_frame(PING, b"x" * 126), {1002}),
    "close of 126 bytes": (encode_frame(CLOSE, b"\x03\xe8" + b"x" * 124), {1002}),
    "continuation of nothing": (more(b"x"), {1002}),
    "continuation of nothing, unfinished": (more(b"x", is_final=False), {1002}),
    "text inside a fragmented text": (text(b"a", is_final=False) + text(b"b"), {1002}),
    "binary inside a fragmented text": (text(b"a", is_final=False)
                                        + encode_frame(BINARY, b"b"), {1002}),
    "length of 5 in 16 bits": (text(b"hello", length_form=16), {1002}),
    "length of 5 in 64 bits": (text(b"hello", length_form=64), {1002}),
    "length of 300 in 64 bits": (text(b"x" * 300, length_form=64), {1002}),
    "length with its highest bit": (huge_header(1 << 63), {1002, 1009}),
    "a message too long to think of": (huge_header(1 << 40), {1009}),
    "fragments too long together": (text(b"", is_final=False) + b"".join(
        more(b"x" * 65536, is_final=False) for _ in range(64)), {1009}),
    "broken UTF-8": (text(BROKEN_UTF8), {1007}),
    "UTF-8 that ends early": (text(b"ok \xe2\x82"), {1007}),
    "overlong UTF-8": (text(b"\xc0\xaf"), {1007}),
    "UTF-8 over U+10FFFF": (text(b"\xf4\x90\x80\x80"), {1007}),
    "broken UTF-8 in an unfinished fragment": (text(BROKEN_UTF8, is_final=False), {1007}),
    "broken UTF-8 in a frame that is still coming": (text(b"\xff" + b"x" * 100)[:20], {1007}),
    "UTF-8 broken between fragments": (text(b"\xe2\x82", is_final=False) + more(b"x"), {1007}),
    "close with one byte": (encode_frame(CLOSE, b"\x03"), {1002}),
    "close with a broken reason": (close(1000, b"\xff\xfe"), {1007, 1002}),
    "close without a code": (encode_frame(CLOSE), {None, 1000}),
    "close with a reason": (close(1000, "für heute genug".encode()), {1000}),
    "close with the longest reason": (close(1000, b"x" * 123), {1000}),
    "close and more behind it": (close(1000) + text(b"late") + encode_frame(PING, b"late"), {1000}),
    "close in the middle of a message": (text(b"half", is_final=False) + close(1000), {1000}),
}
PROBES |= {f"opcode {n:#x}": (encode_frame(n, b"x"), {1002})
           for n in (3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF)}
PROBES |= {f"close {code}": (close(code), {code})
           for code in (1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000,
                        3999, 4000, 4999)}
PROBES |= {f"close {code}, which nobody may send": (close(code), {1002})
           for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)}


class Rules(BridgeCase):
    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=[pipe("line")])

    def open(self):
        socket = WebSocket(self.server.address)
        self.addCleanup(socket.close)
        opcode, snapshot = socket.receive_message()
        self.assertEqual((opcode, json.loads(snapshot)["type"]), (TEXT, "snapshot"))
        return socket

    def outcome(self, socket):
        """UNKNOWN and an orderly end, or the code of the server's close frame."""
        opcode, payload = socket.receive_message()
        if opcode == CLOSE:
            self.assertNotEqual(len(payload), 1)
            payload[2:].decode()  # a reason is UTF-8
            self.assertTrue(socket.wire.is_at_end(), "the server says more behind its close frame")
            return struct.unpack("!H", payload[:2])[0] if payload else None
        answer = json.loads(payload)
        self.assertEqual((opcode, answer["type"]), (TEXT, "error"))
        self.assertTrue(answer["detail"])
        self.assertEqual(socket.finish(), 1000)
        return answer["code"]

    def test_every_probe_in_one_piece(self):
        for name, (data, codes) in PROBES.items():
            with self.subTest(name):
                socket = self.open()
                try:
                    socket.wire.send(data)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # it may have closed before it had read it all
                self.assertIn(self.outcome(socket), codes)

    def test_every_probe_byte_by_byte(self):
        for name, (data, codes) in PROBES.items():
            if len(data) > 1000:
                continue
            with self.subTest(name):
                socket = self.open()
                try:
                    for i in range(len(data)):
                        socket.wire.send(data[i:i + 1])
                except (BrokenPipeError, ConnectionResetError):
                    pass
                try:
                    self.assertIn(self.outcome(socket), codes)
                except ConnectionResetError:
                    self.assertNotEqual(codes, {UNKNOWN})  # our late bytes met a closed socket

    def test_pings_are_answered_with_the_same_bytes(self):
        socket = self.open()
        for payload in (b"", b"x", bytes(range(125)), b"\xff\xfe"):
            socket.send(PING, payload)
            self.assertEqual(socket.receive_control(PONG, CLOSE).payload, payload)
        self.assertEqual(socket.finish(), 1000)

    def test_pings_pass_between_fragments(self):
        socket = self.open()
        socket.send(TEXT, b"first", is_final=False)
        socket.send(PING, b"between")
        frame = socket.receive_control(PONG, CLOSE)
        self.assertEqual((frame.opcode, frame.payload), (PONG, b"between"))
        socket.send(CONTINUATION, b"last")
        self.assertEqual(self.outcome(socket), UNKNOWN)

    def test_a_pong_that_nobody_asked_for_is_nothing(self):
        socket = self.open()
        socket.send(PONG, b"unasked")
        socket.send(PING, b"asked")
        self.assertEqual(socket.receive_control(PONG, CLOSE).payload, b"asked")
        self.assertEqual(socket.finish(4000), 4000)

    def test_many_pings_are_answered_in_order(self):
        socket = self.open()
        for first in range(0, 1000, 20):
            wanted = [b"%d" % i for i in range(first, first + 20)]
            socket.wire.send(b"".join(encode_frame(PING, p) for p in wanted))
            got = [socket.receive_control(PONG, CLOSE).payload for _ in wanted]
            self.assertEqual(got, wanted)

    def test_one_that_pings_and_never_reads_is_bounded(self):
        before = self.server.rss_kib()
        socket = self.open()
        socket.wire.socket.settimeout(0.5)
        block = b"".join(encode_frame(PING, b"x" * 125) for _ in range(500))
        try:
            for _ in range(1000):  # 65 MB of pings
                socket.wire.send(block)
        except (TimeoutError, ConnectionError):
            pass  # no longer read, or closed: both fair
        if not IS_SANITIZED:  # whose allocators keep what is freed
            self.assertLess(self.server.rss_kib() - before, 4096)
        self.assertEqual(self.server.get("/healthz").status, 200)

    def test_events_go_on_between_control_frames(self):
        socket = self.open()
        client = self.connect(self.server, "line")
        client.send(b"one\n")
        socket.send(PING, b"p")
        client.send(b"two\n")
        texts, pongs = [], 0
        while len(texts) < 2 or not pongs:
            frame = socket.receive_frame()
            if frame.opcode == PONG:
                pongs += 1
            else:
                self.assertEqual(frame.opcode, TEXT)
                texts += [e["text"] for e in json.loads(frame.payload)["events"]
                          if e["kind"] == "message"]
        self.assertEqual(texts, ["one", "two"])

    def test_one_that_never_answers_our_close_is_let_go(self):
        socket = self.open()
        fds = self.server.fd_count()
        socket.send(3, b"wrong")
        self.assertEqual(socket.receive_control(CLOSE).close_code, 1002)
        wait_until(lambda: self.server.fd_count() < fds, "its descriptor closed")

    def test_one_that_just_vanishes_is_let_go(self):
        fds = self.server.fd_count()
        sockets = [self.open() for _ in range(20)]
        for number, socket in enumerate(sockets):
            if number % 2:
                socket.wire.reset()
            else:
                socket.close()
        wait_until(lambda: self.server.fd_count() <= fds, "their descriptors closed")
        with self.assertRaises((ClosedError, OSError)):
            sockets[0].receive_frame()
