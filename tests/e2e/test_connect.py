"""`/pipes/{pipe}/connect`: each WebSocket has a session of its own on a pipe of role `client`."""

import os
import signal
import socket
import struct
import threading
import time

from harness import websocket
from harness.bridge import IS_SANITIZED, pipe
from harness.case import BridgeCase
from harness.clients import frame
from harness.deadline import LONG_S, SHORT_S, wait_until
from harness.observer import payload_of
from harness.servers import LineServer, PipeServer
from harness.websocket import BINARY, CLOSE, CONTINUATION, TEXT

MIB = 1 << 20


def private(name="c", **more):
    """A pipe that is nobody's before somebody asks."""
    return pipe(name, role="client", shared=False, **more)


class ConnectCase(BridgeCase):
    def setUp(self):
        super().setUp()
        (self.folder / "run").mkdir(mode=0o700)

    def serve(self, name="c", **options):
        server = PipeServer(self.folder / "run" / f"{name}.sock", **options)
        self.addCleanup(server.close)
        return server

    def private(self, bridge, name="c", query="", protocols=(), **options):
        socket_ = websocket.WebSocket(bridge.address, f"/api/v1/pipes/{name}/connect{query}",
                                      protocols=list(protocols), **options)
        self.addCleanup(socket_.close)
        return socket_

    def accept(self, server):
        end = server.accept(timeout_s=LONG_S)
        self.addCleanup(end.close)
        return end

    def pair(self, bridge, server, name="c", **options):
        """A WebSocket, and the end of its session at the server."""
        return self.private(bridge, name, **options), self.accept(server)

    def assert_closed(self, socket_, code, reason=None):
        opcode, payload = socket_.receive_message()
        self.assertEqual(opcode, CLOSE, payload[:100])
        self.assertEqual(struct.unpack("!H", payload[:2])[0], code, payload)
        if reason:
            self.assertIn(reason, payload[2:].decode())


class Talk(ConnectCase):
    def test_both_directions_in_every_framing_and_mode(self):
        framings = ["line", "nul", "length32be", "length16le", "varint", "headers"]
        pipes = [private(f, framing=f) for f in framings] + [private("exact", mode="message")]
        servers = {p["name"]: self.serve(p["name"], is_message=p["mode"] == "message")
                   for p in pipes}
        bridge = self.bridge(pipes=pipes)
        for entry in pipes:
            name = entry["name"]
            with self.subTest(name):
                near, end = self.pair(bridge, servers[name], name)
                for opcode, body in ((TEXT, b"text"), (TEXT, b"x" * 60000), (BINARY, b"\xff\x00\xfe"),
                                     (TEXT, b"")):
                    if body == b"\xff\x00\xfe" and name == "nul":
                        continue
                    wire = frame(entry.get("framing"), body)
                    end.send(wire)
                    self.assertEqual(near.receive_message(), (opcode, body))
                    near.send(opcode, body)
                    got = end.receive() if end.is_message else end.receive_exactly(len(wire))
                    self.assertEqual(got, wire)

    def test_without_framing_each_read_is_a_binary_message_as_websockify_does(self):
        server = self.serve()
        bridge = self.bridge(pipes=[private(framing="none")])
        near, end = self.pair(bridge, server, protocols=["binary", "base64"])
        self.assertEqual(near.protocol, "binary")
        end.send(b"RFB 003.008\n")
        self.assertEqual(near.receive_message(), (BINARY, b"RFB 003.008\n"))
        plain, end = self.pair(bridge, server)
        self.assertIsNone(plain.protocol)
        end.send("half of ä"[:-1].encode())
        self.assertEqual(plain.receive_message()[0], BINARY)
        text, end = self.pair(bridge, server, query="?type=text")
        end.send(b"words")
        self.assertEqual(text.receive_message(), (TEXT, b"words"))
        text.send(BINARY, b"\x00\x01")
        self.assertEqual(end.receive_exactly(2), b"\x00\x01")

    def test_empty_messages_say_nothing_where_there_is_no_framing(self):
        server = self.serve()
        bridge = self.bridge(pipes=[private(framing="none")])
        near, end = self.pair(bridge, server)
        for _ in range(5000):  # more than a window of them
            near.send(BINARY, b"")
        near.send(BINARY, b"x")
        self.assertEqual(end.receive(), b"x")
        near.send(BINARY, b"")
        begin = time.monotonic()
        self.assertEqual(near.finish(), 1000)
        self.assertTrue(end.is_at_end())
        self.assertLess(time.monotonic() - begin, 1.5)  # pipecore's time for a flush is 2 s

    def test_a_fragmented_message_arrives_as_one(self):
        server = self.serve(is_message=True)
        bridge = self.bridge(pipes=[private(mode="message")])
        near, end = self.pair(bridge, server)
        body = os.urandom(60000)
        near.send(BINARY, body[:1], is_final=False)
        near.send(CONTINUATION, body[1:30000], is_final=False)
        near.send(websocket.PING, b"between")
        near.send(CONTINUATION, body[30000:])
        self.assertEqual(end.receive(), body)

    def test_what_the_server_says_first_waits_for_the_upgrade(self):
        server = self.serve()
        bridge = self.bridge(pipes=[private()])

        def greet():
            end = self.accept(server)
            end.send(b"welcome\n" * 1000)

        thread = threading.Thread(target=greet)
        thread.start()
        near = self.private(bridge)
        for _ in range(1000):
            self.assertEqual(near.receive_message(), (TEXT, b"welcome"))
        thread.join()

    def test_what_comes_with_the_handshake_is_written(self):
        server = self.serve()
        bridge = self.bridge(pipes=[private()])
        self.private(bridge, early=websocket.encode_frame(TEXT, b"early"))
        self.assertEqual(self.accept(server).receive_exactly(6), b"early\n")

    def test_private_sessions_are_private(self):
        server = self.serve()
        bridge = self.bridge(pipes=[pipe("c", role="client")])
        shared = self.accept(server)
        bridge.wait_for_sessions("c", 1)
        everybody = websocket.WebSocket(bridge.address, "/api/v1/pipes/c/ws", protocols=[])
        self.addCleanup(everybody.close)
        first, first_end = self.pair(bridge, server)
        second, second_end = self.pair(bridge, server)
        first_end.send(b"to the first\n")
        second_end.send(b"to the second\n")
        shared.send(b"to everybody\n")
        self.assertEqual(first.receive_message()[1], b"to the first")
        self.assertEqual(second.receive_message()[1], b"to the second")
        self.assertEqual(everybody.receive_message()[1], b"to everybody")
        first.send(TEXT, b"of the first")
        everybody.send(TEXT, b"of everybody")
        self.assertEqual(first_end.receive_exactly(13), b"of the first\n")
        self.assertEqual(shared.receive_exactly(13), b"of everybody\n")
        self.assertEqual(bridge.inject("c", b"posted").json["targets"], 1)
        self.assertEqual(shared.receive_exactly(7), b"posted\n")
        answerer = threading.Thread(
            target=lambda: (shared.receive_exactly(7), shared.send(b"answer\n")))
        answerer.start()
        answer = bridge.post("/api/v1/pipes/c/call", b"called")
        answerer.join()
        self.assertEqual((answer.status, answer.body), (200, b"answer"))
        for end in (first_end, second_end):
            end.socket.setblocking(False)
            self.assertRaises(BlockingIOError, end.socket.recv, 1)

    def test_observers_see_a_private_session_as_any_other(self):
        server = self.serve()
        bridge = self.bridge(pipes=[private()])
        observer = self.ndjson(bridge, "?since=0")
        near, end = self.pair(bridge, server)
        end.send(b"hello\n")
        near.receive_message()
        near.send(TEXT, b"world!")
        end.receive_exactly(7)
        session = wait_until(lambda: bridge.sessions("c"), "the session")[0]
        self.assertTrue(session["private"])
        self.assertEqual(session["by"]["via"], "connect")
        self.assertEqual((session["s2c"], session["c2s"]),
                         ({"messages": 1, "bytes": 5}, {"messages": 1, "bytes": 6}))
        answer = bridge.post(f"/api/v1/sessions/{session['id']}/messages", b"guest")
        self.assertEqual((answer.status, answer.json["delivered"]), (201, 1))
        self.assertEqual(end.receive_exactly(6), b"guest\n")
        near.finish()
        events = [observer.until_kind(kind) for kind in ("opened", "message", "injected",
                                                         "injected", "closed")]
        self.assertEqual({e["session"] for e in events}, {session["id"]})
        self.assertTrue(all(e["flags"] == ["private"] for e in events), events)
        self.assertEqual([payload_of(e) for e in events[1:4]], [b"hello", b"world!", b"guest"])
        self.assertEqual([e["by"]["via"] for e in (events[0], events[2], events[3])],
                         ["connect", "connect", "http"])
        self.assertEqual((events[4]["reason"], events[4]["status"]), ("local", "ok"))
        found = bridge.get("/api/v1/messages?q=flag:private").json["events"]
        self.assertEqual(len(found), 3)
        self.assertEqual(bridge.get("/api/v1/messages?q=-flag:private").json["events"], [])


class Refusals(ConnectCase):
    def assert_refused(self, bridge, name, status, code, query=""):
        with self.assertRaises(websocket.RefusedError) as caught:
            self.private(bridge, name, query)
        self.assert_problem(caught.exception.response, status, code)
        return caught.exception.response

    def test_what_cannot_be_is_said_before_the_upgrade(self):
        (self.folder / "run" / "file.sock").write_text("no socket")
        server = self.serve("exact", is_message=True)
        bridge = self.bridge(pipes=[private(), private("file"), private("exact"), pipe("own")])
        for name in ("c", "file", "exact"):
            answer = self.assert_refused(bridge, name, 502, "cannot_connect")
            self.assertIn(f"{name}.sock", answer.json["detail"])
        answer = self.assert_refused(bridge, "own", 409, "not_a_client_pipe")
        self.assertIn("/api/v1/pipes/own/ws", answer.json["detail"])
        self.assert_refused(bridge, "none", 404, "pipe_not_found")
        self.assert_refused(bridge, "c", 400, "bad_type", "?type=x")
        self.assert_problem(bridge.get("/api/v1/pipes/c/connect"), 426, "websocket_only")
        self.assertEqual(bridge.sessions(), [])
        server.close()

    def test_a_bad_handshake_connects_to_nobody(self):
        server = self.serve()
        bridge = self.bridge(pipes=[private()])
        path = "/api/v1/pipes/c/connect"
        for extra, status in (({"Sec-WebSocket-Version": "8"}, 426),
                              ({"Sec-WebSocket-Key": "short"}, 400),
                              ({"Origin": "http://evil.example"}, 403)):
            answer = websocket.upgrade_response(bridge.address, path, extra, protocols=())
            self.assertEqual(answer.status, status)
        answer = websocket.upgrade_response(bridge.address, path, protocols=("chat",))
        self.assert_problem(answer, 400, "unknown_subprotocol")
        self.private(bridge).send(TEXT, b"me")
        self.assertEqual(self.accept(server).receive_exactly(3), b"me\n")
        server.socket.setblocking(False)
        self.assertRaises(BlockingIOError, server.socket.accept)

    def test_more_than_max_instances_are_refused_until_one_has_gone(self):
        server = self.serve()
        bridge = self.bridge(pipes=[private(limits={"max_instances": 2})])
        first, _ = self.pair(bridge, server)
        self.pair(bridge, server)
        answer = self.assert_refused(bridge, "c", 503, "too_many_sessions")
        self.assertEqual(answer.headers["retry-after"], "1")
        limits = bridge.get("/api/v1/pipes/c").json["limits_reached"]
        self.assertEqual(limits["max_instances"], 1)
        first.finish()
        bridge.wait_for_sessions("c", 1)
        self.pair(bridge, server)

    def test_a_full_backlog_is_waited_for(self):
        server = PipeServer(self.folder / "run" / "c.sock")
        self.addCleanup(server.close)
        server.socket.listen(0)
        bridge = self.bridge(pipes=[private()])
        first = self.private(bridge)
        answers = []

        def ask():
            near = self.private(bridge, timeout_s=LONG_S)
            answers.append(near.receive_message())

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        ends = [self.accept(server) for _ in range(5)]
        for end in ends:
            end.send(b"served\n")
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [(TEXT, b"served")] * 4)
        self.assertEqual(first.receive_message(), (TEXT, b"served"))

    def test_a_pipe_that_is_not_shared_has_nothing_for_everybody(self):
        self.serve()
        bridge = self.bridge(pipes=[private()])
        info = bridge.get("/api/v1/pipes/c").json
        self.assertFalse(info["shared"])
        self.assertNotIn("connection", info)
        with self.assertRaises(websocket.RefusedError) as caught:
            websocket.WebSocket(bridge.address, "/api/v1/pipes/c/ws", protocols=[])
        self.assert_problem(caught.exception.response, 409, "not_shared")
        answer = bridge.inject("c", b"to nobody")
        self.assertEqual((answer.status, answer.json["targets"]), (202, 0))


class Ends(ConnectCase):
    def test_the_server_closes_after_all_that_it_said(self):
        server = self.serve()
        bridge = self.bridge(pipes=[private()])
        near, end = self.pair(bridge, server)
        end.send(b"".join(b"%d\n" % number for number in range(50000)) + b"rest")
        end.close()
        for number in range(50000):
            self.assertEqual(near.receive_message()[1], b"%d" % number)
        self.assertEqual(near.receive_message(), (TEXT, b"rest"))
        self.assert_closed(near, 1000, "the server closed")
        near.send(CLOSE, struct.pack("!H", 1000))
        self.assertTrue(near.wire.is_at_end())

    def test_the_server_hears_all_before_it_sees_the_end(self):
        server = self.serve()
        bridge = self.bridge(pipes=[private()])
        near, end = self.pair(bridge, server)
        for number in range(5000):
            near.send(TEXT, b"%d" % number)
        near.send(CLOSE, struct.pack("!H", 1000))
        expected = b"".join(b"%d\n" % number for number in range(5000))
        self.assertEqual(end.receive_exactly(len(expected)), expected)
        self.assertTrue(end.is_at_end())
        self.assert_closed(near, 1000)
        bridge.wait_for_sessions("c", 0)

    def test_a_websocket_that_is_just_gone_ends_its_session_too(self):
        server = self.serve()
        bridge = self.bridge(pipes=[private()])
        near, end = self.pair(bridge, server)
        near.send(TEXT, b"last words")
        self.assertEqual(end.receive_exactly(11), b"last words\n")
        near.wire.reset()
        self.assertTrue(end.is_at_end())
        bridge.wait_for_sessions("c", 0)

    def test_a_client_that_leaves_in_the_handshake_leaves_nothing(self):
        server = self.serve()
        bridge = self.bridge(pipes=[private()])
        before = bridge.fd_count()
        lines = [f"{name}: {value}" for name, value in websocket.handshake_headers(
            bridge.address, websocket.new_key(), ()).items() if value]
        head = "\r\n".join(["GET /api/v1/pipes/c/connect HTTP/1.1", *lines]).encode()
        for is_whole in (False, True) * 20:
            wire = socket.create_connection(bridge.address)
            wire.sendall(head + (b"\r\n\r\n" if is_whole else b"\r\n"))
            wire.close()
        for _ in range(20):
            self.assertTrue(self.accept(server).is_at_end())
        bridge.wait_for_sessions("c", 0)
        wait_until(lambda: bridge.fd_count() <= before, "the descriptors")

    def test_delete_closes_the_websocket(self):
        server = self.serve()
        bridge = self.bridge(pipes=[private()])
        near, end = self.pair(bridge, server)
        session = bridge.wait_for_sessions("c", 1)[0]["id"]
        self.assertEqual(bridge.request("DELETE", f"/api/v1/sessions/{session}").status, 202)
        self.assert_closed(near, 1000, "disconnected")
        self.assertTrue(end.is_at_end())

    def test_the_bridge_stops(self):
        server = self.serve()
        bridge = self.bridge(pipes=[private()])
        pairs = [self.pair(bridge, server) for _ in range(3)]
        for near, end in pairs:
            end.send(b"before\n")
            self.assertEqual(near.receive_message()[1], b"before")
        bridge.signal(signal.SIGTERM)
        for near, end in pairs:
            self.assert_closed(near, 1001)
            self.assertTrue(end.is_at_end())
            near.close()
        self.assertEqual(bridge.wait(LONG_S), 0)

    def test_the_server_is_killed(self):
        heard = self.folder / "heard"
        server = LineServer(self.folder / "run" / "c.sock", heard, 0, 1000000)
        self.addCleanup(server.kill)
        wait_until((self.folder / "run" / "c.sock").exists, "the server", LONG_S)
        bridge = self.bridge(pipes=[private()])
        near = self.private(bridge)
        self.assertEqual(near.receive_message()[0], TEXT)
        server.kill()
        while (message := near.receive_message())[0] != CLOSE:
            pass
        self.assertEqual(struct.unpack("!H", message[1][:2])[0], 1000)
        bridge.wait_for_sessions("c", 0)
        self.assertEqual(bridge.get("/healthz").status, 200)

    def test_a_message_over_the_limit_closes_either_side(self):
        server = self.serve()
        bridge = self.bridge(pipes=[private(limits={"max_message_bytes": 100})])
        near, end = self.pair(bridge, server)
        near.send(TEXT, b"x" * 100)
        self.assertEqual(end.receive_exactly(101), b"x" * 100 + b"\n")
        near.send(TEXT, b"x" * 101)
        self.assert_closed(near, 1009)
        self.assertTrue(end.is_at_end())
        near, end = self.pair(bridge, server)
        end.send(b"y" * 101)
        self.assert_closed(near, 1009, "max_message_bytes")

    def test_a_silent_session_ends_by_its_limit(self):
        server = self.serve()
        bridge = self.bridge(pipes=[private(limits={"idle_timeout_ms": 200})])
        near, _ = self.pair(bridge, server)
        self.assert_closed(near, 1000, "idle_timeout_ms")


class Flow(ConnectCase):
    """Whoever does not read slows the other end down; nothing is lost, and memory stays bounded."""

    LIMITS = {"max_message_bytes": 16 * MIB}
    EVENTS = {"queue_bytes": 128 * MIB, "memory_bytes": MIB, "log_bytes": MIB}

    def test_sixteen_mebibytes_both_ways(self):
        server = self.serve()
        bridge = self.bridge(pipes=[private(framing="length32be", limits=self.LIMITS)],
                             config={"events": self.EVENTS})
        near, end = self.pair(bridge, server, timeout_s=LONG_S)
        body = os.urandom(MIB) * 16
        wire = frame("length32be", body)
        for _ in range(2):
            sender = threading.Thread(target=near.send, args=(BINARY, body))
            sender.start()
            self.assertEqual(end.receive_exactly(len(wire)) == wire, True)
            sender.join()
            sender = threading.Thread(target=end.send, args=(wire,))
            sender.start()
            opcode, got = near.receive_message()
            self.assertEqual((opcode, got == body), (BINARY, True))
            sender.join()

    def stalled_bytes(self, send):
        """How much `send` (of 64 KiB, non-blocking, how much it took) takes while nobody reads."""
        total = 0
        last = time.monotonic()
        while time.monotonic() - last < 0.5:
            try:
                total += send()
                last = time.monotonic()
            except BlockingIOError:
                time.sleep(0.01)
        return total

    def test_a_browser_that_does_not_read_stops_the_server(self):
        server = self.serve()
        bridge = self.bridge(pipes=[private(framing="none")], config={"events": {
            "memory_bytes": MIB}})
        near, end = self.pair(bridge, server, receive_buffer_bytes=65536, timeout_s=LONG_S)
        before = bridge.rss_kib()
        block = os.urandom(65536)
        sent = bytearray()
        end.socket.setblocking(False)

        def send():
            size = end.socket.send(block)
            sent.extend(block[:size])
            return size

        total = self.stalled_bytes(send)
        self.assertLess(total, 12 * MIB)
        if not IS_SANITIZED:
            self.assertLess(bridge.rss_kib() - before, 8 * 1024)
        end.close()
        got = bytearray()
        while (message := near.receive_message())[0] != CLOSE:
            got += message[1]
        self.assertEqual(got == sent, True)
        self.assertEqual(struct.unpack("!H", message[1][:2])[0], 1000)

    def test_a_server_that_does_not_read_stops_the_browser(self):
        server = self.serve()
        bridge = self.bridge(pipes=[private(framing="none")], config={"events": {
            "memory_bytes": MIB}})
        near, end = self.pair(bridge, server)
        before = bridge.rss_kib()
        block = os.urandom(65000)
        encoded = websocket.encode_frame(BINARY, block)
        near.wire.socket.setblocking(False)
        rest = [b""]

        def send():
            rest[0] = rest[0] or encoded
            size = near.wire.socket.send(rest[0])
            rest[0] = rest[0][size:]
            return size

        total = self.stalled_bytes(send)
        self.assertLess(total, 24 * MIB)
        if not IS_SANITIZED:
            self.assertLess(bridge.rss_kib() - before, 8 * 1024)
        near.wire.socket.settimeout(LONG_S)
        count = (total + len(rest[0])) // len(encoded)
        closing = threading.Thread(target=near.wire.send, args=(
            rest[0] + websocket.encode_frame(CLOSE, struct.pack("!H", 1000)),))
        closing.start()
        for _ in range(count):
            self.assertEqual(end.receive_exactly(len(block)) == block, True)
        self.assertTrue(end.is_at_end())
        closing.join()

    def test_a_slow_reader_gets_all_after_the_server_has_gone(self):
        server = self.serve()
        bridge = self.bridge(pipes=[private(framing="none")])
        near, end = self.pair(bridge, server, receive_buffer_bytes=65536, timeout_s=LONG_S)
        size = 6 * MIB
        data = os.urandom(MIB) * 6
        sender = threading.Thread(target=lambda: (end.send(data), end.close()))
        sender.start()
        got = bytearray()
        begin = time.monotonic()
        while (message := near.receive_message())[0] != CLOSE:
            got += message[1]
            # 1.5 MB/s: four seconds, twice the time that a close may take
            time.sleep(max(0.0, begin + len(got) / 1.5e6 - time.monotonic()))
        sender.join()
        self.assertEqual((len(got), got == data), (size, True))
        self.assertEqual(struct.unpack("!H", message[1][:2])[0], 1000)

    def test_a_slow_server_gets_all_after_the_browser_has_gone(self):
        server = self.serve()
        bridge = self.bridge(pipes=[private(framing="none")])
        near, end = self.pair(bridge, server, timeout_s=LONG_S)
        data = os.urandom(MIB) * 6

        def say():
            for at in range(0, len(data), 50000):
                near.send(BINARY, data[at:at + 50000])
            near.send(CLOSE, struct.pack("!H", 1000))

        sender = threading.Thread(target=say)
        sender.start()
        got = bytearray()
        begin = time.monotonic()
        while True:
            piece = end.receive(65536)
            if not piece:
                break
            got += piece
            time.sleep(max(0.0, begin + len(got) / 1.5e6 - time.monotonic()))
        sender.join()
        self.assertEqual((len(got), got == data), (len(data), True))

    def test_guests_of_a_stalled_session_are_refused_before_its_owner_is(self):
        server = self.serve()
        bridge = self.bridge(pipes=[private(limits={"max_write_queue_bytes": 65536})])
        near, end = self.pair(bridge, server, timeout_s=LONG_S)
        session = bridge.wait_for_sessions("c", 1)[0]["id"]
        statuses = []
        guests = 0
        for _ in range(40):
            answer = bridge.post(f"/api/v1/sessions/{session}/messages", b"g" * 30000)
            statuses.append(answer.status)
            guests += answer.status != 429
            if answer.status == 429:
                break
        self.assertEqual(statuses[-1], 429)
        sender = threading.Thread(
            target=lambda: [near.send(TEXT, b"o" * 30000) for _ in range(100)])
        sender.start()
        lines = [end.receive_exactly(30001) for _ in range(guests + 100)]
        sender.join()
        self.assertEqual(sum(line[:1] == b"o" for line in lines), 100)


class Crowd(ConnectCase):
    def test_a_hundred_private_sessions_at_once(self):
        server = self.serve()
        server.socket.listen(128)
        bridge = self.bridge(pipes=[private()])
        nears = [self.private(bridge, timeout_s=LONG_S) for _ in range(100)]
        ends = [self.accept(server) for _ in range(100)]
        for number, near in enumerate(nears):
            near.send(TEXT, b"I am %d" % number)
        for end in ends:  # each says back who it heard
            name = end.receive(100)
            end.send(b"you said " + name)
        for number, near in enumerate(nears):
            self.assertEqual(near.receive_message()[1], b"you said I am %d" % number)
        self.assertEqual(len(bridge.sessions("c")), 100)
        for near in nears[::2]:
            near.finish()
        bridge.wait_for_sessions("c", 50)
        for near in nears[1::2]:
            near.close()
        bridge.wait_for_sessions("c", 0)
        self.assertTrue(all(end.is_at_end() for end in ends))


    def test_more_than_the_queue_to_the_pipe_thread_holds_is_said_at_once(self):
        count, messages = 32, 40
        server = self.serve()
        server.socket.listen(count)
        bridge = self.bridge(pipes=[private()])
        nears = [self.private(bridge, timeout_s=LONG_S) for _ in range(count)]
        ends = [self.accept(server) for _ in range(count)]
        heard = {}

        def hear(end):
            lines = []
            for index in range(messages):
                lines.append(end.receive_exactly(60001))
                assert lines[-1][:6] == b"%06d" % index, lines[-1][:20]
            who = {line[6:9] for line in lines}
            heard[b" and ".join(who)] = len(lines)

        def say(number):
            near = nears[number]
            for index in range(messages):
                near.send(TEXT, b"%06d%03d" % (index, number) + b"z" * 59991)

        threads = [threading.Thread(target=hear, args=(end,)) for end in ends]
        threads += [threading.Thread(target=say, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(heard, {b"%03d" % number: messages for number in range(count)})


class Strategies(ConnectCase):
    def test_every_strategy_and_backend(self):
        for settings in ({"strategy": "completion", "backend": "epoll"},
                         {"strategy": "completion", "backend": "io_uring"},
                         {"strategy": "overlapped"}, {"strategy": "threads"}):
            with self.subTest(**settings):
                server = self.serve()
                bridge = self.bridge(pipes=[private()], config={"pipe_thread": settings},
                                     name="-".join(settings.values()))
                near, end = self.pair(bridge, server)
                end.send(b"hello\n" * 20000)
                for _ in range(20000):
                    self.assertEqual(near.receive_message(), (TEXT, b"hello"))
                for _ in range(2000):
                    near.send(TEXT, b"world")
                near.send(CLOSE, struct.pack("!H", 1000))
                self.assertEqual(end.receive_exactly(12000), b"world\n" * 2000)
                self.assertTrue(end.is_at_end())
                near, end = self.pair(bridge, server)
                end.close()
                self.assert_closed(near, 1000)
                self.assertEqual(bridge.stop(), 0)
                server.close()
