"""What a WebSocket's rules mean beside single frames, whose table is `harness/websocket_cases.py`: floods, silence,
who does not close, who vanishes."""

import json

from harness.bridge import IS_SANITIZED, pipe
from harness.case import BridgeCase
from harness.deadline import wait_until
from harness.http import ClosedError
from harness.websocket import CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocket, encode_frame


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

    def test_fragments_that_are_too_long_together_are_1009(self):
        socket = self.open()
        try:
            socket.send(TEXT, b"", is_final=False)
            for _ in range(64):
                socket.send(CONTINUATION, b"x" * 65536, is_final=False)
        except ConnectionError:
            pass  # it had heard enough
        self.assertEqual(socket.receive_control(CLOSE).close_code, 1009)

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
