"""One message into the sessions that a filter chooses."""

import os

from harness.bridge import pipe
from harness.case import BridgeCase


class Matching(BridgeCase):
    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=[
            pipe("line"), pipe("other"), pipe("small", limits={"max_message_bytes": 8})])
        self.clients = {name: [self.connect(self.server, name) for _ in range(2)]
                        for name in ("line", "other", "small")}
        self.ids = {name: sorted(s["id"] for s in self.server.wait_for_sessions(name, 2))
                    for name in self.clients}

    def post(self, query, body=b"word", path="/api/v1/messages"):
        return self.server.post(f"{path}?{query}", body)

    def assert_silent(self, name):
        """Nothing came but what comes now."""
        self.assertEqual(self.server.inject(name, b"mark").status, 201)
        for client in self.clients[name]:
            self.assertEqual(client.receive_exactly(5), b"mark\n")

    def test_sessions_of_any_pipe_get_an_injection_and_an_event_each(self):
        observer = self.ndjson(self.server, "?kind=injected")
        answer = self.post("q=pipe:line,other")
        told = answer.json
        self.assertEqual((answer.status, told["targets"], told["delivered"], told["refused"]),
                         (201, 4, 4, 0))
        wanted = self.ids["line"] + self.ids["other"]
        self.assertEqual(sorted(s["session"] for s in told["sessions"]), sorted(wanted))
        events = observer.take(4)
        self.assertEqual({e["session"]: e["seq"] for e in events},
                         {s["session"]: s["seq"] for s in told["sessions"]})
        self.assertEqual(told["seq"], max(e["seq"] for e in events))
        for name in ("line", "other"):
            for client in self.clients[name]:
                self.assertEqual(client.receive_exactly(5), b"word\n")
            self.assert_silent(name)
        self.assert_silent("small")

    def test_a_pipe_in_the_path_narrows(self):
        first = self.ids["line"][0]
        answer = self.post(f"q=session:{first},{self.ids['other'][0]}",
                           path="/api/v1/pipes/line/messages")
        self.assertEqual([s["session"] for s in answer.json["sessions"]], [first])
        self.assertEqual(self.clients["line"][0].receive_exactly(5), b"word\n")
        answer = self.post(f"session={first}", path="/api/v1/pipes/line/messages")
        self.assertEqual([s["session"] for s in answer.json["sessions"]], [first])
        self.assertEqual(self.clients["line"][0].receive_exactly(5), b"word\n")
        self.assert_silent("line")
        self.assert_silent("other")

    def test_by_who_the_peer_is(self):
        answer = self.post(f"q=pid:{os.getpid()}%20-pipe:small")
        self.assertEqual(answer.json["delivered"], 4)
        answer = self.post("pipe=o*&session=" + ",".join(map(str, self.ids["other"])))
        self.assertEqual(answer.json["delivered"], 2)

    def test_nobody_matches(self):
        answer = self.post("q=session:999999")
        self.assertEqual((answer.status, answer.json["result"], answer.json["sessions"]),
                         (202, "no_receiver", []))

    def test_some_refused_and_all_refused(self):
        answer = self.post("q=pipe:*", b"too long for one")
        self.assertEqual((answer.status, answer.json["delivered"], answer.json["refused"]),
                         (201, 4, 2))
        self.assertEqual({s["result"] for s in answer.json["sessions"]
                          if s["session"] in self.ids["small"]}, {"too_large"})
        self.assert_problem(self.post("q=pipe:small", b"too long for one"), 413, "too_large")
        self.assert_problem(self.post("q=pipe:line&direction=c2s"), 400, "direction_not_possible")
        self.assertEqual(self.post("q=pipe:small&direction=s2c").status, 201)

    def test_what_chooses_no_session_is_refused(self):
        for query in ("q=size>5", "q=hello", "q=kind:message", "q=direction:s2c", "q=pipe:line%20("):
            self.assert_problem(self.post(query), 400, "bad_filter")
        for query in ("", "q=", "q=%20", "direction=s2c", "wait=1"):
            self.assert_problem(self.post(query), 400, "filter_needed")
        self.assert_problem(self.post("pipe=none"), 404, "pipe_not_found")
        session = f"/api/v1/sessions/{self.ids['line'][0]}/messages"
        self.assert_problem(self.post("q=pipe:line", path=session), 400, "bad_filter")

    def test_without_waiting(self):
        answer = self.post("q=pipe:line&wait=0")
        self.assertEqual((answer.status, answer.json["result"], answer.json["queued"]),
                         (202, "accepted", 2))
        for client in self.clients["line"]:
            self.assertEqual(client.receive_exactly(5), b"word\n")
        self.assert_problem(self.post("q=pipe:small&wait=0", b"much too long"), 413, "too_large")
        self.assertEqual(self.post("q=session:999999&wait=0").status, 202)

    def test_more_than_the_queue_to_the_pipe_thread_holds(self):
        more = [self.connect(self.server, "other") for _ in range(300)]
        self.server.wait_for_sessions("other", 302)
        body = b"x" * 8000  # for all together more than a megabyte
        answer = self.post("q=pipe:other", body)
        self.assertEqual((answer.status, answer.json["delivered"]), (201, 302))
        for client in more:
            self.assertEqual(client.receive_exactly(8001), body + b"\n")
