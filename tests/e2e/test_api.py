"""The control API: every route, its fields and its statuses."""

from harness.bridge import pipe
from harness.case import BridgeCase
from harness.http import Wire, format_request, read_response

PIPES = [
    pipe("line", limits={"max_message_bytes": 1024, "max_instances": 8}),
    # A small queue: each answer "queued" takes the second for which the bridge waits for the client.
    pipe("exact", mode="message", limits={"max_write_queue_bytes": 131072}),
]


class Reading(BridgeCase):
    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=PIPES)

    def test_pipes_lists_every_pipe_with_its_counters(self):
        answer = self.server.get("/api/v1/pipes")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertRegex(answer.json["run"], r"^[0-9a-f]{16}$")
        line, exact = answer.json["pipes"]
        self.assertEqual(line["name"], "line")
        self.assertEqual(line["role"], "server")
        self.assertEqual(line["transport"], "socket")
        self.assertEqual((line["mode"], line["framing"], line["reply"]), ("byte", "line", "none"))
        self.assertEqual(exact["mode"], "message")
        self.assertEqual(line["path"], str(self.server.path("line")))
        self.assertEqual((line["sessions"], line["sessions_total"]), (0, 0))
        for direction in ("c2s", "s2c"):
            self.assertEqual(line[direction], {"messages": 0, "bytes": 0})
        self.assertEqual((line["injected"], line["errors"]), (0, 0))
        self.assertEqual(line["limits"]["max_message_bytes"], 1024)
        self.assertEqual(line["limits"]["max_instances"], 8)
        self.assertGreater(line["limits"]["max_write_queue_bytes"], 0)

    def test_one_pipe_is_told_as_in_the_list(self):
        listed = self.server.get("/api/v1/pipes").json["pipes"][0]
        answer = self.server.get("/api/v1/pipes/line")
        self.assertEqual(answer.status, 200)
        for key, value in listed.items():
            self.assertEqual(answer.json[key], value)

    def test_counters_follow_what_was_said(self):
        observer = self.ndjson(self.server)
        client = self.connect(self.server, "line")
        client.send(b"one\ntwo two\n")
        observer.messages(2)
        self.server.inject("line", b"hello")
        observer.until_kind("injected")
        told = self.server.get("/api/v1/pipes/line").json
        self.assertEqual((told["sessions"], told["sessions_total"]), (1, 1))
        self.assertEqual(told["c2s"], {"messages": 2, "bytes": 10})
        self.assertEqual(told["s2c"], {"messages": 1, "bytes": 5})
        self.assertEqual(told["injected"], 1)
        client.close()
        observer.until_kind("closed")
        told = self.server.get("/api/v1/pipes/line").json
        self.assertEqual((told["sessions"], told["sessions_total"]), (0, 1))

    def test_sessions_lists_who_is_connected(self):
        observer = self.ndjson(self.server)
        client = self.connect(self.server, "line")
        opened = observer.until_kind("opened", pipe="line")
        self.connect(self.server, "exact", is_message=True)
        observer.until_kind("opened", pipe="exact")
        sessions = self.server.sessions()
        self.assertEqual(sorted(s["pipe"] for s in sessions), ["exact", "line"])
        (session,) = self.server.sessions("line")
        self.assertEqual(session["id"], opened["session"])
        self.assertEqual(session["opened_wall_ns"], opened["wall_ns"])
        self.assertEqual(session["peer"], opened["peer"])
        client.send(b"abc\n")
        observer.messages(1)
        (session,) = self.server.sessions("line")
        self.assertEqual(session["c2s"], {"messages": 1, "bytes": 3})
        self.assertEqual(session["s2c"], {"messages": 0, "bytes": 0})
        alone = self.server.get(f"/api/v1/sessions/{session['id']}")
        self.assertEqual(alone.status, 200)
        for key, value in session.items():
            self.assertEqual(alone.json[key], value)

    def test_unknown_things_are_not_found_with_their_code(self):
        self.assert_problem(self.server.get("/api/v1/pipes/nobody"), 404, "pipe_not_found")
        self.assert_problem(self.server.get("/api/v1/sessions/4711"), 404, "session_not_found")
        for word in ("zero", "-1", "0", "1e3", "99999999999999999999999", "1%20"):
            self.assert_problem(self.server.get(f"/api/v1/sessions/{word}"), 404)
        for path in ("/api/v1", "/api/v1/", "/api/v1/pipe", "/api/v2/pipes", "/nothing",
                     "/api/v1/pipes/line/message", "/api/v1/pipes/%2e%2e"):
            self.assert_problem(self.server.get(path), 404)

    def test_a_path_that_is_none_is_refused(self):
        for path in ("/%00", "/%", "/api/v1/pipes/%zz", "/api/v1/pipes/%ff"):
            answer = self.server.get(path)
            self.assertIn(answer.status, (400, 404), path)
            self.assert_problem(answer, answer.status)

    def test_a_wrong_method_is_told_with_the_right_ones(self):
        for method, path, allowed in [
                ("POST", "/api/v1/pipes", "GET"), ("PUT", "/api/v1/sessions", "GET"),
                ("DELETE", "/api/v1/events", "GET"), ("GET", "/api/v1/pipes/line/messages", "POST"),
                ("POST", "/api/v1/sessions/1", "DELETE"), ("PATCH", "/healthz", "GET"),
                ("POST", "/", "GET")]:
            answer = self.server.request(method, path, b"")
            self.assert_problem(answer, 405)
            self.assertIn(allowed, answer.headers.get("allow", ""), f"{method} {path}")

    def test_head_answers_as_get_without_a_body(self):
        for path in ("/api/v1/pipes", "/healthz"):
            wire = Wire(self.server.address)
            self.addCleanup(wire.close)
            host = {"Host": f"127.0.0.1:{self.server.port}"}
            wire.send(format_request("HEAD", path, host))
            answer = read_response(wire, "HEAD")
            self.assertEqual(answer.status, 200)
            wire.send(format_request("GET", path, host | {"Connection": "close"}))
            self.assertEqual(read_response(wire).status, 200)  # no stray body between them

    def test_a_kept_connection_serves_many_requests(self):
        wire = Wire(self.server.address)
        self.addCleanup(wire.close)
        ask = format_request("GET", "/api/v1/pipes", {"Host": f"localhost:{self.server.port}"})
        for _ in range(50):
            wire.send(ask)
            self.assertEqual(read_response(wire).status, 200)
        wire.send(ask * 5)  # pipelined
        for _ in range(5):
            self.assertEqual(read_response(wire).status, 200)

    def test_the_first_page_is_html(self):
        answer = self.server.get("/", headers={"Accept-Encoding": "gzip"})
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.headers["content-type"].startswith("text/html"))

    def test_health_is_ok(self):
        answer = self.server.get("/healthz")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json["status"], "ok")
        self.assertIn(answer.json["backend"], ("epoll", "io_uring"))

    def test_a_since_that_is_none_is_refused(self):
        run = self.server.get("/api/v1/pipes").json["run"]
        for since in ("x", "-1", "1.5", "0x10", "99999999999999999999999", f"{run}:", f"{run}:x",
                      ":5", "1:2:3"):
            self.assert_problem(self.server.get(f"/api/v1/events?since={since}"), 400)
        self.assert_problem(self.server.get("/api/v1/events?session=x"), 400)

    def test_a_filter_on_an_unknown_pipe_is_not_found(self):
        self.assert_problem(self.server.get("/api/v1/events?pipe=nobody"), 404, "pipe_not_found")
        self.assert_problem(self.server.get("/api/v1/sessions?pipe=nobody"), 404, "pipe_not_found")


class Writing(BridgeCase):
    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=PIPES, config={"http": {"max_body_bytes": 65536}})
        self.observer = self.ndjson(self.server)

    def open(self, pipe_name="line", **options):
        client = self.connect(self.server, pipe_name, **options)
        return client, self.observer.until_kind("opened", pipe=pipe_name)["session"]

    def test_message_to_a_pipe_without_sessions_is_202(self):
        answer = self.server.inject("line", b"hello")
        self.assertEqual(answer.status, 202)
        told = answer.json
        self.assertEqual((told["pipe"], told["session"], told["bytes"]), ("line", 0, 5))
        self.assertEqual((told["targets"], told["delivered"]), (0, 0))
        event = self.observer.until_kind("injected")
        self.assertEqual((event["seq"], event["targets"]), (told["seq"], 0))
        self.assertEqual(told["run"], self.observer.run)

    def test_message_to_a_session_is_201_and_an_event(self):
        client, session = self.open()
        answer = self.server.post(f"/api/v1/sessions/{session}/messages", b"ping")
        self.assertEqual(answer.status, 201)
        told = answer.json
        self.assertEqual((told["targets"], told["delivered"], told["queued"], told["refused"]),
                         (1, 1, 0, 0))
        self.assertEqual((told["pipe"], told["session"], told["bytes"]), ("line", session, 4))
        self.assertEqual(client.receive(), b"ping\n")
        event = self.observer.until_kind("injected")
        self.assertEqual((event["seq"], event["session"], event["text"], event["direction"]),
                         (told["seq"], session, "ping", "s2c"))

    def test_message_to_unknown_or_ended_ones_is_refused(self):
        self.assert_problem(self.server.inject("nobody", b"x"), 404, "pipe_not_found")
        self.assert_problem(self.server.post("/api/v1/sessions/999/messages", b"x"), 404,
                            "session_not_found")
        client, session = self.open()
        client.close()
        self.observer.until_kind("closed", session=session)
        self.assert_problem(self.server.post(f"/api/v1/sessions/{session}/messages", b"x"), 409,
                            "session_closed")
        self.assert_problem(self.server.request("DELETE", f"/api/v1/sessions/{session}"), 409,
                            "session_closed")
        self.assert_problem(self.server.request("DELETE", "/api/v1/sessions/999"), 404,
                            "session_not_found")

    def test_delete_ends_the_session(self):
        client, session = self.open()
        answer = self.server.request("DELETE", f"/api/v1/sessions/{session}")
        self.assertEqual((answer.status, answer.json["id"]), (202, session))
        self.assertTrue(client.is_at_end())
        closed = self.observer.until_kind("closed", session=session)
        self.assertEqual(closed["reason"], "local")
        self.server.wait_for_sessions("line", 0)

    def test_a_body_over_the_pipes_limit_is_413(self):
        client, session = self.open()
        exactly = b"x" * 1024
        self.assertEqual(self.server.inject("line", exactly).status, 201)
        self.assertEqual(client.receive_exactly(1025), exactly + b"\n")
        self.assert_problem(self.server.inject("line", exactly + b"x"), 413, "too_large")
        self.assert_problem(
            self.server.post(f"/api/v1/sessions/{session}/messages", exactly + b"x"), 413,
            "too_large")
        self.assertEqual(self.server.inject("line", b"still here").status, 201)

    def test_a_body_over_the_servers_limit_is_413(self):
        self.assert_problem(self.server.inject("exact", b"x" * 65537), 413)
        wire = Wire(self.server.address)  # announced, never sent: refused before it comes
        self.addCleanup(wire.close)
        wire.send(format_request("POST", "/api/v1/pipes/exact/messages", {
            "Host": f"127.0.0.1:{self.server.port}", "Content-Length": "1000000000"}))
        self.assert_problem(read_response(wire, "POST"), 413)

    def test_an_empty_body_is_an_empty_message(self):
        client, session = self.open("exact", is_message=True)
        answer = self.server.post(f"/api/v1/sessions/{session}/messages", b"")
        self.assertEqual((answer.status, answer.json["bytes"]), (201, 0))
        self.assertEqual(client.receive(), b"")
        self.server.inject("exact", b"more")
        self.assertEqual(client.receive(), b"more")

    def test_a_full_session_is_429_with_a_time_to_come_back(self):
        _, session = self.open("exact", is_message=True)
        path = f"/api/v1/sessions/{session}/messages"
        seen = []
        body = b"x" * 60000
        for _ in range(1000):
            answer = self.server.post(path, body)
            if answer.status not in seen:
                seen.append(answer.status)
            if answer.status == 429:
                break
            self.assertEqual(answer.json["delivered"], 1 if answer.status == 201 else 0)
            self.assertEqual(answer.json["queued"], 1 if answer.status == 202 else 0)
        self.assertEqual(seen, [201, 202, 429])  # the kernel's, then ours, then no more
        self.assert_problem(answer, 429, "queue_full")
        self.assertRegex(answer.headers["retry-after"], r"^[0-9]+$")

    def test_a_chunked_body_is_taken_whole(self):
        client, _ = self.open()
        wire = Wire(self.server.address)
        self.addCleanup(wire.close)
        wire.send(format_request("POST", "/api/v1/pipes/line/messages", {
            "Host": f"127.0.0.1:{self.server.port}", "Transfer-Encoding": "chunked"},
            b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"))
        self.assertEqual(read_response(wire, "POST").status, 201)
        self.assertEqual(client.receive(), b"abcdefg\n")
