"""The WebSocket handshake, right and wrong, and other HTTP that arrives broken."""

import base64
import hashlib

from harness.bridge import pipe
from harness.case import BridgeCase
from harness.http import Wire, read_response
from harness.websocket import (PING, PONG, PROTOCOL, WebSocket, encode_frame, handshake_headers,
                               new_key, upgrade_response)


class Handshake(BridgeCase):
    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=[pipe("line")])
        self.address = self.server.address

    def upgrade(self, **options):
        return upgrade_response(self.address, **options)

    def test_the_answer_is_rfc_6455s(self):
        key = "dGhlIHNhbXBsZSBub25jZQ=="
        answer = self.upgrade(extra={"Sec-WebSocket-Key": key})
        self.assertEqual(answer.status, 101)
        self.assertEqual(answer.headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        self.assertEqual(answer.headers["upgrade"].lower(), "websocket")
        self.assertIn("upgrade", answer.headers["connection"].lower())
        self.assertEqual(answer.headers["sec-websocket-protocol"], PROTOCOL)
        self.assertNotIn("sec-websocket-extensions", answer.headers)

    def test_forms_that_browsers_use_are_accepted(self):
        for extra in ({"Connection": "keep-alive, Upgrade"}, {"Upgrade": "WebSocket"},
                      {"Connection": "upgrade"},
                      {"Sec-WebSocket-Key": "  dGhlIHNhbXBsZSBub25jZQ== \t "},
                      {"Sec-WebSocket-Version": " 13 "},
                      {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"},
                      {"Sec-WebSocket-Protocol": f"chat, {PROTOCOL}"},
                      {"Sec-WebSocket-Protocol": None}):
            answer = self.upgrade(extra=extra)
            self.assertEqual(answer.status, 101, extra)
            self.assertNotIn("sec-websocket-extensions", answer.headers)

    def test_a_wrong_version_is_426_and_names_ours(self):
        for version in ("12", "8", "14", "", "x", "13, 8", None):
            answer = self.upgrade(extra={"Sec-WebSocket-Version": version})
            self.assertIn(answer.status, (400, 426), version)
            if version in ("12", "8", "14"):
                self.assert_problem(answer, 426)
                self.assertEqual(answer.headers["sec-websocket-version"], "13")

    def test_a_bad_key_is_400(self):
        for key in (None, "", "short", "x" * 24, base64.b64encode(b"15 bytes long..").decode(),
                    base64.b64encode(b"17 bytes long....").decode(), "dGhlIHNhbXBsZSBub25jZQ=!",
                    "dGhlIHNhbXBsZSBub25jZQ"):
            answer = self.upgrade(extra={"Sec-WebSocket-Key": key})
            self.assert_problem(answer, 400)

    def test_an_unknown_protocol_is_400(self):
        self.assert_problem(self.upgrade(protocols=("chat", "pipebridge.v9.json")), 400)

    def test_http_1_0_and_other_methods_do_not_upgrade(self):
        answer = self.upgrade(version="HTTP/1.0")
        self.assertIn(answer.status, (400, 426, 505))
        for method in ("POST", "PUT"):
            self.assertIn(self.upgrade(method=method, body=b"").status, (400, 405, 411))

    def test_an_upgrade_where_there_is_none(self):
        for path in ("/api/v1/pipes", "/", "/healthz"):
            self.assertIn(self.upgrade(path=path).status, (200, 400, 404))
        self.assert_problem(self.upgrade(path="/nothing"), 404)
        self.assert_problem(self.upgrade(path="/api/v1/events?since=x"), 400)
        self.assert_problem(self.upgrade(path="/api/v1/events?pipe=nobody"), 404)

    def test_a_body_with_the_handshake_is_no_frame(self):
        answer = self.upgrade(extra={"Content-Length": "4"}, body=b"body")
        self.assertIn(answer.status, (400, 101, 413))
        self.assertEqual(self.server.get("/healthz").status, 200)

    def test_frames_in_the_handshakes_segment_are_heard(self):
        early = encode_frame(PING, b"early") + encode_frame(PING, b"bird")
        socket = WebSocket(self.address, early=early)
        self.addCleanup(socket.close)
        self.assertEqual(socket.receive_control(PONG).payload, b"early")
        self.assertEqual(socket.receive_control(PONG).payload, b"bird")

    def test_a_handshake_that_comes_byte_by_byte(self):
        wire = Wire(self.address)
        self.addCleanup(wire.close)
        key = new_key()
        lines = ["GET /api/v1/events HTTP/1.1"]
        lines += [f"{k}: {v}" for k, v in handshake_headers(self.address, key).items()]
        for byte in "\r\n".join(lines).encode() + b"\r\n\r\n":
            wire.send(bytes([byte]))
        self.assertEqual(read_response(wire).status, 101)

    def test_the_key_is_hashed_and_not_guessed(self):
        for _ in range(20):
            key = new_key()
            wanted = base64.b64encode(hashlib.sha1(
                key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
            answer = self.upgrade(extra={"Sec-WebSocket-Key": key})
            self.assertEqual(answer.headers["sec-websocket-accept"], wanted)


class BrokenHttp(BridgeCase):
    """Whatever comes, the connection is answered or closed, and the next one is served."""

    def test_garbage_harms_nobody(self):
        server = self.bridge(pipes=[pipe("line")])
        host = b"Host: 127.0.0.1:%d\r\n" % server.port
        for data in [
                b"\r\n\r\n", b"\0" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                b"GET / HTTP/1.1\r\n" + host + b"X: " + b"y" * 100000 + b"\r\n\r\n",
                b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n" + host + b"\r\n",
                b"GET / HTTP/1.1\r\n" + host + b"Content-Length: -5\r\n\r\n",
                b"POST /api/v1/pipes/line/messages HTTP/1.1\r\n" + host
                + b"Content-Length: 99999999999999999999\r\n\r\n",
                b"POST /api/v1/pipes/line/messages HTTP/1.1\r\n" + host
                + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
                b"POST /api/v1/pipes/line/messages HTTP/1.1\r\n" + host
                + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
                b"GET /../../etc/passwd HTTP/1.1\r\n" + host + b"\r\n",
                b"GET http://127.0.0.1/ HTTP/1.1\r\n" + host + b"\r\n",
                b"OPTIONS * HTTP/1.1\r\n" + host + b"\r\n", b"\x16\x03\x01\x02\x00\x01" * 20]:
            with self.subTest(data[:60]):
                wire = Wire(server.address)
                self.addCleanup(wire.close)
                try:
                    wire.send(data)
                except (ConnectionResetError, BrokenPipeError):
                    pass
                wire.socket.settimeout(0.05)  # an answer, an end, or waiting for more: all fair
                try:
                    wire.fill()
                except (TimeoutError, ConnectionError):
                    pass
                else:
                    self.assertNotIn(b" 101 ", wire.take(wire.available())[:20])
                self.assertEqual(server.get("/healthz").status, 200)
        self.assertEqual(server.get("/api/v1/pipes/line").json["injected"], 0)
