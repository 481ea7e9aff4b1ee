"""Requests that may be said twice, and are done once."""

import signal

from harness import http
from harness.bridge import pipe
from harness.case import BridgeCase
from harness.deadline import LONG_S, wait_until
from harness.observer import payload_of
from harness.trace import StoppedThread

PATH = "/api/v1/pipes/line/messages"


class Keys(BridgeCase):
    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=[
            pipe("line"), pipe("deaf", mode="message")])
        self.client = self.connect(self.server, "line")
        self.session = self.server.wait_for_sessions("line", 1)[0]["id"]
        self.observer = self.ndjson(self.server, "?kind=injected")

    def post(self, key, body=b"x", path=PATH):
        return self.server.post(path, body, headers={"Idempotency-Key": key})

    def assert_injected(self, *bodies):
        """These, and nothing else."""
        self.server.inject("line", b"mark")
        self.assertEqual([payload_of(self.observer.next()) for _ in range(len(bodies) + 1)],
                         [*bodies, b"mark"])

    def test_the_same_request_again_gets_the_same_answer_and_sends_nothing(self):
        first = self.post("one")
        self.assertEqual(first.status, 201)
        self.assertNotIn("idempotency-replayed", first.headers)
        for _ in range(3):
            again = self.post("one")
            self.assertEqual((again.status, again.body, again.headers["idempotency-replayed"]),
                             (201, first.body, "true"))
        self.assert_injected(b"x")

    def test_also_when_the_session_is_gone_by_then(self):
        path = f"/api/v1/sessions/{self.session}/messages"
        first = self.post("one", path=path)
        self.client.close()
        self.server.wait_for_sessions("line", 0)
        self.assertEqual(self.post("one", path=path).body, first.body)
        self.assert_problem(self.post("two", path=path), 409, "session_closed")

    def test_of_a_filter_and_of_one_that_is_not_waited_for(self):
        for path in ("/api/v1/messages?q=pipe:line", PATH + "?wait=0"):
            first = self.post(path, path=path)
            again = self.post(path, path=path)
            self.assertEqual((again.status, again.body), (first.status, first.body))
            self.assertEqual(again.headers["idempotency-replayed"], "true")
        self.assert_injected(b"x", b"x")

    def test_another_request_under_the_same_key_is_refused(self):
        self.assertEqual(self.post("one").status, 201)
        for body, path in ((b"y", PATH), (b"x", PATH + "?direction=s2c"), (b"x", PATH + "?wait=0"),
                           (b"x", f"/api/v1/sessions/{self.session}/messages")):
            self.assert_problem(self.post("one", body, path), 422, "idempotency_key_reused")
        self.assertEqual(self.post("two", b"y").status, 201)
        self.assert_injected(b"x", b"y")

    def test_what_was_refused_may_be_tried_again(self):
        path = "/api/v1/pipes/later/messages"
        self.assert_problem(self.post("one", path=path), 404, "pipe_not_found")
        self.assert_problem(self.post("one", path=path), 404, "pipe_not_found")
        # The key is not taken: nothing was done under it.
        self.assertEqual(self.post("one").status, 201)
        self.assert_injected(b"x")

    def test_while_the_first_goes_on_the_second_is_told_so(self):
        deaf = self.connect(self.server, "deaf", is_message=True)
        self.server.wait_for_sessions("deaf", 1)
        path = "/api/v1/pipes/deaf/messages"
        while (answer := self.server.post(path, b"x" * 60000)).status == 201:
            pass
        # From here on each waits a second for who does not read.
        self.assertEqual(answer.status, 202)
        observer = self.ndjson(self.server, "?kind=injected&pipe=deaf")
        wire = http.Wire(self.server.address)
        self.addCleanup(wire.close)
        wire.send(http.format_request("POST", path, {
            "Host": f"127.0.0.1:{self.server.port}", "Content-Length": "1",
            "Idempotency-Key": "k"}, b"y"))
        self.assertEqual(payload_of(observer.next()), b"y")
        self.assert_problem(self.post("k", b"y", path), 409, "idempotency_key_under_way")
        self.assert_problem(self.post("k", b"z", path), 422, "idempotency_key_reused")
        first = http.read_response(wire)
        self.assertEqual(first.status, 202)
        self.assertEqual(self.post("k", b"y", path).body, first.body)
        deaf.close()

    def test_keys_that_are_none(self):
        for key in ("", "x" * 256, "\xfc"):
            self.assert_problem(self.post(key), 400, "bad_idempotency_key")
        self.assertEqual(self.post("x" * 255).status, 201)

    def test_the_oldest_is_forgotten_for_the_newest(self):
        path = "/api/v1/pipes/deaf/messages"  # where nobody is
        first = self.post("first", b"", path)
        for number in range(1023):
            self.assertEqual(self.post(f"k{number}", b"", path).status, 202)
        self.assertEqual(self.post("first", b"", path).body, first.body)
        self.post("one more", b"", path)
        again = self.post("first", b"", path)
        self.assertEqual(again.status, 202)
        self.assertNotIn("idempotency-replayed", again.headers)


class Gone(BridgeCase):
    def test_what_was_answered_with_504_is_still_done_once_and_can_be_asked_for(self):
        server = self.bridge(pipes=[pipe("line")], config={"http": {"request_timeout_ms": 500}})
        client = self.connect(server, "line")
        server.wait_for_sessions("line", 1)
        observer = self.ndjson(server, "?kind=injected")
        paths = {"one": "/api/v1/pipes/line/messages", "some": "/api/v1/messages?q=pipe:line"}

        def post(key):
            return server.post(paths[key], key.encode(), headers={"Idempotency-Key": key},
                               timeout_s=LONG_S)
        with StoppedThread(server.thread("pb-pipe")):
            for key in paths:
                self.assert_problem(post(key), 504, "timed_out")
                self.assert_problem(post(key), 409, "idempotency_key_under_way")
        for key in paths:
            answer = wait_until(lambda: (told := post(key)).status != 409 and told,
                                "the answer that was kept", LONG_S)
            self.assertEqual((answer.status, answer.headers.get("idempotency-replayed")),
                             (201, "true"))
        self.assertEqual(client.receive_exactly(9), b"one\nsome\n")
        server.inject("line", b"mark")
        self.assertEqual([payload_of(e) for e in observer.take(3)], [b"one", b"some", b"mark"])

    def test_the_program_may_end_before_the_answer_comes(self):
        server = self.bridge(pipes=[pipe("line")], config={"http": {"request_timeout_ms": 200}})
        self.connect(server, "line")
        server.wait_for_sessions("line", 1)
        with StoppedThread(server.thread("pb-pipe")):
            for key, path in (("1", PATH), ("2", "/api/v1/messages?q=pipe:line")):
                self.assert_problem(server.post(path, b"x", headers={"Idempotency-Key": key},
                                                timeout_s=LONG_S), 504, "timed_out")
            server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(LONG_S), 0)
