"""`/pipes/{pipe}/ws`: a pipe as a WebSocket, message by message and nothing else."""

from harness import websocket
from harness.bridge import pipe
from harness.case import BridgeCase

PIPES = [pipe("line"), pipe("echo", reply="echo"), pipe("exact", mode="message"),
         pipe("small", limits={"max_message_bytes": 100}),
         {"name": "in", "role": "server", "transport": "fifo", "access": "inbound",
          "framing": "line", "path": "in.fifo"}]


class Raw(BridgeCase):
    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=PIPES)

    def raw(self, name, query=""):
        socket = websocket.WebSocket(self.server.address, f"/api/v1/pipes/{name}/ws{query}",
                                     protocols=[])
        self.addCleanup(socket.close)
        return socket

    def client(self, name, **options):
        client = self.connect(self.server, name, **options)
        self.server.wait_for_sessions(name, 1)
        return client

    def test_each_message_of_the_other_end_is_one_of_the_socket(self):
        socket = self.raw("line")
        self.client("line").send(b"hello\n\n\xff\xfe\n" + b"x" * 60000 + b"\n")
        self.assertEqual(socket.receive_message(), (websocket.TEXT, b"hello"))
        self.assertEqual(socket.receive_message(), (websocket.TEXT, b""))
        self.assertEqual(socket.receive_message(), (websocket.BINARY, b"\xff\xfe"))
        self.assertEqual(socket.receive_message(), (websocket.TEXT, b"x" * 60000))

    def test_binary_on_request(self):
        socket = self.raw("line", "?type=binary")
        self.client("line").send(b"hello\n")
        self.assertEqual(socket.receive_message(), (websocket.BINARY, b"hello"))

    def test_the_subprotocol_binary_means_the_same(self):
        socket = websocket.WebSocket(self.server.address, "/api/v1/pipes/line/ws",
                                     protocols=["binary", "base64"])
        self.addCleanup(socket.close)
        self.assertEqual(socket.protocol, "binary")
        self.client("line").send(b"hello\n")
        self.assertEqual(socket.receive_message(), (websocket.BINARY, b"hello"))

    def test_each_message_of_the_socket_is_injected_as_one(self):
        socket = self.raw("exact")
        client = self.client("exact", is_message=True)
        for data in (b"a", b"", b"\x00\xff" * 1000, b"z" * 65536):
            socket.send(websocket.BINARY, data)
            self.assertEqual(client.receive(), data)
        events = self.ndjson(self.server, "?since=0&kind=injected")
        self.assertEqual([e["size"] for e in events.take(4)], [1, 0, 2000, 65536])

    def test_the_direction_can_be_widened(self):
        sockets = {query: self.raw("echo", query)
                   for query in ("", "?direction=s2c", "?direction=both")}
        self.client("echo").send(b"one\n")
        sockets[""].send(websocket.TEXT, b"two")
        expected = {"": [b"one"], "?direction=s2c": [b"one", b"two"],
                    "?direction=both": [b"one", b"one", b"two"]}
        for query, messages in expected.items():
            got = [sockets[query].receive_message()[1] for _ in messages]
            self.assertEqual(got, messages, query)

    def test_one_session_is_seen_and_spoken_to(self):
        first = self.client("line")
        session = self.server.sessions("line")[0]["id"]
        second = self.connect(self.server, "line")
        self.server.wait_for_sessions("line", 2)
        socket = self.raw("line", f"?session={session}")
        second.send(b"not me\n")
        first.send(b"me\n")
        self.assertEqual(socket.receive_message()[1], b"me")
        socket.send(websocket.TEXT, b"you")
        self.assertEqual(first.receive_exactly(4), b"you\n")
        self.assert_refused("line", "?session=99", 404, "session_not_found")

    def assert_refused(self, name, query, status, code):
        with self.assertRaises(websocket.RefusedError) as caught:
            self.raw(name, query)
        self.assert_problem(caught.exception.response, status, code)

    def test_what_cannot_be_is_refused(self):
        self.assert_refused("none", "", 404, "pipe_not_found")
        self.assert_refused("line", "?type=x", 400, "bad_type")
        self.assert_refused("line", "?direction=x", 400, "bad_direction")
        self.assertEqual(self.server.get("/api/v1/pipes/line/ws").status, 426)

    def assert_closed(self, socket, code):
        while True:
            frame = socket.receive_frame()
            if frame.opcode == websocket.CLOSE:
                self.assertEqual(frame.close_code, code)
                return

    def test_what_the_pipe_does_not_take_closes_the_socket(self):
        socket = self.raw("small")
        socket.send(websocket.TEXT, b"x" * 101)
        self.assert_closed(socket, 1009)
        socket = self.raw("in")
        socket.send(websocket.TEXT, b"x")
        self.assert_closed(socket, 1003)

    def test_who_misses_something_is_closed_with_try_again_later(self):
        socket = websocket.WebSocket(self.server.address, "/api/v1/pipes/line/ws", protocols=[],
                                     receive_buffer_bytes=4096)
        self.addCleanup(socket.close)
        live = self.ndjson(self.server)
        client = self.client("line")
        for _ in range(40):
            client.send((b"y" * 50000 + b"\n") * 10)
        client.send(b"last\n")
        live.until(lambda e: e.get("text") == "last" or e["kind"] == "gap" and not e.get("text"))
        self.assert_closed(socket, 1013)
