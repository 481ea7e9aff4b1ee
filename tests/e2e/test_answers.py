"""The answers that come seldom: everything in use, a thread that is stuck, a handshake that is none."""

import json
import resource
import socket
import urllib.parse

from harness.bridge import pipe
from harness.case import BridgeCase
from harness.deadline import LONG_S
from harness.http import Wire, format_request, raw_request, read_response
from harness.servers import PipeServer
from harness.trace import StoppedThread
from harness.websocket import handshake_headers, new_key, upgrade_response

INJECT = "/api/v1/pipes/line/messages"


class Seldom(BridgeCase):
    def server(self, **http):
        return self.bridge(pipes=[pipe("line")], config={"http": http})

    def wire(self, server, method, path, body=b"", **headers):
        wire = Wire(server.address, timeout_s=LONG_S)
        self.addCleanup(wire.close)
        wire.send(format_request(method, path, {
            "Host": f"127.0.0.1:{server.port}", "Content-Length": str(len(body))}
            | headers, body))
        return wire

    def put_pipe(self, server, name):
        return self.wire(server, "PUT", f"/api/v1/pipes/{name}",
                         json.dumps({"path": f"{name}.sock"}).encode(),
                         **{"Content-Type": "application/json"})

    def handshake(self, server, path):
        wire = Wire(server.address, timeout_s=LONG_S)
        self.addCleanup(wire.close)
        wire.send(format_request("GET", path, handshake_headers(server.address, new_key(), ())))
        return wire

    def leave_no_descriptor(self, server):
        """What was sent before this is in the queue to the pipe thread by then. Nothing is closed by it."""
        self.assertEqual(read_response(self.wire(server, "GET", "/api/v1/pipes")).status, 200)
        used = server.fd_count()
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (used, used))

    def test_two_lengths_are_refused(self):
        server = self.server()
        answer = raw_request(server.address, (
            f"POST {INJECT} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: 3\r\n"
            "Content-Length: 4\r\n\r\nabcd").encode(), "POST")
        self.assert_problem(answer, 400, "length_repeated")

    def test_one_connection_too_many_is_told(self):
        server = self.server(max_connections=2)
        for _ in range(2):
            self.assertEqual(read_response(self.wire(server, "GET", "/healthz")).status, 200)
        wire = Wire(server.address)
        self.addCleanup(wire.close)
        wire.asked = ("GET", "/api/v1/pipes")  # it is refused before it has asked
        self.assert_problem(read_response(wire), 503, "too_many_connections")

    def test_one_filter_too_many_is_told_and_a_known_one_is_served(self):
        server = self.server()
        for number in range(1000):
            path = "/api/v1/events?q=" + urllib.parse.quote(f"size>{number}")
            wire = self.wire(server, "GET", path)
            head = wire.take_until(b"\r\n").split()
            if head[1] != b"200":
                break
        self.assert_problem(server.get(path), 503, "too_many_filters")
        self.ndjson(server, "?q=" + urllib.parse.quote("size>0"))

    def test_who_waits_for_a_stuck_thread_is_told_in_time(self):
        server = self.server(request_timeout_ms=1000)
        with StoppedThread(server.thread("pb-pipe")):
            answer = self.wire(server, "POST", INJECT, b"x")
            self.assert_problem(read_response(answer, "POST"), 504, "timed_out")

    def test_a_pipe_for_which_no_descriptor_is_left_is_refused(self):
        server = self.server()
        with StoppedThread(server.thread("pb-pipe")):
            wire = self.put_pipe(server, "late")
            self.leave_no_descriptor(server)
        self.assert_problem(read_response(wire), 503, "no_resources")

    def test_one_pipe_too_many_is_told(self):
        server = self.bridge(pipes=[pipe(f"p{number}") for number in range(1024)])
        self.assert_problem(read_response(self.put_pipe(server, "more")), 409, "too_many_pipes")

    def test_a_session_for_which_no_descriptor_is_left_is_refused(self):
        server = self.bridge(pipes=[pipe("own", role="client", shared=False)])
        listener = PipeServer(server.path("own"))
        self.addCleanup(listener.close)
        with StoppedThread(server.thread("pb-pipe")):
            wire = self.handshake(server, "/api/v1/pipes/own/connect")
            self.leave_no_descriptor(server)
        self.assert_problem(read_response(wire), 503, "no_descriptors")

    def test_a_server_that_accepts_nobody_is_told_as_busy(self):
        server = self.bridge(pipes=[pipe("own", role="client", shared=False)])
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(server.path("own")))
        listener.listen(0)
        waiting = socket.socket(socket.AF_UNIX)  # all that the backlog takes
        self.addCleanup(waiting.close)
        waiting.connect(str(server.path("own")))
        wire = self.handshake(server, "/api/v1/pipes/own/connect")
        self.assert_problem(read_response(wire), 503, "server_busy")

    def test_a_full_queue_to_the_pipe_thread_is_told(self):
        server = self.server()
        self.connect(server, "line")
        server.wait_for_sessions("line", 1)
        with StoppedThread(server.thread("pb-pipe")):
            for _ in range(4096):
                answer = server.post(INJECT + "?wait=0", b"x" * 65536)
                if answer.status != 202:
                    break
            self.assert_problem(answer, 429, "queue_full")
            for _ in range(4096):  # a smaller command may fit yet
                answer = server.request("DELETE", "/api/v1/sessions/1")
                if answer.status != 202:
                    break
        self.assert_problem(answer, 429, "queue_full")

    def test_calls_that_are_not_possible_say_so(self):
        server = self.bridge(pipes=[pipe("line"), pipe("raw", framing="none"),
                                    pipe("tap", role="tap", upstream="up.sock")])
        upstream = PipeServer(server.path("up"))
        self.addCleanup(upstream.close)
        clients = {name: self.connect(server, name) for name in ("line", "raw", "tap")}
        for name in clients:
            server.wait_for_sessions(name, 1)
        call = "/api/v1/pipes/{}/call?timeout_ms=100".format
        self.assert_problem(server.post(call("raw"), b""), 400, "empty_message")
        end = upstream.accept(timeout_s=LONG_S)
        self.addCleanup(end.close)
        end.send(b"half a line")
        self.assertEqual(clients["tap"].receive_exactly(11), b"half a line")
        answer = server.post("/api/v1/pipes/tap/call?direction=s2c", b"x", timeout_s=LONG_S)
        self.assert_problem(answer, 409, "no_place")
        with StoppedThread(server.thread("pb-pipe")):
            self.assert_problem(server.post(call("line"), b"x"), 504, "not_injected")

    def test_a_pipe_refuses_a_handshake_that_is_none(self):
        server = self.server()
        for options, status, code in [
                ({"extra": {"Sec-WebSocket-Key": "short"}}, 400, "bad_handshake"),
                ({"protocols": ["pipebridge.v1.json"]}, 400, "unknown_subprotocol"),
                ({"extra": {"Sec-WebSocket-Version": "8"}, "protocols": []}, 426,
                 "bad_websocket_version")]:
            answer = upgrade_response(server.address, "/api/v1/pipes/line/ws", **options)
            self.assert_problem(answer, status, code)
