"""A file of messages in one POST: lines of JSON in, what became of each out."""

import base64
import json
import threading
import time

from harness import http
from harness.bridge import PIPES, pipe
from harness.case import BridgeCase
from harness.deadline import wait_until
from harness.observer import payload_of

LINES = "/api/v1/pipes/line/messages"
NDJSON = {"Content-Type": "application/x-ndjson"}


def ndjson(*objects):
    return b"".join(json.dumps(o).encode() + b"\n" for o in objects)


class LinesCase(BridgeCase):
    def post(self, server, body, path=LINES, **headers):
        """(the lines' results, the last line)"""
        answer = server.post(path, body, headers=NDJSON | headers)
        self.assertEqual((answer.status, answer.headers["content-type"]),
                         (200, "application/x-ndjson"), answer.body)
        told = [json.loads(line) for line in answer.body.splitlines()]
        self.assertTrue(told[-1]["end"])
        return told[:-1], told[-1]


class Lines(LinesCase):
    def test_each_form_arrives_in_order_and_each_line_is_told(self):
        server = self.bridge(pipes=PIPES)
        client = self.connect(server, "line")
        server.wait_for_sessions("line", 1)
        observer = self.ndjson(server, "?kind=injected")
        told, last = self.post(server, ndjson(
            {"text": "one"}, {"base64": base64.b64encode(b"tw\xff").decode()}, {"hex": "74 6833"},
            {"text": ""}))
        self.assertEqual(client.receive_exactly(13), b"one\ntw\xff\nth3\n\n")
        self.assertEqual([(t["line"], t["result"], t["bytes"], t["delivered"]) for t in told],
                         [(n, "delivered", size, 1)
                          for n, size in ((1, 3), (2, 3), (3, 3), (4, 0))])
        events = observer.take(4)
        self.assertEqual([e["seq"] for e in events], [t["seq"] for t in told])
        self.assertEqual(events[0]["by"]["via"], "http")
        self.assertEqual((last["lines"], last["delivered"], last["run"], last["is_complete"]),
                         (4, 4, observer.run, True))

    def test_the_parameter_asks_for_it_too_and_the_last_line_needs_no_end(self):
        server = self.bridge(pipes=PIPES)
        client = self.connect(server, "line")
        server.wait_for_sessions("line", 1)
        answer = server.post(LINES + "?body=ndjson", b'\n{"text":"a"}\r\n\n  \n{"text":"b"}')
        told = [json.loads(line) for line in answer.body.splitlines()]
        self.assertEqual([t.get("line") for t in told], [2, 5, None])
        self.assertEqual(client.receive_exactly(4), b"a\nb\n")
        told, last = self.post(server, b"")
        self.assertEqual((told, last["lines"]), ([], 0))

    def test_a_bad_line_is_told_and_the_others_go_on(self):
        server = self.bridge(pipes=[pipe("line", limits={"max_message_bytes": 100})])
        client = self.connect(server, "line")
        session = server.wait_for_sessions("line", 1)[0]["id"]
        body = b"\n".join([
            b'{"text":"1"}', b'{"text":', b'{"text":"3","base64":""}', b'[]', b'{"hex":"5"}',
            b'{"text":"6","sesion":1}', b'{"text":"7","session":"x"}',
            b'{"text":"8","session":99999}', b'{"text":"9","direction":"c2s"}',
            b'{"text":"10","delay_ms":-1}', b'{"text":"' + b"x" * 101 + b'"}',
            b'{"text":"12","session":%d}' % session, b'{"text":"13","direction":"s2c"}', b'\xff'])
        told, last = self.post(server, body)
        self.assertEqual([t["result"] for t in told], [
            "delivered", "bad_json", "bad_payload", "bad_json", "bad_payload", "unknown_member",
            "bad_line", "session_not_found", "direction_not_possible", "bad_line", "too_large",
            "delivered", "delivered", "bad_json"])
        self.assertEqual([t["line"] for t in told], list(range(1, 15)))
        self.assertEqual((last["lines"], last["delivered"], last["refused"]), (14, 3, 11))
        self.assertEqual(client.receive_exactly(8), b"1\n12\n13\n")

    def test_to_whom(self):
        server = self.bridge(pipes=[pipe("line"), pipe("other")])
        line, other = self.connect(server, "line"), self.connect(server, "other")
        one = server.wait_for_sessions("line", 1)[0]["id"]
        two = server.wait_for_sessions("other", 1)[0]["id"]
        told, _ = self.post(server, ndjson(
            {"text": "a", "session": one}, {"text": "b", "pipe": "other"},
            {"text": "c", "session": two}, {"text": "d"}, {"text": "e", "pipe": "none"}),
            "/api/v1/messages")
        self.assertEqual([t["result"] for t in told],
                         ["delivered"] * 3 + ["bad_line", "pipe_not_found"])
        self.assertEqual(line.receive_exactly(2), b"a\n")
        self.assertEqual(other.receive_exactly(4), b"b\nc\n")
        told, _ = self.post(server, ndjson({"text": "x", "session": two},
                                           {"text": "y", "pipe": "line"}))
        self.assertEqual([t["result"] for t in told], ["session_not_found", "unknown_member"])
        told, _ = self.post(server, ndjson({"text": "x", "session": two}, {"text": "y"}),
                            f"/api/v1/sessions/{one}/messages")
        self.assertEqual([t["result"] for t in told], ["unknown_member", "delivered"])
        self.assertEqual(line.receive_exactly(2), b"y\n")

    def test_what_does_not_go_with_it(self):
        server = self.bridge(pipes=PIPES)
        body = ndjson({"text": "x"})

        def post(path, **headers):
            return server.post(path, body, headers=NDJSON | headers)
        self.assert_problem(post(LINES + "?q=pid:1"), 400, "not_with_ndjson")
        self.assert_problem(post(LINES + "?wait=0"), 400, "not_with_ndjson")
        self.assert_problem(post(LINES + "?interval_ms=x"), 400, "bad_interval")
        self.assert_problem(post(LINES + "?interval_ms=60001"), 400, "bad_interval")
        self.assert_problem(post(LINES, **{"Idempotency-Key": "k"}), 400,
                            "idempotency_not_possible")

    def test_nobody_there_is_told_for_each(self):
        server = self.bridge(pipes=PIPES)
        told, last = self.post(server, ndjson({"text": "x"}, {"text": "y"}))
        self.assertEqual([t["result"] for t in told], ["no_receiver"] * 2)
        self.assertEqual(last["no_receiver"], 2)


class Flow(LinesCase):
    def test_a_full_queue_is_waited_for(self):
        server = self.bridge(pipes=[pipe("exact", mode="message")],
                             config={"http": {"max_body_bytes": 16 << 20}})
        client = self.connect(server, "exact", is_message=True)
        server.wait_for_sessions("exact", 1)
        count = 0

        def listen():
            nonlocal count
            while count < 400:
                self.assertEqual(client.receive(), b"%06d" % count + b"x" * 20000)
                count += 1
        listener = threading.Thread(target=listen)
        listener.start()
        body = ndjson(*({"text": "%06d" % n + "x" * 20000} for n in range(400)))
        told, last = self.post(server, body, "/api/v1/pipes/exact/messages")
        listener.join()
        self.assertEqual(count, 400)
        self.assertEqual(last["delivered"] + last["queued"], 400)
        self.assertEqual([t["line"] for t in told], list(range(1, 401)))

    def test_lines_are_paced_by_their_interval_and_their_own_delay(self):
        server = self.bridge(pipes=PIPES)
        self.connect(server, "line")
        server.wait_for_sessions("line", 1)
        observer = self.ndjson(server, "?kind=injected")
        begin = time.monotonic()
        self.post(server, ndjson({"text": "a", "delay_ms": 50}, {"text": "b"}, {"text": "c"},
                                 {"text": "d", "delay_ms": 0}, {"text": "e", "delay_ms": 200}),
                  LINES + "?interval_ms=100")
        times = [e["mono_ns"] / 1e6 for e in observer.take(5)]
        gaps = [later - sooner for sooner, later in zip(times, times[1:])]
        self.assertGreaterEqual((time.monotonic() - begin) * 1000, 450)
        for gap, wanted in zip(gaps, (100, 100, 0, 200)):
            self.assertGreaterEqual(gap, wanted / 2)  # one that is late does not put off the next
        self.assertLess(gaps[2], 90)

    def test_a_paced_file_outlives_the_request_time_out(self):
        server = self.bridge(pipes=PIPES, config={"http": {"request_timeout_ms": 200}})
        self.connect(server, "line")
        server.wait_for_sessions("line", 1)
        _, last = self.post(server, ndjson(*({"text": str(n)} for n in range(6))),
                            LINES + "?interval_ms=100")
        self.assertEqual(last["delivered"], 6)

    def test_when_the_client_goes_the_rest_is_not_sent(self):
        server = self.bridge(pipes=PIPES)
        client = self.connect(server, "line")
        server.wait_for_sessions("line", 1)
        observer = self.ndjson(server, "?kind=injected")
        body = ndjson(*({"text": str(n)} for n in range(1000)))
        wire = http.Wire(server.address)
        wire.send(http.format_request("POST", LINES + "?interval_ms=50", NDJSON | {
            "Host": f"127.0.0.1:{server.port}", "Content-Length": str(len(body))}, body))
        self.assertEqual(http.read_head(wire).status, 200)
        self.assertIn(b'"line":1,', wire.take_until(b"\n"))
        self.assertEqual(server.get("/healthz").json["observers"], 1)  # a file is none
        held = server.fd_count()
        wire.close()
        wait_until(lambda: server.fd_count() < held, "the end of its connection")
        server.inject("line", b"mark")
        said = b""
        while not said.endswith(b"mark\n"):
            said += client.receive()
        self.assertLess(said.count(b"\n"), 100)
        events = [payload_of(observer.next()) for _ in range(said.count(b"\n"))]
        self.assertEqual(events[-1], b"mark")

    def test_who_does_not_read_the_answer_holds_only_himself_up(self):
        server = self.bridge(pipes=PIPES, config={"http": {"max_body_bytes": 16 << 20}})
        self.connect(server, "exact", is_message=True)
        body = b"{}\n" * 1_000_000
        wire = http.Wire(server.address)
        self.addCleanup(wire.close)
        wire.send(http.format_request("POST", LINES, NDJSON | {
            "Host": f"127.0.0.1:{server.port}", "Content-Length": str(len(body))}, body))
        self.assertEqual(http.read_head(wire).status, 200)
        before = server.rss_kib()
        for _ in range(20):
            self.assertEqual(server.inject("exact", b"x").status, 201)
        self.assertLess(server.rss_kib() - before, 20000)

    def test_files_are_bounded_in_number(self):
        server = self.bridge(pipes=PIPES)
        body = ndjson({"text": "a"}, {"text": "b", "delay_ms": 60000})
        wires = []
        for _ in range(64):
            wire = http.Wire(server.address)
            self.addCleanup(wire.close)
            wire.send(http.format_request("POST", LINES, NDJSON | {
                "Host": f"127.0.0.1:{server.port}", "Content-Length": str(len(body))}, body))
            self.assertEqual(http.read_head(wire).status, 200)
            wires.append(wire)
        answer = server.post(LINES, body, headers=NDJSON)
        self.assert_problem(answer, 429, "too_many_files")
        wires[0].close()
        wait_until(lambda: server.post(LINES, ndjson({"text": "x"}), headers=NDJSON).status == 200,
                   "room for another file")
