"""What a body may be: bytes of any type, empty, JSON on request; and not waiting for the answer."""

import json

from harness.bridge import PIPES, pipe
from harness.case import BridgeCase
from harness.observer import payload_of


class Bytes(BridgeCase):
    def test_no_content_type_changes_a_byte(self):
        server = self.bridge(pipes=[pipe("exact", mode="message")])
        client = self.connect(server, "exact", is_message=True)
        server.wait_for_sessions("exact", 1)
        for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain",
                     "multipart/form-data; boundary=x", "application/x-ndjsonx", "image/png", "?",
                     "application/problem+json", None):
            body = b'{"text":"%b"}\n\x00\xff' % str(kind).encode()
            answer = server.post("/api/v1/pipes/exact/messages", body,
                                 headers={"Content-Type": kind})
            self.assertEqual((answer.status, answer.json["bytes"]), (201, len(body)), kind)
            self.assertEqual(client.receive(), body)
        answer = server.post("/api/v1/pipes/exact/messages?body=bytes", b'{"text":"x"}\n',
                             headers={"Content-Type": "application/x-ndjson"})
        self.assertEqual(answer.status, 201)
        self.assertEqual(client.receive(), b'{"text":"x"}\n')

    def test_an_empty_message_is_one_where_the_pipe_knows_messages(self):
        server = self.bridge(pipes=PIPES)
        exact = self.connect(server, "exact", is_message=True)
        line, raw = self.connect(server, "line"), self.connect(server, "raw")
        server.wait_for_sessions("exact", 1)
        server.wait_for_sessions("line", 1)
        server.wait_for_sessions("raw", 1)
        observer = self.ndjson(server, "?kind=injected")
        self.assertEqual(server.inject("exact", b"").status, 201)
        self.assertEqual(server.inject("line", b"").status, 201)
        self.assertEqual(exact.receive(), b"")
        self.assertEqual(line.receive_exactly(1), b"\n")
        self.assertEqual([e["size"] for e in observer.take(2)], [0, 0])
        self.assert_problem(server.inject("raw", b""), 400, "empty_message")
        server.inject("raw", b"x")
        self.assertEqual(raw.receive_exactly(1), b"x")
        self.assertEqual(observer.next()["size"], 1)


class Json(BridgeCase):
    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=[pipe("exact", mode="message",
                                              limits={"max_message_bytes": 1000})])
        self.client = self.connect(self.server, "exact", is_message=True)
        self.server.wait_for_sessions("exact", 1)

    def post(self, body):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.server.post("/api/v1/pipes/exact/messages?body=json", body)

    def test_each_form_arrives(self):
        for body, wanted in [({"text": "hällo\0\n"}, "hällo\0\n".encode()), ({"text": ""}, b""),
                             ({"base64": "AP+A"}, b"\x00\xff\x80"),
                             ({"hex": "00 ff0A"}, b"\x00\xff\n"),
                             ({"base64": ""}, b"")]:
            answer = self.post(body)
            self.assertEqual((answer.status, answer.json["bytes"]), (201, len(wanted)), body)
            self.assertEqual(self.client.receive(), wanted)

    def test_on_every_route(self):
        session = self.server.sessions()[0]["id"]
        for path in ("/api/v1/messages?pipe=exact&", f"/api/v1/sessions/{session}/messages?"):
            answer = self.server.post(path + "body=json", b'{"text":"hello"}')
            self.assertEqual(answer.status, 201)
            self.assertEqual(self.client.receive(), b"hello")
        for path in ("/api/v1/messages?", f"/api/v1/sessions/{session}/messages?"):
            line = {"text": "hello"} | ({"session": session} if "sessions" not in path else {})
            answer = self.server.post(path + "body=ndjson&interval_ms=1", json.dumps(line).encode())
            self.assertEqual(answer.status, 200)
            self.assertEqual(self.client.receive(), b"hello")

    def test_what_is_wrong_is_said_with_its_place_and_nothing_is_sent(self):
        for body, code, words in [
                (b"", "bad_json", "line 1"), (b"[]", "bad_json", "object"),
                (b'{"text":"a",\n "text":"b"}', "bad_json", "line 2"),
                (b'{"text":"\xff"}', "bad_json", "column"),
                ({}, "bad_payload", "None of"), ({"text": 1}, "bad_payload", "no string"),
                ({"text": "a", "hex": "00"}, "bad_payload", "both"),
                ({"base64": "AP_A"}, "bad_payload", "character 3"),
                ({"hex": "0"}, "bad_payload", "too early"),
                ({"text": "a", "session": 1}, "unknown_member", "session")]:
            answer = self.post(body)
            self.assert_problem(answer, 400, code)
            self.assertIn(words, answer.json["detail"])
        self.assert_problem(self.post({"text": "x" * 1001}), 413, "too_large")
        answer = self.server.post("/api/v1/pipes/exact/messages?body=xml", b"x")
        self.assert_problem(answer, 400, "bad_body")
        self.assertEqual(self.post({"text": "only this"}).status, 201)
        self.assertEqual(self.client.receive(), b"only this")


class Wait(BridgeCase):
    def test_the_time_it_took_is_told(self):
        server = self.bridge(pipes=[pipe("line")])
        self.connect(server, "line")
        server.wait_for_sessions("line", 1)
        told = server.inject("line", b"x").json
        self.assertEqual(told["result"], "delivered")
        self.assertGreater(told["microseconds"], 0)
        self.assertLess(told["microseconds"], 10_000_000)

    def test_who_does_not_wait_is_told_at_once_what_is_known(self):
        server = self.bridge(pipes=[pipe("line", limits={"max_message_bytes": 100})])
        client = self.connect(server, "line")
        session = server.wait_for_sessions("line", 1)[0]["id"]
        observer = self.ndjson(server, "?kind=injected")
        answer = server.post("/api/v1/pipes/line/messages?wait=0", b"hello")
        self.assertEqual(answer.status, 202)
        self.assertEqual(answer.json, {"run": observer.run, "result": "accepted", "pipe": "line",
                                       "session": 0, "bytes": 5})
        self.assertEqual(client.receive_exactly(6), b"hello\n")
        self.assertEqual(payload_of(observer.next()), b"hello")
        answer = server.post(f"/api/v1/sessions/{session}/messages?wait=0", b"you")
        self.assertEqual((answer.status, answer.json["session"]), (202, session))
        self.assertEqual(client.receive_exactly(4), b"you\n")
        self.assert_problem(server.post("/api/v1/pipes/line/messages?wait=0", b"x" * 101),
                            413, "too_large")
        self.assert_problem(server.post("/api/v1/pipes/none/messages?wait=0", b"x"),
                            404, "pipe_not_found")
        self.assert_problem(server.post("/api/v1/pipes/line/messages?wait=no", b"x"),
                            400, "bad_wait")
