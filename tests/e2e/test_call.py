"""Calls: a message goes in, the answer is what its session says next."""

import json
import threading

from harness.bridge import pipe
from harness.case import BridgeCase
from harness.clients import need_tool
from harness.deadline import LONG_S, wait_until
from harness.servers import PipeServer

QUICK = {"first_delay_ms": 10, "max_delay_ms": 50}


class Asking(threading.Thread):
    """A call under way."""

    def __init__(self, server, path, body=b"question"):
        super().__init__(daemon=True)
        self.server, self.path, self.body = server, path, body
        self.answer = None
        self.start()

    def run(self):
        self.answer = self.server.post(self.path, self.body, timeout_s=LONG_S)

    def wait(self):
        self.join(LONG_S)
        assert self.answer, f"no answer to {self.path}"
        return self.answer


class CallCase(BridgeCase):
    def start(self, *pipes, **config):
        usual = [pipe("line"), pipe("exact", mode="message")]
        self.server = self.bridge(pipes=list(pipes) or usual, config=config)
        self.observer = self.websocket(self.server, timeout_s=LONG_S)

    def session_of(self, name):
        return self.server.wait_for_sessions(name, 1)[0]["id"]

    def call(self, path, body=b"question"):
        return Asking(self.server, f"/api/v1/{path}", body)

    def assert_answer(self, answer, body, content_type="text/plain; charset=utf-8"):
        self.assertEqual((answer.status, answer.body), (200, body))
        self.assertEqual(answer.headers["content-type"], content_type)
        injected = int(answer.headers["pipebridge-injected-seq"])
        self.assertLess(injected, int(answer.headers["pipebridge-seq"]))
        self.assertGreater(int(answer.headers["pipebridge-microseconds"]), 0)
        self.assertEqual(answer.headers["pipebridge-run"], self.observer.run)

    def until_injected(self, text="question"):
        while (event := self.observer.until_kind("injected"))["text"] != text:
            pass
        return event


class Call(CallCase):
    def test_the_answer_is_what_the_session_says_next_with_its_numbers(self):
        self.start()
        client, other = self.connect(self.server, "line"), self.connect(self.server, "line")
        first = self.server.wait_for_sessions("line", 2)[0]["id"]
        client.send(b"before\n")
        self.observer.messages(1)
        asking = self.call(f"sessions/{first}/call")
        self.assertEqual(client.receive_exactly(9), b"question\n")
        injected = self.until_injected()
        other.send(b"not for you\n")
        self.observer.messages(1)
        client.send(b"answer\nnot any more\n")
        answer = asking.wait()
        self.assert_answer(answer, b"answer")
        message = self.observer.messages(1)[0]
        self.assertEqual(answer.headers["pipebridge-seq"], str(message["seq"]))
        self.assertEqual(answer.headers["pipebridge-injected-seq"], str(injected["seq"]))
        self.assertEqual(answer.headers["pipebridge-session"], str(first))
        self.assertEqual(injected["by"]["via"], "http")

    def test_of_a_pipe_its_one_session_is_called(self):
        self.start()
        self.assert_problem(self.server.post("/api/v1/pipes/line/call", b"x"), 409, "no_session")
        client = self.connect(self.server, "line")
        self.session_of("line")
        asking = self.call("pipes/line/call")
        client.receive_exactly(9)
        client.send(b"me\n")
        self.assert_answer(asking.wait(), b"me")
        self.connect(self.server, "line")
        self.server.wait_for_sessions("line", 2)
        self.assert_problem(self.server.post("/api/v1/pipes/line/call", b"x"), 409,
                            "several_sessions")
        self.assert_problem(self.server.post("/api/v1/pipes/none/call", b"x"), 404,
                            "pipe_not_found")

    def test_any_bytes_and_none_go_both_ways(self):
        self.start()
        client = self.connect(self.server, "exact", is_message=True)
        session = self.session_of("exact")
        every = bytes(range(256))
        for question, reply, kind in ((every, every, "application/octet-stream"),
                                      (b"", b"", "text/plain; charset=utf-8"),
                                      (b"x" * 60000, "ä€".encode(), "text/plain; charset=utf-8")):
            asking = self.call(f"sessions/{session}/call", question)
            self.assertEqual(client.receive(), question)
            client.send(reply)
            self.assert_answer(asking.wait(), reply, kind)

    def test_json_is_read_when_it_is_asked_for(self):
        self.start()
        client = self.connect(self.server, "line")
        path = f"sessions/{self.session_of('line')}/call?body="
        for form, body, said in (("json", b'{"text":"ask"}', b"ask"), ("json", b'{"hex":""}', b""),
                                 ("bytes", b'{"text":"ask"}', b'{"text":"ask"}')):
            asking = self.call(path + form, body)
            self.assertEqual(client.receive_exactly(len(said) + 1), said + b"\n")
            client.send(b"yes\n")
            self.assert_answer(asking.wait(), b"yes")
        for form, body, code in (("json", b"{", "bad_json"), ("json", b'{"text":1}', "bad_payload"),
                                 ("json", b'{"text":"a","id":1}', "unknown_member"),
                                 ("ndjson", b'{"text":"a"}', "bad_body")):
            self.assert_problem(self.server.post(f"/api/v1/{path}{form}", body), 400, code)

    def test_a_filter_chooses_the_answer(self):
        self.start()
        client = self.connect(self.server, "line")
        session = self.session_of("line")
        asking = self.call(f"sessions/{session}/call?answer=%22id%2042%22%20size%3E6")
        client.receive_exactly(9)
        client.send(b"noise\nid 41 no\nid 42\nid 42 yes\n")
        self.assert_answer(asking.wait(), b"id 42 yes")
        bad = self.server.post(f"/api/v1/sessions/{session}/call?answer=size:x", b"x")
        self.assert_problem(bad, 400, "bad_filter")

    def test_an_answer_in_the_same_batch_as_the_question_is_found(self):
        self.start()
        client = self.connect(self.server, "line")
        session = self.session_of("line")
        numbers = 300

        def answer_all():
            for _ in range(numbers):
                client.send(client.receive_exactly(4) + b"\n")  # "NNN\n" back, at once

        thread = threading.Thread(target=answer_all, daemon=True)
        thread.start()
        for number in range(numbers):
            body = b"%03d" % number
            answer = self.server.post(f"/api/v1/sessions/{session}/call", body, timeout_s=LONG_S)
            self.assert_answer(answer, body)
            # Its line end is an empty message; it may be heard before or after the next question.
            event = self.observer.messages(2)[-1]
            self.assertEqual(event["text"], "")
        thread.join(LONG_S)

    def test_what_a_reply_setting_says_is_no_answer(self):
        self.start(pipe("line", reply="echo"))
        client = self.connect(self.server, "line")
        session = self.session_of("line")
        asking = self.call(f"sessions/{session}/call")
        client.receive_exactly(9)
        client.send(b"mine\n")
        self.assert_answer(asking.wait(), b"mine")


class Failure(CallCase):
    def test_no_answer_in_time_is_504_with_what_was_injected(self):
        self.start()
        client = self.connect(self.server, "line")
        session = self.session_of("line")
        answer = self.server.post(f"/api/v1/sessions/{session}/call?timeout_ms=50", b"question")
        self.assert_problem(answer, 504, "no_answer")
        injected = self.until_injected()
        self.assertEqual(answer.headers["pipebridge-injected-seq"], str(injected["seq"]))
        self.assertGreaterEqual(int(answer.headers["pipebridge-microseconds"]), 50_000)
        # Nothing is left of it: the next one begins, and gets its own.
        client.receive_exactly(9)
        asking = self.call(f"sessions/{session}/call", b"again")
        client.receive_exactly(6)
        client.send(b"now\n")
        self.assert_answer(asking.wait(), b"now")

    def test_a_second_call_in_a_session_is_refused_and_disturbs_nobody(self):
        self.start()
        client = self.connect(self.server, "line")
        session = self.session_of("line")
        asking = self.call(f"sessions/{session}/call")
        self.until_injected()
        second = self.server.post(f"/api/v1/sessions/{session}/call", b"me too")
        self.assert_problem(second, 409, "call_in_progress")
        self.assertIn("retry-after", second.headers)
        client.receive_exactly(9)
        client.send(b"answer\n")
        self.assert_answer(asking.wait(), b"answer")
        client.socket.settimeout(0.05)
        with self.assertRaises(TimeoutError):
            client.receive()  # the second question was never said

    def test_many_at_once_each_get_their_own_answer(self):
        self.start()
        count = 20
        clients = [self.connect(self.server, "line") for _ in range(count)]
        sessions = [entry["id"] for entry in self.server.wait_for_sessions("line", count)]
        asking = [self.call(f"sessions/{session}/call", b"%d" % session) for session in sessions]
        for client in reversed(clients):
            question = client.receive()
            client.send(b"I am " + question)
        for session, one in zip(sessions, asking):
            self.assert_answer(one.wait(), b"I am %d" % session)

    def test_a_session_that_closes_is_502_or_gives_what_it_had_begun(self):
        self.start()
        client = self.connect(self.server, "line")
        asking = self.call(f"sessions/{self.session_of('line')}/call")
        client.receive_exactly(9)
        client.close()
        answer = asking.wait()
        self.assert_problem(answer, 502, "closed_before_answer")
        self.assertIn("pipebridge-injected-seq", answer.headers)
        self.assertNotIn("pipebridge-seq", answer.headers)
        self.server.wait_for_sessions("line", 0)
        client = self.connect(self.server, "line")
        session = self.session_of("line")
        asking = self.call(f"sessions/{session}/call")
        client.receive_exactly(9)
        client.send(b"half")
        client.close()
        answer = asking.wait()
        self.assert_answer(answer, b"half")
        self.assertEqual(answer.headers["pipebridge-flags"], "incomplete")
        self.server.wait_for_sessions("line", 0)
        late = self.server.post(f"/api/v1/sessions/{session}/call", b"x")
        self.assert_problem(late, 409, "session_closed")

    def test_what_is_not_possible_is_told_before_anything_is_sent(self):
        self.start(pipe("line", limits={"max_message_bytes": 100}),
                   pipe("feed", transport="fifo", access="inbound"))
        client = self.connect(self.server, "line")
        path = f"/api/v1/sessions/{self.session_of('line')}/call"
        for query, code in (("?timeout_ms=0", "bad_timeout"), ("?timeout_ms=27001", "bad_timeout"),
                            ("?timeout_ms=soon", "bad_timeout"), ("?answer=%22", "bad_filter"),
                            ("?direction=c2s", "direction_not_possible")):
            with self.subTest(query):
                self.assert_problem(self.server.post(path + query, b"x"), 400, code)
        self.assert_problem(self.server.post(path, b"x" * 101), 413, "too_large")
        self.assert_problem(self.server.post("/api/v1/sessions/99/call", b"x"), 404,
                            "session_not_found")
        self.assert_problem(self.server.post("/api/v1/pipes/feed/call", b"x"), 409, "no_session")
        with open(self.server.runtime / "feed.sock", "wb") as feed:
            feed.write(b"one\n")
            feed.flush()
            self.session_of("feed")
            self.assert_problem(self.server.post("/api/v1/pipes/feed/call", b"x"), 409,
                                "pipe_inbound")
        client.send(b"still here\n")
        self.assertEqual(self.observer.messages(2)[1]["text"], "still here")

    def test_the_bridge_stops_while_somebody_waits(self):
        self.start()
        self.connect(self.server, "line")
        asking = self.call(f"sessions/{self.session_of('line')}/call")
        self.until_injected()
        self.assertEqual(self.server.stop(), 0)
        self.assertIn(asking.wait().status, (502, 503))

    def test_a_client_that_waits_no_longer_leaves_nothing(self):
        self.start(pipe("line"), http={"request_timeout_ms": 1000})
        client = self.connect(self.server, "line")
        session = self.session_of("line")
        answer = self.server.post(f"/api/v1/sessions/{session}/call?timeout_ms=900", b"x",
                                  timeout_s=LONG_S)
        self.assert_problem(answer, 504, "no_answer")
        client.receive()
        asking = self.call(f"sessions/{session}/call?timeout_ms=900", b"y")
        client.receive()
        client.send(b"there\n")
        self.assert_answer(asking.wait(), b"there")


class Roles(CallCase):
    def test_the_server_of_another_program_answers(self):
        self.start(pipe("up", role="client", reconnect=QUICK))
        listener = PipeServer(self.server.path("up"))
        self.addCleanup(listener.close)
        end = listener.accept(timeout_s=LONG_S)
        self.addCleanup(end.close)
        self.session_of("up")
        asking = self.call("pipes/up/call")
        self.assertEqual(end.receive_exactly(9), b"question\n")
        end.send(b"from the server\n")
        self.assert_answer(asking.wait(), b"from the server")

    def test_in_a_tap_the_other_side_answers(self):
        self.start(pipe("tap", role="tap", upstream="up.sock"))
        listener = PipeServer(self.server.path("up"))
        self.addCleanup(listener.close)
        client = self.connect(self.server, "tap")
        upstream = listener.accept(timeout_s=LONG_S)
        self.addCleanup(upstream.close)
        session = self.session_of("tap")
        self.assert_problem(self.server.post("/api/v1/pipes/tap/call", b"x"), 400,
                            "direction_needed")
        for direction, asked, other in (("c2s", upstream, client), ("s2c", client, upstream)):
            with self.subTest(direction):
                asking = self.call(f"sessions/{session}/call?direction={direction}")
                self.assertEqual(asked.receive_exactly(9), b"question\n")
                other.send(b"the same way\n")
                self.assertEqual(asked.receive_exactly(13), b"the same way\n")
                asked.send(b"answer\n")
                self.assertEqual(other.receive_exactly(7), b"answer\n")
                self.assert_answer(asking.wait(), b"answer")


class Socat(CallCase):
    def test_a_shell_answers(self):
        self.start(pipe("line"))
        self.tool(need_tool("socat"), f"UNIX-CONNECT:{self.server.path('line')}",
                  "SYSTEM:while read -r word; do echo \"you said $word\"; done")
        self.session_of("line")
        for word in (b"one", b"two", b"three"):
            self.assert_answer(self.call("pipes/line/call", word).wait(), b"you said " + word)


class Mpv(CallCase):
    def test_a_player_answers_by_its_request_id(self):
        mpv = need_tool("mpv")
        self.start(pipe("mpv", role="client", reconnect=QUICK))
        self.tool(mpv, "--no-config", "--idle", "--vo=null", "--ao=null",
                  f"--input-ipc-server={self.server.path('mpv')}")
        wait_until(lambda: self.server.sessions("mpv"), "mpv's socket", LONG_S)
        for number in (7, 8):
            command = {"command": ["get_property", "mpv-version"], "request_id": number}
            answer = self.call(f"pipes/mpv/call?answer=%22request_id%5C%22:{number}%22",
                               json.dumps(command).encode()).wait()
            self.assertEqual(answer.status, 200, answer.body)
            told = json.loads(answer.body)
            self.assertEqual((told["request_id"], told["error"]), (number, "success"))
