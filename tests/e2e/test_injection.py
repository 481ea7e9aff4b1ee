"""What an observer says into a pipe: to one, to all, to the deaf, and what is answered."""

import threading

from harness import websocket
from harness.bridge import FRAMED, PIPES, pipe
from harness.case import BridgeCase
from harness.clients import frame
from harness.observer import payload_of, without_run
from harness.servers import PipeServer


class Framed(BridgeCase):
    def test_the_bytes_arrive_dressed_as_the_pipe_wants(self):
        server = self.bridge(pipes=PIPES)
        bodies = [b"word", "ü🦀".encode(), b"\xff\xfe\x00\x01", b"", b"x" * 60000]
        for name, framing in FRAMED + [("raw", "none")]:
            with self.subTest(name):
                observer = self.ndjson(server)
                client = self.connect(server, name)
                observer.until_kind("opened")
                for body in bodies:
                    if name == "nul" and b"\0" in body or name == "raw" and not body:
                        continue
                    answer = server.inject(name, body)
                    self.assertEqual((answer.status, answer.json["bytes"]), (201, len(body)))
                    wire = frame(framing, body)
                    self.assertEqual(client.receive_exactly(len(wire)), wire)
                    event = observer.until_kind("injected")
                    self.assertEqual((payload_of(event), event["direction"], event["targets"]),
                                     (body, "s2c", 1))

    def test_a_delimiter_that_is_there_is_not_said_twice(self):
        server = self.bridge(pipes=PIPES)
        observer = self.ndjson(server)
        line, nul = self.connect(server, "line"), self.connect(server, "nul")
        observer.take(2)
        server.inject("line", b"complete\n")
        server.inject("line", b"next")
        self.assertEqual(line.receive_exactly(14), b"complete\nnext\n")
        server.inject("nul", b"complete\0")
        server.inject("nul", b"next")
        self.assertEqual(nul.receive_exactly(14), b"complete\0next\0")

    def test_datagrams_keep_their_bounds(self):
        server = self.bridge(pipes=PIPES)
        client = self.connect(server, "exact", is_message=True)
        server.wait_for_sessions("exact", 1)
        for body in (b"one", b"", b"two\n", b"\0" * 5000):
            self.assertEqual(server.inject("exact", body).status, 201)
        self.assertEqual([client.receive() for _ in range(4)],
                         [b"one", b"", b"two\n", b"\0" * 5000])


class Targets(BridgeCase):
    def test_to_all_reaches_all_and_to_one_reaches_one(self):
        server = self.bridge(pipes=PIPES)
        observer = self.ndjson(server)
        clients = [self.connect(server, "line") for _ in range(5)]
        sessions = [e["session"] for e in observer.take(5)]
        answer = server.inject("line", b"all")
        self.assertEqual((answer.json["targets"], answer.json["delivered"]), (5, 5))
        for client, session in zip(clients, sessions):
            self.assertEqual(client.receive_exactly(4), b"all\n")
            server.post(f"/api/v1/sessions/{session}/messages", b"you are %d" % session)
        for client, session in zip(clients, sessions):
            wanted = b"you are %d\n" % session
            self.assertEqual(client.receive_exactly(len(wanted)), wanted)
        events = observer.take(6)
        self.assertEqual([(e["kind"], e["session"], e["targets"]) for e in events],
                         [("injected", 0, 5)] + [("injected", s, 1) for s in sessions])

    def test_those_who_do_not_read_are_told_apart(self):
        server = self.bridge(pipes=[pipe("exact", mode="message",
                                         limits={"max_write_queue_bytes": 131072})])
        observer = self.ndjson(server)
        deaf = self.connect(server, "exact", is_message=True)
        deaf_id = observer.until_kind("opened")["session"]
        body = b"x" * 50000
        for _ in range(200):
            answer = server.post(f"/api/v1/sessions/{deaf_id}/messages", body)
            if answer.status == 429:
                break
        self.assert_problem(answer, 429, "queue_full")
        lively = self.connect(server, "exact", is_message=True)
        server.wait_for_sessions("exact", 2)
        told = server.inject("exact", body)
        self.assertEqual(told.status, 201)  # delivered to one of two
        self.assertEqual((told.json["targets"], told.json["delivered"], told.json["refused"]),
                         (2, 1, 1))
        self.assertEqual(lively.receive(), body)
        # It reads again, and what was accepted for it comes, whole and in order.
        accepted = sum(s["s2c"]["messages"] for s in server.sessions() if s["id"] == deaf_id)
        self.assertGreater(accepted, 0)
        for _ in range(accepted):
            self.assertEqual(deaf.receive(), body)
        answer = server.post(f"/api/v1/sessions/{deaf_id}/messages", b"welcome back")
        self.assertEqual(answer.status, 201)
        self.assertEqual(deaf.receive(), b"welcome back")


    def test_who_does_not_read_is_told_before_a_short_time_out(self):
        server = self.bridge(pipes=[pipe("line")], config={"http": {"request_timeout_ms": 1000}})
        self.connect(server, "line")
        server.wait_for_sessions("line", 1)
        for _ in range(200):
            answer = server.inject("line", b"x" * 20000)
            if answer.status != 201:
                break
        self.assertEqual((answer.status, answer.json.get("queued")), (202, 1))


class SentBy(BridgeCase):
    def test_each_injection_tells_who_it_was(self):
        server = self.bridge(pipes=PIPES)
        observer = self.ndjson(server, "?kind=injected")
        server.post("/api/v1/pipes/line/messages", b"x", headers={"User-Agent": 'a "name"'})
        told = observer.next()["by"]
        self.assertEqual((told["via"], told["client"]), ("http", 'a "name"'))
        self.assertRegex(told["address"], r"^127\.0\.0\.1:\d+$")
        server.post("/api/v1/pipes/line/messages", b"x", headers={"User-Agent": "x" * 500})
        self.assertEqual(observer.next()["by"]["client"], "x" * 64)
        socket = websocket.WebSocket(server.address, "/api/v1/pipes/line/ws", protocols=())
        self.addCleanup(socket.close)
        socket.send(websocket.BINARY, b"y")
        told = observer.next()["by"]
        self.assertEqual(told["via"], "raw")
        self.assertTrue(told["address"].startswith("127.0.0.1:"))

    def test_what_waited_for_a_server_still_tells_who_it_was(self):
        (self.folder / "run").mkdir(mode=0o700)
        server = self.bridge(pipes=[pipe("late", role="client", reconnect={
            "first_delay_ms": 1, "max_delay_ms": 20})])
        observer = self.ndjson(server, "?kind=injected")
        answer = server.post("/api/v1/pipes/late/messages", b"early", headers={"User-Agent": "me"})
        self.assertEqual((answer.status, answer.json["result"]), (202, "queued"))
        late = PipeServer(self.folder / "run" / "late.sock")
        self.addCleanup(late.close)
        event = observer.next()
        self.assertEqual((event["text"], event["by"]["client"]), ("early", "me"))


class Order(BridgeCase):
    def test_many_at_once_are_each_delivered_once_and_in_the_order_of_their_seq(self):
        server = self.bridge(pipes=PIPES)
        client = self.connect(server, "line")
        server.wait_for_sessions("line", 1)
        observer = self.ndjson(server)
        told, lock, wire = {}, threading.Lock(), bytearray()

        def listen():  # all the while: a kernel's socket holds but some hundred short messages
            while wire.count(b"\n") < 400:
                wire.extend(client.receive())

        def speak(who):
            for i in range(50):
                word = b"%d/%d" % (who, i)
                answer = server.inject("line", word)
                with lock:
                    told[answer.json["seq"]] = (answer.status, word)

        threads = [threading.Thread(target=speak, args=(who,)) for who in range(8)]
        threads.append(threading.Thread(target=listen))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({status for status, _ in told.values()}, {201})
        words = [word for _, (_, word) in sorted(told.items())]
        self.assertEqual(len(words), 400)
        self.assertEqual(wire, b"".join(word + b"\n" for word in words))
        events = observer.take(400)
        self.assertEqual([payload_of(e) for e in events], words)
        self.assertEqual([e["seq"] for e in events], sorted(told))

    def test_both_readers_tell_the_same(self):
        server = self.bridge(pipes=PIPES)
        ndjson, websocket = self.ndjson(server), self.websocket(server)
        self.connect(server, "exact", is_message=True)
        server.wait_for_sessions("exact", 1)
        for body in (b"", b"text", b"\xff", b'"\\\n'):
            server.inject("exact", body)
        self.assertEqual([without_run(e) for e in ndjson.take(5)], websocket.take(5))
