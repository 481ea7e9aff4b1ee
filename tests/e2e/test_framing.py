"""What goes wrong with a framing and is told, what is over the limit and skipped, and a language server."""

import json
import pathlib
import sys
import time

from harness.bridge import FRAMED, pipe
from harness.case import BridgeCase
from harness.clients import frame, need_tool
from harness.deadline import LONG_S, wait_until
from harness.observer import payload_of

SERVER = pathlib.Path(__file__).parent / "harness" / "language_server.py"


class Malformed(BridgeCase):
    def test_a_client_that_breaks_the_framing_is_told_of_and_closed(self):
        server = self.bridge(pipes=[pipe("headers", framing="headers"),
                                    pipe("varint", framing="varint")])
        for name, wire in [("headers", b'{"jsonrpc":"2.0","id":1}\n'),
                           ("headers", b"Content-Length: two\r\n\r\n"),
                           ("headers", b"X: " + b"x" * 5000),
                           ("varint", b"\xff" * 10)]:
            with self.subTest(f"{name} {wire[:20]!r}"):
                observer = self.ndjson(server, f"?pipe={name}")
                client = self.connect(server, name)
                session = observer.until_kind("opened")["session"]
                client.send(frame(name, b"good") + wire)
                self.assertEqual(observer.messages(1, session=session)[0]["text"], "good")
                error = observer.until_kind("error", session=session)
                self.assertIn(f"framing {name}", error["detail"])
                closed = observer.until_kind("closed", session=session)
                self.assertEqual((closed["reason"], closed["status"]), ("error", "malformed"))
                self.assertTrue(client.is_at_end())


class Oversize(BridgeCase):
    LIMIT = 1000

    def pipes(self, oversize):
        more = {"limits": {"max_message_bytes": self.LIMIT}, "oversize": oversize}
        return ([pipe(name, framing=framing, **more) for name, framing in FRAMED]
                + [pipe("exact", mode="message", **more)])

    def test_skip_lets_the_message_go_and_the_session_goes_on(self):
        server = self.bridge(pipes=self.pipes("skip"))
        for name, framing in FRAMED + [("exact", None)]:
            with self.subTest(name):
                observer = self.ndjson(server, f"?pipe={name}")
                client = self.connect(server, name, is_message=name == "exact")
                session = observer.until_kind("opened")["session"]
                for body in (b"before", b"x" * 50000, b"y" * self.LIMIT):
                    client.send(frame(framing, body))
                before, error, after = observer.take(3)
                self.assertEqual(payload_of(before), b"before")
                self.assertEqual((error["kind"], error["session"]), ("error", session))
                self.assertIn("50000 bytes", error["detail"])
                self.assertIn(f"limits.max_message_bytes, {self.LIMIT}", error["detail"])
                self.assertEqual(payload_of(after), b"y" * self.LIMIT)
                told = server.get(f"/api/v1/pipes/{name}").json
                self.assertEqual(told["oversize"], "skip")
                self.assertEqual(told["skipped"], {"messages": 1, "bytes": 50000})
                self.assertEqual(told["c2s"]["messages"], 2)
                told = server.get(f"/api/v1/sessions/{session}").json
                self.assertEqual(told["skipped"], {"messages": 1, "bytes": 50000})
                client.close()
                self.assertEqual(observer.until_kind("closed")["reason"], "peer")

    def test_close_is_the_default_and_says_why(self):
        pipes = self.pipes("close")
        for entry in pipes:
            del entry["oversize"]
        server = self.bridge(pipes=pipes)
        for name, framing in FRAMED + [("exact", None)]:
            with self.subTest(name):
                observer = self.ndjson(server, f"?pipe={name}")
                client = self.connect(server, name, is_message=name == "exact")
                client.send(frame(framing, b"x" * (self.LIMIT + 1)))
                opened, error, closed = observer.take(3)
                self.assertEqual(opened["kind"], "opened")
                self.assertIn(f"limits.max_message_bytes, {self.LIMIT}", error["detail"])
                self.assertEqual((closed["reason"], closed["status"]), ("limit", "too_big"))
                self.assertEqual(server.get(f"/api/v1/pipes/{name}").json["oversize"], "close")

    def test_many_are_counted_each_and_told_together(self):
        server = self.bridge(pipes=self.pipes("skip"))
        observer = self.ndjson(server, timeout_s=LONG_S)
        client = self.connect(server, "line", timeout_s=LONG_S)
        begin = time.monotonic()
        for _ in range(2000):
            client.send(b"x" * 1500 + b"\n")
        client.send(b"last\n")
        events = observer.until(lambda e: e["kind"] == "message")
        client.close()
        events += observer.until(lambda e: e["kind"] == "closed")
        seconds = time.monotonic() - begin
        told = [e["detail"] for e in events if e["kind"] == "error"]
        self.assertIn("1500 bytes", told[0])
        self.assertGreaterEqual(len(told), 2)
        self.assertLessEqual(len(told), seconds + 2)
        counted = sum(1 if text.startswith("message of") else int(text.split()[0])
                      for text in told)
        self.assertEqual(counted, 2000)
        skipped = server.get("/api/v1/pipes/line").json["skipped"]
        self.assertEqual(skipped, {"messages": 2000, "bytes": 3000000})

    def test_a_message_without_end_costs_no_memory(self):
        server = self.bridge(pipes=self.pipes("skip"))
        client = self.connect(server, "line", timeout_s=LONG_S)
        client.send(b"begin\n")
        wait_until(lambda: server.get("/api/v1/pipes/line").json["c2s"]["messages"] == 1, "a line")
        before = server.rss_kib()
        for _ in range(512):
            client.send(b"x" * (1 << 18))
        client.send(b"\nend\n")
        wait_until(lambda: server.get("/api/v1/pipes/line").json["c2s"]["messages"] == 2,
                   "the line behind it", LONG_S)
        self.assertLess(server.rss_kib() - before, 16 * 1024)
        skipped = server.get("/api/v1/pipes/line").json["skipped"]
        self.assertEqual(skipped, {"messages": 1, "bytes": 512 << 18})


class LanguageServer(BridgeCase):
    """An editor and a language server, each a client of one pipe that passes on what the other says."""

    def setUp(self):
        super().setUp()
        socat = need_tool("socat")
        self.server = self.bridge(pipes=[pipe("lsp", framing="headers", reply="broadcast")])
        self.observer = self.ndjson(self.server)
        path = self.server.path("lsp")
        self.tool(socat, f"UNIX-CONNECT:{path}", f"EXEC:{sys.executable} -B {SERVER}")
        self.language = self.observer.until_kind("opened")["session"]
        self.editor = self.connect(self.server, "lsp")
        self.session = self.observer.until_kind("opened")["session"]

    def say(self, message):
        body = json.dumps({"jsonrpc": "2.0"} | message, ensure_ascii=False).encode()
        self.editor.send(b"Content-Length: %d\r\n"
                         b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n%s"
                         % (len(body), body))
        return body

    def hear(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.editor.receive_exactly(1)
        name, _, length = head.strip().partition(b": ")
        self.assertEqual(name, b"Content-Length")
        return json.loads(self.editor.receive_exactly(int(length)))

    def test_an_exchange_from_initialize_to_exit_is_seen_whole(self):
        said = [self.say({"id": 1, "method": "initialize", "params": {
            "processId": None, "rootUri": None, "capabilities": {}}})]
        answer = self.hear()
        self.assertEqual(answer["id"], 1)
        self.assertTrue(answer["result"]["capabilities"]["hoverProvider"])
        said.append(self.say({"method": "initialized", "params": {}}))
        said.append(self.say({"method": "textDocument/didOpen", "params": {"textDocument": {
            "uri": "file:///tmp/größe.c", "languageId": "c", "version": 1,
            "text": "int größe = 1;\r\n\r\n"}}}))
        self.assertIn("Größe", self.hear()["params"]["diagnostics"][0]["message"])
        # What a person injects is a message of the same kind, answered to the editor.
        answer = self.server.post(f"/api/v1/sessions/{self.language}/messages", json.dumps(
            {"jsonrpc": "2.0", "id": 99, "method": "textDocument/hover", "params": {}}).encode())
        self.assertEqual(answer.status, 201)
        self.assertEqual(self.hear(), {"jsonrpc": "2.0", "id": 99,
                                       "result": {"contents": "int größe"}})
        said.append(self.say({"id": 2, "method": "shutdown"}))
        self.assertEqual(self.hear(), {"jsonrpc": "2.0", "id": 2, "result": None})
        said.append(self.say({"method": "exit"}))
        events = self.observer.until(lambda e: e["kind"] == "closed")
        self.assertEqual((events[-1]["session"], events[-1]["reason"]), (self.language, "peer"))
        messages = [e for e in events if e["kind"] == "message" and e["direction"] == "c2s"]
        heard = [payload_of(e) for e in messages if e["session"] == self.session]
        self.assertEqual(heard, said)  # without their headers
        answers = [json.loads(payload_of(e)) for e in messages if e["session"] == self.language]
        self.assertEqual([a.get("id") for a in answers], [1, None, 99, 2])
