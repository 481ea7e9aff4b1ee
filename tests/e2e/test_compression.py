"""permessage-deflate (RFC 7692): what is agreed on, what is compressed, and what is refused."""

import asyncio
import json
import os
import random
import struct
import subprocess
import unittest
import zlib

from harness.bridge import IS_SANITIZED, pipe
from harness.case import BridgeCase
from harness.clients import need_tool
from harness.deadline import LONG_S, SHORT_S
from harness.websocket import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocket,
                               encode_frame, upgrade_response)
from harness.websocket_cases import cut

try:
    import websockets
except ImportError:
    websockets = None

ON = {"http": {"compression": "on"}}
TAIL = b"\0\0\xff\xff"
RSV1 = 4
AGREED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
JSON_TEXT = json.dumps([{"number": i, "name": f"player {i % 7}"} for i in range(4000)]).encode()


def deflate(data, level=6, bits=15):
    packer = zlib.compressobj(level, zlib.DEFLATED, -bits)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))[:-len(TAIL)]


def compressed(opcode, data, fragment_bytes=None, packed=None):
    """The frames of one compressed message."""
    pieces = [deflate(data) if packed is None else packed]
    pieces = cut(pieces[0], fragment_bytes) if fragment_bytes else pieces
    return b"".join(
        encode_frame(CONTINUATION if i else opcode, piece, is_final=i == len(pieces) - 1,
                     reserved=0 if i else RSV1) for i, piece in enumerate(pieces))


class DeflateSocket(WebSocket):
    """Agreed on permessage-deflate; counts what came compressed."""

    def __init__(self, address, path, offer="permessage-deflate", protocols=(), **options):
        super().__init__(address, path, protocols=protocols,
                         headers={"Sec-WebSocket-Extensions": offer}, **options)
        self.compressed_count = 0

    @property
    def agreed(self):
        return self.response.headers.get("sec-websocket-extensions")

    def receive(self):
        """(opcode, payload) of the next frame, expanded by itself."""
        first, second = self.wire.take(2)
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(self.wire.take(2 if size == 126 else 8), "big")
        payload = self.wire.take(size)
        assert first & 0xB0 == 0x80, f"first byte {first:#x}"
        if first & 0x40:
            self.compressed_count += 1
            payload = zlib.decompressobj(-15).decompress(payload + TAIL)
        return first & 0xF, payload


class Compression(BridgeCase):
    def start(self, config=None, **limits):
        limits = {"max_message_bytes": 1 << 20, "max_write_queue_bytes": 4 << 20} | limits
        self.server = self.bridge(pipes=[pipe("big", framing="length32be", limits=limits)],
                                  config=ON if config is None else config)

    def socket(self, path="/api/v1/pipes/big/ws?direction=both", **options):
        socket = DeflateSocket(self.server.address, path, **options)
        self.addCleanup(socket.close)
        return socket

    def client(self):
        client = self.connect(self.server, "big")
        self.server.wait_for_sessions("big", 1)
        return client


class Agreement(Compression):
    def answer_to(self, offer):
        response = upgrade_response(self.server.address,
                                    extra={"Sec-WebSocket-Extensions": offer})
        if response.status == 101:
            return response.headers.get("sec-websocket-extensions", "")
        return response.status

    def test_each_offer_has_its_answer(self):
        self.start()
        for offer, answer in {
                "permessage-deflate": AGREED,
                "PerMessage-Deflate": AGREED,
                "permessage-deflate; client_max_window_bits": AGREED,
                "permessage-deflate; client_max_window_bits=15": AGREED,
                'permessage-deflate; client_max_window_bits="10"': AGREED,
                "permessage-deflate; server_no_context_takeover": AGREED,
                "permessage-deflate; client_no_context_takeover; server_no_context_takeover": AGREED,
                "permessage-deflate; server_max_window_bits=15":
                    AGREED + "; server_max_window_bits=15",
                "permessage-deflate ; server_max_window_bits = 9":
                    AGREED + "; server_max_window_bits=9",
                "foo, permessage-deflate": AGREED,
                'foo; bar="baz"; qux=1, permessage-deflate': AGREED,
                # The first that can be met.
                "permessage-deflate; server_max_window_bits=8, permessage-deflate": AGREED,
                "permessage-deflate; server_max_window_bits=10, permessage-deflate":
                    AGREED + "; server_max_window_bits=10",
                "permessage-deflate; unknown, permessage-deflate; also=unknown": "",
                "permessage-deflate; server_max_window_bits": "",
                "permessage-deflate; server_max_window_bits=8": "",
                "permessage-deflate; server_max_window_bits=7": "",
                "permessage-deflate; server_max_window_bits=16": "",
                "permessage-deflate; server_max_window_bits=09": "",
                "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10": "",
                "permessage-deflate; client_max_window_bits=16": "",
                "permessage-deflate; client_max_window_bits=x": "",
                "permessage-deflate; client_max_window_bits; client_max_window_bits": "",
                "permessage-deflate; server_no_context_takeover=true": "",
                "permessage-deflate; client_no_context_takeover; client_no_context_takeover": "",
                "x-webkit-deflate-frame": "", "permessage-bzip2": "", "": "",
                # What breaks the grammar fails the handshake (RFC 6455 §9.1).
                "permessage-deflate;": 400, "; x": 400, "permessage-deflate x": 400,
                'permessage-deflate; x="': 400, 'permessage-deflate; x="a b"': 400,
                "permessage-deflate; =1": 400, "permessage-deflate; x=": 400, "a/b": 400}.items():
            with self.subTest(offer):
                self.assertEqual(self.answer_to(offer), answer)

    def test_without_the_setting_nothing_is_agreed_on(self):
        self.start(config={})
        self.assertEqual(self.answer_to("permessage-deflate"), "")
        socket = self.socket()
        socket.wire.send(compressed(TEXT, b"x"))
        opcode, payload = socket.receive()
        self.assertEqual((opcode, payload[:2]), (CLOSE, b"\x03\xea"))


class Messages(Compression):
    """Injected by one WebSocket, shown by it too."""

    def setUp(self):
        super().setUp()
        self.start()
        self.heard = self.client()

    def judge(self, socket, opcode, data, frames):
        socket.wire.send(frames)
        self.assertEqual(struct.unpack("!I", self.heard.receive_exactly(4))[0], len(data))
        self.assertTrue(self.heard.receive_exactly(len(data)) == data)
        got_opcode, got = socket.receive()
        self.assertTrue(got == data, f"{len(got)} bytes instead of {len(data)}")
        self.assertEqual(got_opcode, opcode)

    def test_sizes_levels_and_fragments(self):
        socket = self.socket()
        self.assertEqual(socket.agreed, AGREED)
        for size in (0, 1, 16, 64, 511, 512, 1024, 4096, 65536, 131072, len(JSON_TEXT)):
            data = JSON_TEXT[:size]
            for level in (0, 1, 9):
                packed = deflate(data, level)
                for fragment in (None, 1, 256, 4096):
                    if fragment == 1 and len(packed) > 2000:
                        continue
                    with self.subTest(size=size, level=level, fragment=fragment):
                        self.judge(socket, TEXT, data,
                                   compressed(TEXT, data, fragment, packed))
        self.assertEqual(socket.finish(), 1000)

    def test_windows_of_both_sides(self):
        for bits in range(9, 16):
            socket = self.socket(offer=f"permessage-deflate; server_max_window_bits={bits}")
            self.assertIn(f"={bits}", socket.agreed)
            packed = deflate(JSON_TEXT, bits=bits)
            self.judge(socket, TEXT, JSON_TEXT, compressed(TEXT, JSON_TEXT, None, packed))
            self.assertEqual(socket.compressed_count, 1)
            socket.close()

    def test_uncompressed_messages_and_control_frames_stand_between(self):
        socket = self.socket()
        self.judge(socket, TEXT, b"plain", encode_frame(TEXT, b"plain"))
        self.judge(socket, BINARY, b"\xff" * 2000, compressed(BINARY, b"\xff" * 2000))
        self.judge(socket, TEXT, b"", compressed(TEXT, b"", packed=b""))
        frames = compressed(TEXT, JSON_TEXT, 4000)
        socket.wire.send(encode_frame(PING, b"before"))
        self.assertEqual(socket.receive(), (PONG, b"before"))
        self.judge(socket, TEXT, JSON_TEXT, frames)

    def test_a_block_that_says_it_is_the_last(self):
        socket = self.socket()
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        whole = packer.compress(b"Hello, world!") + packer.flush(zlib.Z_FINISH)
        for packed in (whole, whole + b"\0"):
            self.judge(socket, TEXT, b"Hello, world!", compressed(TEXT, b"", packed=packed))

    def test_small_and_random_ones_are_left_as_they_are(self):
        socket = self.socket()
        self.judge(socket, TEXT, b"x" * 511, encode_frame(BINARY, b"x" * 511))
        noise = random.Random(1).randbytes(5000)
        self.judge(socket, BINARY, noise, encode_frame(BINARY, noise))
        self.assertEqual(socket.compressed_count, 0)
        self.judge(socket, TEXT, b"x" * 512, encode_frame(BINARY, b"x" * 512))
        self.assertEqual(socket.compressed_count, 1)

    def test_compressed_and_plain_observers_hear_the_same(self):
        compressed_socket, plain = self.socket(), WebSocket(
            self.server.address, "/api/v1/pipes/big/ws?direction=both", protocols=[])
        self.addCleanup(plain.close)
        self.heard.send(struct.pack("!I", len(JSON_TEXT)) + JSON_TEXT)
        self.assertEqual(compressed_socket.receive(), (TEXT, JSON_TEXT))
        self.assertEqual(plain.receive_message(), (TEXT, JSON_TEXT))
        self.assertEqual(compressed_socket.compressed_count, 1)

    def assert_refused(self, data, code):
        socket = self.socket()
        try:
            socket.wire.send(data)
        except ConnectionError:
            pass  # it had heard enough
        opcode, payload = socket.receive()
        self.assertEqual(opcode, CLOSE)
        self.assertEqual(struct.unpack("!H", payload[:2])[0], code, payload)

    def test_what_is_wrong_is_refused(self):
        good = deflate(JSON_TEXT)
        for name, data, code in (
                ("reserved bit on a control frame", encode_frame(PING, b"", reserved=RSV1), 1002),
                ("on a close", encode_frame(CLOSE, b"", reserved=RSV1), 1002),
                ("on a continuation", encode_frame(TEXT, b"", is_final=False)
                 + encode_frame(CONTINUATION, b"", reserved=RSV1), 1002),
                ("on a compressed message's continuation",
                 encode_frame(TEXT, b"\0", is_final=False, reserved=RSV1)
                 + encode_frame(CONTINUATION, b"", reserved=RSV1), 1002),
                ("another reserved bit", encode_frame(TEXT, good, reserved=RSV1 | 2), 1002),
                ("no deflate", encode_frame(TEXT, b"\xff\xff\xff", reserved=RSV1), 1007),
                ("cut deflate", encode_frame(TEXT, good[:-20], reserved=RSV1), 1007),
                ("a window of the message before", encode_frame(TEXT, self.with_history(),
                                                                reserved=RSV1), 1007),
                ("text that is none", compressed(TEXT, b"\xff" * 2000), 1007),
                ("text that is none, unfinished",
                 encode_frame(TEXT, deflate(b"\xff" * 2000), is_final=False, reserved=RSV1), 1007),
                ("more than the limit", compressed(BINARY, b"x" * ((1 << 20) + 1)), 1009)):
            with self.subTest(name):
                self.assert_refused(data, code)

    @staticmethod
    def with_history():
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        packer.compress(JSON_TEXT[:20000])
        packer.flush(zlib.Z_SYNC_FLUSH)
        return (packer.compress(JSON_TEXT[:2000]) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]

    def test_a_bomb_is_stopped_at_the_limit(self):
        before = self.server.rss_kib()
        bomb = compressed(BINARY, b"\0" * (1 << 30 if not IS_SANITIZED else 1 << 27), 65536)
        self.assert_refused(bomb, 1009)
        if not IS_SANITIZED:
            self.assertLess(self.server.rss_kib() - before, 8192)


class Events(Compression):
    def test_the_stream_is_compressed_where_that_pays(self):
        self.start()
        client = self.client()
        for protocol in ("pipebridge.v1.json", "pipebridge.v1.bin"):
            socket = self.socket("/api/v1/events?since=0", protocols=[protocol])
            socket.receive()
            last = f"last of {protocol}".encode()
            client.send((struct.pack("!I", 20) + b"the same, once again") * 100)
            client.send(struct.pack("!I", len(last)) + last)
            everything = b""
            while last not in everything:
                everything += socket.receive()[1]
            self.assertGreater(socket.compressed_count, 0)
            self.assertEqual(everything.count(b"the same, once again"),
                             100 if protocol == "pipebridge.v1.json" else 200)
            self.assertEqual(socket.finish(), 1000)


@unittest.skipUnless(websockets, "python3-websockets is not installed")
class Python(Compression):
    def test_websockets_of_python(self):
        self.start()
        client = self.client()

        async def talk():
            url = f"ws://127.0.0.1:{self.server.port}/api/v1/pipes/big/ws"
            async with websockets.connect(url, max_size=None) as socket:
                extension = [type(e).__name__ for e in socket.extensions]
                await socket.send(JSON_TEXT.decode())
                self.assertTrue(client.receive_exactly(4 + len(JSON_TEXT))[4:] == JSON_TEXT)
                client.send(struct.pack("!I", len(JSON_TEXT)) + JSON_TEXT)
                return extension, await socket.recv()

        extension, got = asyncio.run(asyncio.wait_for(talk(), SHORT_S))
        self.assertEqual(extension, ["PerMessageDeflate"])
        self.assertEqual(got, JSON_TEXT.decode())


NODE = """
const WebSocket = require("ws");
const socket = new WebSocket(process.argv[1], { perMessageDeflate: { threshold: 100 } });
const text = "the same again ".repeat(5000);
socket.on("open", () => socket.send(text));
socket.on("message", (data, isBinary) => {
  console.log(JSON.stringify({ same: String(data) === text, isBinary, extensions: socket.extensions }));
  socket.close();
});
"""


class Node(Compression):
    def test_ws_of_node(self):
        node = need_tool("node")
        # Where Debian's node-ws is; a Node of another origin does not look there by itself.
        environment = os.environ | {"NODE_PATH": "/usr/share/nodejs"}
        if subprocess.run([node, "-e", "require('ws')"], capture_output=True, env=environment,
                          check=False).returncode:
            self.skipTest("node-ws is not installed")
        self.start()
        self.client()
        url = f"ws://127.0.0.1:{self.server.port}/api/v1/pipes/big/ws?direction=both"
        done = subprocess.run([node, "-e", NODE, url], capture_output=True, env=environment,
                              timeout=LONG_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual((answer["same"], answer["isBinary"]), (True, False))
        self.assertIn("permessage-deflate", answer["extensions"])
