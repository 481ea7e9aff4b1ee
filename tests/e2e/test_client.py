"""Role client: the server is another program, which comes late, dies, and comes back."""

import os
import pathlib
import random

from harness.bridge import pipe
from harness.case import BridgeCase
from harness.clients import frame, need_tool
from harness.deadline import LONG_S, wait_until
from harness.observer import payload_of
from harness.servers import LineServer, PipeServer

QUICK = {"first_delay_ms": 1, "max_delay_ms": 20}


def client(name="c", reconnect=None, **more):
    return pipe(name, role="client", reconnect=QUICK | (reconnect or {}), **more)


class ClientCase(BridgeCase):
    def setUp(self):
        super().setUp()
        (self.folder / "run").mkdir(mode=0o700)

    def serve(self, name="c", **options):
        server = PipeServer(self.folder / "run" / f"{name}.sock", **options)
        self.addCleanup(server.close)
        return server

    def accept(self, server):
        end = server.accept()
        self.addCleanup(end.close)
        return end

    def info(self, bridge, name="c"):
        return bridge.get(f"/api/v1/pipes/{name}").json

    def wait_for_connection(self, bridge, is_connected=True):
        return wait_until(
            lambda: self.info(bridge)["connection"]["connected"] == is_connected, "the connection")


class Talk(ClientCase):
    def test_both_directions_in_every_framing_and_mode(self):
        framings = ["line", "nul", "length32be", "length16le", "varint", "headers"]
        pipes = [client(f, framing=f) for f in framings] + [client("exact", mode="message")]
        servers = {p["name"]: self.serve(p["name"], is_message=p["mode"] == "message")
                   for p in pipes}
        bridge = self.bridge(pipes=pipes)
        observer = self.ndjson(bridge, "?kind=message,injected")
        for entry in pipes:
            name = entry["name"]
            with self.subTest(name):
                end = self.accept(servers[name])
                wait_until(lambda n=name: self.info(bridge, n)["sessions"] == 1, "the session")
                for body in (b"from the server", "ü🦀".encode(), b"x" * 60000):
                    end.send(frame(entry.get("framing"), body))
                    event = observer.next()
                    self.assertEqual((event["kind"], event["pipe"], event["direction"],
                                      payload_of(event)), ("message", name, "s2c", body))
                for body in (b"from the bridge", b"y" * 60000):
                    answer = bridge.inject(name, body)
                    self.assertEqual((answer.status, answer.json["delivered"]), (201, 1))
                    wire = frame(entry.get("framing"), body)
                    got = end.receive() if end.is_message else end.receive_exactly(len(wire))
                    self.assertEqual(got, wire)
                    event = observer.next()
                    self.assertEqual((event["kind"], event["direction"], payload_of(event),
                                      event["targets"]), ("injected", "c2s", body, 1))

    def test_the_peer_is_the_server_and_counters_say_who_said_what(self):
        server = self.serve()
        bridge = self.bridge(pipes=[client()])
        observer = self.ndjson(bridge, "?since=0")
        end = self.accept(server)
        opened = observer.until_kind("opened")
        self.assertEqual((opened["peer"]["pid"], opened["peer"]["uid"]),
                         (os.getpid(), os.getuid()))
        end.send(b"one\ntwo\n")
        observer.messages(2)
        answer = bridge.post(f"/api/v1/sessions/{opened['session']}/messages", b"three")
        self.assertEqual(answer.status, 201)
        self.assertEqual(end.receive_exactly(6), b"three\n")
        info = self.info(bridge)
        for entry in (info, bridge.sessions()[0]):
            self.assertEqual((entry["s2c"], entry["c2s"]),
                             ({"messages": 2, "bytes": 6}, {"messages": 1, "bytes": 5}))
        self.assertEqual((info["role"], info["sessions"], info["limits"]["max_instances"]),
                         ("client", 1, 1024))
        self.assertEqual(info["connection"], {"connected": True, "failed": 0,
                                              "queued": {"messages": 0, "bytes": 0}})

    def test_only_the_direction_to_the_server_can_be_sent(self):
        bridge = self.bridge(pipes=[client()])
        refused = bridge.post("/api/v1/pipes/c/messages?direction=s2c", b"x")
        self.assert_problem(refused, 400, "direction_not_possible")
        taken = bridge.post("/api/v1/pipes/c/messages?direction=c2s", b"x")
        self.assertEqual(taken.status, 202)

    def test_an_echo_goes_back_to_the_server(self):
        server = self.serve()
        self.bridge(pipes=[client(reply="echo")])
        end = self.accept(server)
        end.send(b"again\n")
        self.assertEqual(end.receive_exactly(6), b"again\n")

    def test_a_disconnected_session_is_followed_by_another(self):
        server = self.serve()
        bridge = self.bridge(pipes=[client()])
        observer = self.ndjson(bridge, "?since=0")
        first = self.accept(server)
        opened = observer.until_kind("opened")
        self.assertEqual(
            bridge.request("DELETE", f"/api/v1/sessions/{opened['session']}").status, 202)
        closed = observer.until_kind("closed")
        self.assertEqual((closed["session"], closed["reason"]), (opened["session"], "local"))
        self.assertTrue(first.is_at_end())
        self.accept(server)
        self.assertGreater(observer.until_kind("opened")["session"], opened["session"])


class Backends(ClientCase):
    def test_every_way_to_serve_the_pipes_has_clients(self):
        ways = [{"backend": "epoll"}, {"backend": "io_uring"}, {"strategy": "threads"}]
        for number, way in enumerate(ways):
            for is_message in (False, True):
                with self.subTest(f"{way}, {'message' if is_message else 'byte'}"):
                    name = f"{'m' if is_message else 'b'}{number}"
                    entry = client(name, mode="message") if is_message else client(name)
                    end = b"" if is_message else b"\n"
                    bridge = self.bridge(pipes=[entry], config={"pipe_thread": way}, name=name)
                    observer = self.ndjson(bridge, "?since=0")
                    self.assertEqual(bridge.inject(name, b"kept").status, 202)
                    for word in (b"kept", b"after a restart"):
                        server = self.serve(name, is_message=is_message)
                        connection = self.accept(server)
                        observer.until_kind("opened")
                        if word != b"kept":
                            self.assertEqual(bridge.inject(name, word).status, 201)
                        self.assertEqual(connection.receive_exactly(len(word + end)), word + end)
                        connection.send(b"answer" + end)
                        self.assertEqual(payload_of(observer.messages(1)[0]), b"answer")
                        connection.close()
                        server.close()
                        self.assertEqual(observer.until_kind("closed")["reason"], "peer")
                    self.assertEqual(bridge.stop(), 0)


class Absence(ClientCase):
    def test_a_server_that_is_late_is_waited_for_and_told_of_once(self):
        bridge = self.bridge(pipes=[client()])
        observer = self.ndjson(bridge, "?since=0")
        told = observer.until_kind("error")
        self.assertEqual((told["pipe"], told["session"]), ("c", 0))
        for words in ("cannot connect to", "c.sock", "start its server", "next try in"):
            self.assertIn(words, told["detail"])
        connection = wait_until(
            lambda: (now := self.info(bridge)["connection"])["failed"] > 10 and now, "ten tries")
        self.assertEqual((connection["connected"], connection["failure"]), (False, "not_found"))
        self.assertGreater(connection["next_try_wall_ns"], told["wall_ns"])
        self.assertEqual(self.info(bridge)["errors"], 1)
        server = self.serve()
        self.accept(server)
        self.assertEqual(observer.next()["kind"], "opened")

    def test_a_new_reason_is_told(self):
        path = self.folder / "run" / "c.sock"
        bridge = self.bridge(pipes=[client()])
        observer = self.ndjson(bridge, "?since=0&kind=error")
        self.assertIn("not found", observer.next()["detail"].lower())
        other = self.serve(is_message=True)
        self.assertIn("mode", observer.next()["detail"])
        self.assertEqual(self.info(bridge)["connection"]["failure"], "bad_mode")
        other.close()
        self.assertFalse(path.exists())
        self.assertIn("not found", observer.next()["detail"].lower())

    def test_a_stale_socket_is_no_server_and_stays(self):
        self.serve().abandon()
        path = self.folder / "run" / "c.sock"
        inode = path.stat().st_ino
        bridge = self.bridge(pipes=[client()])
        observer = self.ndjson(bridge, "?since=0")
        self.assertIn("refused", observer.until_kind("error")["detail"])
        self.assertEqual(path.stat().st_ino, inode)
        path.unlink()
        self.accept(self.serve())
        observer.until_kind("opened")

    def test_a_server_that_dies_and_comes_back_is_one_session_after_the_other(self):
        for is_message in (False, True):
            with self.subTest(is_message=is_message):
                name = "m" if is_message else "b"
                entry = client(name, mode="message") if is_message else client(name)
                bridge = self.bridge(pipes=[entry], name=name)
                observer = self.ndjson(bridge)
                last = 0
                for word in (b"first", b"second", b"third"):
                    server = self.serve(name, is_message=is_message)
                    end = self.accept(server)
                    opened = observer.until_kind("opened")
                    self.assertGreater(opened["session"], last)
                    last = opened["session"]
                    end.send(word if is_message else word + b"\n")
                    self.assertEqual(payload_of(observer.messages(1)[0]), word)
                    end.close()
                    server.close()
                    closed = observer.until_kind("closed")
                    self.assertEqual((closed["session"], closed["reason"]), (last, "peer"))
                bridge.stop()

    def test_the_last_words_of_a_dead_server_are_heard(self):
        server = self.serve()
        bridge = self.bridge(pipes=[client()])
        observer = self.ndjson(bridge, "?since=0")
        end = self.accept(server)
        lines = b"".join(b"%d\n" % number for number in range(5000))
        end.send(lines + b"and half")
        end.close()
        messages = observer.messages(5001)
        self.assertEqual([payload_of(m) for m in messages[:-1]], lines.split())
        self.assertEqual((payload_of(messages[-1]), messages[-1]["flags"]),
                         (b"and half", ["incomplete"]))

    def test_socat_as_the_server(self):
        socat = need_tool("socat")
        path = self.folder / "run" / "c.sock"
        bridge = self.bridge(pipes=[client()])
        observer = self.ndjson(bridge)
        for word in (b"one", b"two"):
            tool = self.tool(socat, "-", f"UNIX-LISTEN:{path},unlink-close")
            opened = observer.until_kind("opened")
            self.assertEqual((opened["peer"]["pid"], opened["peer"]["name"]),
                             (tool.process.pid, "socat"))
            tool.write(word + b"\n")
            self.assertEqual(payload_of(observer.messages(1)[0]), word)
            self.assertEqual(bridge.inject("c", b"answer").status, 201)
            tool.read_until(b"answer\n")
            tool.end_input()
            observer.until_kind("closed")
            tool.wait()


class Queue(ClientCase):
    def test_what_is_sent_meanwhile_comes_first_and_in_order(self):
        for is_message in (False, True):
            with self.subTest(is_message=is_message):
                name = "m" if is_message else "b"
                entry = client(name, mode="message") if is_message else client(name)
                bridge = self.bridge(pipes=[entry], name=name)
                observer = self.ndjson(bridge, "?kind=opened,injected,closed")
                bodies = [b"%d" % number for number in range(300)]
                for body in bodies:
                    answer = bridge.inject(name, body)
                    self.assertEqual(
                        (answer.status, answer.json["targets"], answer.json["queued"]),
                        (202, 1, 1))
                queued = self.info(bridge, name)["connection"]["queued"]
                self.assertEqual(queued, {"messages": 300, "bytes": sum(map(len, bodies))})
                end = self.accept(self.serve(name, is_message=is_message))
                self.assertEqual(observer.next()["kind"], "opened")
                self.assertEqual([payload_of(e) for e in observer.take(300)], bodies)
                if is_message:
                    self.assertEqual([end.receive() for _ in range(300)], bodies)
                else:
                    wire = b"".join(body + b"\n" for body in bodies)
                    self.assertEqual(end.receive_exactly(len(wire)), wire)
                self.assertEqual(bridge.inject(name, b"live").status, 201)
                queued = self.info(bridge, name)["connection"]["queued"]
                self.assertEqual(queued, {"messages": 0, "bytes": 0})
                bridge.stop()

    def test_more_than_a_write_queue_holds_is_written_as_the_server_reads(self):
        bridge = self.bridge(pipes=[client(
            mode="message", reconnect={"max_queued_bytes": 1 << 24},
            limits={"max_write_queue_bytes": 65536})])
        bodies = [b"%04d" % number + b"x" * 30000 for number in range(200)]
        for body in bodies:
            self.assertEqual(bridge.inject("c", body).status, 202)
        end = self.accept(self.serve(is_message=True))
        for number, body in enumerate(bodies):
            if number == 100:  # behind what still waits
                self.assertEqual(bridge.inject("c", b"later").status, 202)
            self.assertEqual(end.receive(), body)
        self.assertEqual(end.receive(), b"later")

    def test_what_is_kept_is_bounded_and_refusals_are_counted(self):
        bridge = self.bridge(pipes=[
            client("few", reconnect={"max_queued_messages": 3}),
            client("small", reconnect={"max_queued_bytes": 1024}),
            client("none", reconnect={"max_queued_messages": 0})])
        observer = self.ndjson(bridge)
        for name, taken, body in (("few", 3, b"x"), ("small", 2, b"y" * 500), ("none", 0, b"z")):
            with self.subTest(name):
                for _ in range(taken):
                    self.assertEqual(bridge.inject(name, body).status, 202)
                for _ in range(5):
                    refused = bridge.inject(name, body)
                    self.assert_problem(refused, 429, "queue_full")
                    self.assertIn("reconnect.max_queued", refused.json["detail"])
                self.assertEqual(refused.headers.get("retry-after"), "1")
                info = self.info(bridge, name)
                self.assertEqual((info["refused"], info["connection"]["queued"]["messages"]),
                                 (5, taken))
                told = observer.until(lambda e, n=name: e["pipe"] == n and "refused:" in
                                      e.get("detail", ""))[-1]
                self.assertIn("its server is away", told["detail"])
        end = self.accept(self.serve("few"))
        self.assertEqual(end.receive_exactly(6), b"x\nx\nx\n")
        wait_until(lambda: self.info(bridge, "few")["connection"]["connected"], "connected")
        self.assertEqual(bridge.inject("few", b"again").status, 201)

    def test_an_empty_queue_takes_a_message_of_any_size(self):
        bridge = self.bridge(pipes=[client(reconnect={"max_queued_bytes": 1024})])
        body = b"x" * 60000
        self.assertEqual(bridge.inject("c", body).status, 202)
        self.assertEqual(bridge.inject("c", b"").status, 429)
        end = self.accept(self.serve())
        self.assertEqual(end.receive_exactly(60001), body + b"\n")

    def test_a_session_that_is_gone_is_not_waited_for(self):
        server = self.serve()
        bridge = self.bridge(pipes=[client()])
        observer = self.ndjson(bridge, "?since=0")
        end = self.accept(server)
        session = observer.until_kind("opened")["session"]
        server.close()
        end.close()
        observer.until_kind("closed")
        self.assert_problem(bridge.post(f"/api/v1/sessions/{session}/messages", b"x"), 409,
                            "session_closed")
        self.assertEqual(bridge.inject("c", b"x").status, 202)

    def test_what_a_dying_server_never_read_is_told_as_lost(self):
        server = self.serve(is_message=True)
        bridge = self.bridge(pipes=[client(mode="message")],
                             config={"http": {"request_timeout_ms": 200}})
        observer = self.ndjson(bridge, "?since=0")
        end = self.accept(server)
        observer.until_kind("opened")
        body = b"x" * 50000
        queued = 0
        while True:  # until the kernel takes no more, and then some
            answer = bridge.inject("c", body)
            if answer.status == 429:
                break
            # A slow machine gives some up, which are queued all the same.
            queued += answer.status in (202, 504)
        self.assertGreater(queued, 1)
        end.close()
        events = observer.until(lambda e: e["kind"] == "closed")
        detail = [e["detail"] for e in events if e["kind"] == "error"][-1]
        self.assertIn(f"{queued} messages", detail)
        self.assertIn("are lost", detail)
        self.assertEqual(self.info(bridge)["lost"],
                         {"messages": queued, "bytes": queued * len(body)})

    def test_what_waits_at_the_end_of_the_bridge_is_told(self):
        bridge = self.bridge(pipes=[client()])
        observer = self.ndjson(bridge)
        for _ in range(3):
            self.assertEqual(bridge.inject("c", b"word").status, 202)
        bridge.stop()
        told = observer.until(lambda e: "lost" in e.get("detail", ""))[-1]
        self.assertIn("3 messages of 12 bytes", told["detail"])


class Chaos(ClientCase):
    ROUNDS = 50
    LINES = 200

    def test_fifty_restarts_lose_nothing_that_is_not_told(self):
        """Half of the restarts are kills. Every line that a server said is heard, in order. What was sent to a
        server is in the file of what it heard, or was told as lost; what a kill took from the kernel's
        hands is bounded by what was sent in that round."""
        chance = random.Random(7)
        heard = self.folder / "heard"
        path = self.folder / "run" / "c.sock"
        bridge = self.bridge(pipes=[client()])
        observer = self.ndjson(bridge)
        sent, first, told, excused = 0, 0, 0, set()
        for round_number in range(self.ROUNDS):
            is_kill = round_number % 2 == 1
            server = LineServer(path, heard, first, self.LINES)
            server.wait_for_client()
            begin = sent
            for _ in range(chance.randrange(20)):
                answer = bridge.inject("c", b"%d" % sent)
                self.assertIn(answer.status, (201, 202))
                told += answer.json["refused"]
                sent += 1
            (server.kill if is_kill else server.stop)()
            said = int(pathlib.Path(f"{heard}.said").read_text())
            events = observer.until(lambda e: e["kind"] == "closed")
            spoken = [int(payload_of(e)) for e in events
                      if e["kind"] == "message" and "flags" not in e]
            self.assertEqual(spoken, list(range(first, first + len(spoken))))
            if is_kill:  # it may have died before it noted its last line
                self.assertIn(len(spoken), (said, said + 1))
            else:
                self.assertEqual(len(spoken), said)
            first += self.LINES
            if is_kill:
                excused.update(range(begin, sent))
        wait_until(lambda: not self.info(bridge)["sessions"], "no session", LONG_S)
        self.assertEqual(self.info(bridge)["sessions_total"], self.ROUNDS)
        server = LineServer(path, heard, first, 0)  # what still waits goes to it
        server.wait_for_client()
        wait_until(lambda: self.info(bridge)["connection"]["queued"]["messages"] == 0, "all sent")
        server.stop()
        numbers = [int(line) for line in pathlib.Path(heard).read_bytes().split()]
        self.assertEqual(numbers, sorted(set(numbers)))  # in order, none twice
        missing = set(range(sent)) - set(numbers)
        told += self.info(bridge)["lost"]["messages"]
        unexplained = missing - excused
        self.assertLessEqual(len(unexplained), told)
        print(f"{sent} sent, {len(numbers)} heard, {told} told as lost, "
              f"{len(missing) - told} in the kernel of a killed server", flush=True)
