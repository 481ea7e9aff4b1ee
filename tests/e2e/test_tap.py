"""Role tap: between programs and the pipe of another one, unnoticed."""

import contextlib
import http.server
import json
import os
import pathlib
import random
import socket
import socketserver
import subprocess
import sys
import threading

from harness import stream_peer, websocket
from harness.bridge import pipe
from harness.case import BridgeCase
from harness.clients import PipeClient, need_tool
from harness.deadline import LONG_S, SHORT_S, wait_until
from harness.observer import payload_of
from harness.servers import PipeServer

BACKENDS = ("epoll", "io_uring")
PEER = pathlib.Path(stream_peer.__file__)


def tap(name="t", **more):
    return pipe(name, role="tap", upstream=f"{name}.up", **more)


class TapCase(BridgeCase):
    def setUp(self):
        super().setUp()
        (self.folder / "run").mkdir(mode=0o700)

    def upstream_path(self, name="t"):
        return self.folder / "run" / f"{name}.up"

    def serve(self, name="t", **options):
        server = PipeServer(self.upstream_path(name), **options)
        self.addCleanup(server.close)
        return server

    def tapped(self, backend="auto", pipes=None, **more):
        return self.bridge(pipes=pipes or [tap(**more)],
                           config={"pipe_thread": {"backend": backend}})

    def accept(self, server):
        end = server.accept()
        self.addCleanup(end.close)
        return end

    def pair(self, bridge, server, name="t", is_message=False):
        """A client and what the server accepted for it."""
        client = self.connect(bridge, name, is_message)
        return client, self.accept(server)

    def info(self, bridge, name="t"):
        return bridge.get(f"/api/v1/pipes/{name}").json

    def each_backend(self):
        """Once for each backend, in a folder of its own."""
        for backend in BACKENDS:
            with self.subTest(backend):
                yield backend
                self.doCleanups()
                self.setUp()


class Talk(TapCase):
    def test_both_directions_are_seen_and_who_is_there(self):
        for backend in self.each_backend():
            server = self.serve()
            bridge = self.tapped(backend)
            observer = self.ndjson(bridge)
            client, end = self.pair(bridge, server)
            opened = observer.next()
            self.assertEqual((opened["kind"], opened["peer"]["pid"], opened["upstream"]["pid"]),
                             ("opened", os.getpid(), os.getpid()))
            session = opened["session"]
            client.send(b"question\n")
            self.assertEqual(end.receive_exactly(9), b"question\n")
            end.send(b"answer\nand another\n")
            self.assertEqual(client.receive_exactly(19), b"answer\nand another\n")
            seen = [(e["direction"], payload_of(e)) for e in observer.messages(3, session=session)]
            self.assertEqual(seen, [("c2s", b"question"), ("s2c", b"answer"),
                                    ("s2c", b"and another")])
            info = self.info(bridge)
            self.assertEqual((info["role"], info["upstream"], info["oversize"]),
                             ("tap", str(self.upstream_path()), "skip"))
            self.assertEqual((info["c2s"], info["s2c"]),
                             ({"messages": 1, "bytes": 8}, {"messages": 2, "bytes": 17}))
            self.assertEqual(bridge.sessions("t")[0]["upstream"]["pid"], os.getpid())
            end.close()
            self.assertTrue(client.is_at_end())
            client.close()
            closed = observer.until_kind("closed")
            self.assertEqual((closed["session"], closed["reason"], closed["status"]),
                             (session, "upstream", "ok"))

    def test_a_prompt_without_an_end_passes_at_once(self):
        for backend in self.each_backend():
            server = self.serve()
            bridge = self.tapped(backend)
            client, end = self.pair(bridge, server)
            end.send(b"login: ")
            self.assertEqual(client.receive_exactly(7), b"login: ")

    def test_what_is_too_long_or_broken_passes_and_is_told(self):
        server = self.serve()
        bridge = self.tapped(framing="headers", limits={"max_message_bytes": 1000})
        observer = self.ndjson(bridge)
        client, end = self.pair(bridge, server)
        data = b"Content-Length: 5000\r\n\r\n" + b"x" * 5000 + b"Content-Length: 2\r\n\r\nok"
        client.send(data)
        self.assertEqual(end.receive_exactly(len(data)), data)
        self.assertEqual(payload_of(observer.messages(1)[0]), b"ok")
        self.assertEqual(self.info(bridge)["skipped"], {"messages": 1, "bytes": 5000})
        client.send(b"this is no header\r\n\r\nand this neither")
        self.assertEqual(end.receive_exactly(37), b"this is no header\r\n\r\nand this neither")
        told = observer.until_kind("error")
        self.assertIn("headers", told["detail"])
        self.assertIn("c2s", told["detail"])
        client.send(b"more")
        self.assertEqual(end.receive_exactly(4), b"more")
        end.send(b"Content-Length: 4\r\n\r\nfine")
        self.assertEqual(client.receive_exactly(25), b"Content-Length: 4\r\n\r\nfine")
        self.assertEqual(payload_of(observer.messages(1, direction="s2c")[0]), b"fine")

    def test_messages_of_every_size_keep_their_boundaries(self):
        sizes = sorted({0, 1, 2, 65535, 65536} | {1 << n for n in range(17)}
                       | set(random.Random(3).choices(range(65537), k=60)))
        for backend in self.each_backend():
            server = self.serve(is_message=True)
            bridge = self.tapped(backend, mode="message")
            observer = self.ndjson(bridge)
            client, end = self.pair(bridge, server, is_message=True)
            for size in sizes:
                data = os.urandom(size)
                client.send(data)
                self.assertEqual(end.receive(), data)
                end.send(data)
                self.assertEqual(client.receive(), data)
            seen = observer.messages(2 * len(sizes))
            self.assertEqual([e["size"] for e in seen if e["direction"] == "c2s"], sizes)
            self.assertEqual([e["size"] for e in seen if e["direction"] == "s2c"], sizes)

    def test_many_clients_at_once_have_an_upstream_each(self):
        class Echo(socketserver.BaseRequestHandler):
            def handle(self):
                while data := self.request.recv(65536):
                    self.request.sendall(data)

        class Server(socketserver.ThreadingUnixStreamServer):
            request_queue_size = 256
            daemon_threads = True

        for backend in self.each_backend():
            server = Server(str(self.upstream_path()), Echo)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.addCleanup(server.server_close)
            self.addCleanup(server.shutdown)
            bridge = self.tapped(backend)
            clients = [self.connect(bridge, "t", timeout_s=LONG_S) for _ in range(200)]
            for number, client in enumerate(clients):
                client.send(b"I am %d\n" % number * 100)
            for number, client in enumerate(clients):
                said = b"I am %d\n" % number * 100
                self.assertEqual(client.receive_exactly(len(said)), said)
            self.assertEqual(len(bridge.wait_for_sessions("t", 200)), 200)
            for client in clients:
                client.close()
            bridge.wait_for_sessions("t", 0)
            self.assertEqual(self.info(bridge)["undelivered"],
                             {"c2s": 0, "s2c": 0, "descriptors": 0, "clients": 0})


class Bytes(TapCase):
    def peer(self, mode, path, count, seed):
        progress = self.folder / f"{mode}.progress"
        progress.write_bytes(bytes(16))
        process = subprocess.Popen(
            [sys.executable, str(PEER), mode, str(path), str(count), str(seed), str(progress)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        if mode == "serve":
            self.assertEqual(process.stdout.readline(), b"listening\n")
        return process, progress

    def result(self, process):
        self.assertEqual(process.wait(4 * LONG_S), 0)
        return json.loads(process.stdout.readline())

    def test_a_hundred_megabytes_each_way_are_the_same_bytes(self):
        count = 100 * 1000 * 1000
        for backend in self.each_backend():
            bridge = self.tapped(backend, framing="none")
            server, _ = self.peer("serve", self.upstream_path(), count, 11)
            client, _ = self.peer("connect", bridge.path("t"), count, 22)
            for process, heard_seed in ((client, 11), (server, 22)):
                result = self.result(process)
                self.assertEqual((result["said"], result["heard"]), (count, count))
                self.assertEqual(result["digest"], stream_peer.digest_of(heard_seed, count))
            bridge.wait_for_sessions("t", 0)
            info = self.info(bridge)
            self.assertEqual((info["c2s"]["bytes"], info["s2c"]["bytes"]), (count, count))

    def kill_one(self, killed):
        """What it had said reaches the other; of what the other said each byte was seen, and reached its socket or is
        counted."""
        for backend in self.each_backend():
            bridge = self.tapped(backend, framing="none")
            peers = {"serve": self.peer("serve", self.upstream_path(), -1, 5)}
            peers["connect"] = self.peer("connect", bridge.path("t"), -1, 6)
            dead, dead_file = peers.pop(killed)
            (survivor, _), = peers.values()
            wait_until(lambda f=dead_file: stream_peer.Progress.read(f)[0] > 10**7,
                       "ten megabytes", LONG_S)
            dead.kill()
            dead.wait()
            result = self.result(survivor)  # it hears the end, and can say no more
            said, heard_by_dead = stream_peer.Progress.read(dead_file)
            self.assertGreaterEqual(result["heard"], said)
            self.assertLessEqual(result["heard"], said + 300000)  # the piece it was sending
            seed = 6 if killed == "connect" else 5
            self.assertEqual(result["digest"], stream_peer.digest_of(seed, result["heard"]))
            bridge.wait_for_sessions("t", 0)
            info = self.info(bridge)
            of_dead, of_survivor = ("c2s", "s2c") if killed == "connect" else ("s2c", "c2s")
            self.assertEqual((info[of_dead]["bytes"], info["undelivered"][of_dead]),
                             (result["heard"], 0))
            self.assertEqual(info[of_survivor]["bytes"], result["said"])
            self.assertGreaterEqual(result["said"] - info["undelivered"][of_survivor],
                                    heard_by_dead)

    def test_what_a_client_said_before_it_was_killed_arrives(self):
        self.kill_one("connect")

    def test_what_a_server_said_before_it_was_killed_arrives(self):
        self.kill_one("serve")

    def test_a_reader_that_stalls_stops_the_writer_in_bounded_memory(self):
        for backend in self.each_backend():
            server = self.serve()
            bridge = self.tapped(backend, framing="none")
            client, end = self.pair(bridge, server)
            for writer, reader in ((client, end), (end, client)):
                before_kib = bridge.rss_kib()
                piece = os.urandom(65536)
                written = 0
                writer.socket.settimeout(1.0)
                try:
                    while written < 1 << 28:
                        written += writer.socket.send(piece[written % 65536:])
                except socket.timeout:
                    pass
                writer.socket.settimeout(SHORT_S)
                self.assertLess(written, 8 << 20)
                # The event log keeps what was seen, too.
                self.assertLess(bridge.rss_kib() - before_kib, 48 << 10)
                expected = (piece * (written // 65536 + 1))[:written]
                self.assertEqual(reader.receive_exactly(written), expected)


class Ends(TapCase):
    def half_close(self, *command):
        """A server that answers only when it has heard the end."""
        server = self.serve()
        bridge = self.tapped()
        observer = self.ndjson(bridge)
        tool = self.tool(*[str(bridge.path("t")) if part == "PATH" else part.replace(
            "PATH", str(bridge.path("t"))) for part in command])
        tool.write(b"all that I have to say\n")
        tool.end_input()
        end = self.accept(server)
        heard = b""
        while data := end.socket.recv(100):
            heard += data
        self.assertEqual(heard, b"all that I have to say\n")
        end.send(b"and this is the answer\n")
        end.close()
        self.assertEqual(tool.read_until(b"answer\n"), b"and this is the answer\n")
        self.assertEqual(tool.wait(LONG_S), 0)
        self.assertEqual(observer.until_kind("closed")["reason"], "peer")

    def test_socat_half_closes_and_gets_its_answer(self):
        self.half_close(need_tool("socat"), "-t10", "-", "UNIX-CONNECT:PATH")

    def test_netcat_half_closes_and_gets_its_answer(self):
        self.half_close(need_tool("nc"), "-N", "-U", "PATH")

    def test_socat_that_ignores_the_end_stays_until_the_server_goes(self):
        server = self.serve()
        bridge = self.tapped()
        tool = self.tool(need_tool("socat"), "-,ignoreeof", f"UNIX-CONNECT:{bridge.path('t')}")
        tool.write(b"hello\n")
        tool.end_input()
        end = self.accept(server)
        self.assertEqual(end.receive_exactly(6), b"hello\n")
        end.send(b"one\n")
        tool.read_until(b"one\n")
        end.send(b"two\n")
        tool.read_until(b"two\n")
        end.close()
        self.assertEqual(tool.wait(LONG_S), 0)

    def test_without_its_upstream_a_client_is_sent_away_and_told_of(self):
        bridge = self.tapped()
        observer = self.ndjson(bridge)
        client = self.connect(bridge, "t")
        self.assertTrue(client.is_at_end())
        told = observer.next()
        self.assertEqual((told["kind"], told["session"]), ("error", 0))
        self.assertIn(str(os.getpid()), told["detail"])
        self.assertIn(str(self.upstream_path()), told["detail"])
        self.assertIn("start its server", told["detail"])
        again = self.connect(bridge, "t")
        self.assertTrue(again.is_at_end())
        wait_until(lambda: self.info(bridge)["undelivered"]["clients"] == 2, "both are counted")
        server = self.serve()
        client, end = self.pair(bridge, server)
        client.send(b"now\n")
        self.assertEqual(end.receive_exactly(4), b"now\n")

    def test_what_nobody_can_receive_is_counted_and_told(self):
        server = self.serve()
        bridge = self.tapped()
        observer = self.ndjson(bridge)
        client, end = self.pair(bridge, server)
        client.socket.settimeout(1.0)
        said = 0
        try:
            while True:
                said += client.socket.send(b"nobody reads this\n" * 1000)
        except socket.timeout:
            pass
        end.close()
        self.assertTrue(client.is_at_end())
        client.close()
        events = observer.until(lambda e: e["kind"] == "closed")
        told = [e for e in events if e["kind"] == "error"]
        self.assertEqual(len(told), 1)
        lost = self.info(bridge)["undelivered"]["c2s"]
        self.assertIn(f"{lost} bytes c2s", told[0]["detail"])
        self.assertGreater(lost, 0)
        self.assertLess(lost, said)

    def test_an_observer_disconnects_both_sides(self):
        server = self.serve()
        bridge = self.tapped()
        observer = self.ndjson(bridge)
        client, end = self.pair(bridge, server)
        session = observer.until_kind("opened")["session"]
        answer = bridge.request("DELETE", f"/api/v1/sessions/{session}")
        self.assertIn(answer.status, (200, 202, 204))
        self.assertTrue(client.is_at_end())
        self.assertTrue(end.is_at_end())
        self.assertEqual(observer.until_kind("closed")["reason"], "local")

    def test_the_bridge_s_end_reaches_both_sides(self):
        server = self.serve()
        bridge = self.tapped()
        client, end = self.pair(bridge, server)
        client.send(b"last\n")
        self.assertEqual(end.receive_exactly(5), b"last\n")
        self.assertEqual(bridge.stop(), 0)
        self.assertTrue(client.is_at_end())
        self.assertTrue(end.is_at_end())


class Descriptors(TapCase):
    def test_descriptors_pass_with_their_bytes(self):
        for backend in self.each_backend():
            for name, is_message in (("t", False), ("m", True)):
                server = self.serve(name, is_message=is_message)
                if name == "t":
                    bridge = self.tapped(backend, pipes=[tap("t", framing="none"),
                                                         tap("m", mode="message")])
                    self.serve("m", is_message=True).close()
                client, end = self.pair(bridge, server, name, is_message)
                held = bridge.fd_count()
                for giver, taker in ((client, end), (end, client)):
                    reader, writer = os.pipe()
                    if not is_message:
                        giver.send(b"header")  # of other bytes: it must not get them
                    socket.send_fds(giver.socket, [b"take this"], [writer])
                    os.close(writer)
                    if not is_message:
                        data, fds, _, _ = socket.recv_fds(taker.socket, 6, 4)
                        self.assertEqual((data, fds), (b"header", []))
                    data, fds, flags, _ = socket.recv_fds(taker.socket, 100, 4)
                    self.assertEqual((data, len(fds)), (b"take this", 1))
                    self.assertFalse(flags & socket.MSG_CTRUNC)
                    os.write(fds[0], b"through the passed pipe")
                    os.close(fds[0])
                    with os.fdopen(reader, "rb") as file:
                        self.assertEqual(file.read(), b"through the passed pipe")
                wait_until(lambda b=bridge, h=held: b.fd_count() <= h, "no descriptor left behind")


class Http(TapCase):
    def test_a_web_server_on_a_unix_socket_works_behind_it(self):
        curl = need_tool("curl")

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def address_string(self):
                return "unix"

            def log_message(self, *_):
                pass

            def answer(self, body):
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                self.answer(b"hello from " + self.path.encode())

            def do_POST(self):
                self.answer(self.rfile.read(int(self.headers["Content-Length"])))

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        server = Server(str(self.upstream_path()), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        bridge = self.tapped(framing="none")
        body = self.folder / "body"
        body.write_bytes(os.urandom(10 << 20))

        def run(*arguments):
            return subprocess.run(
                [curl, "-sS", "--fail", "--unix-socket", str(bridge.path("t")), *arguments],
                stdout=subprocess.PIPE, check=True, timeout=LONG_S).stdout

        self.assertEqual(run("http://tapped/one", "http://tapped/two"),
                         b"hello from /onehello from /two")
        self.assertEqual(run("--data-binary", f"@{body}", "http://tapped/echo"),
                         body.read_bytes())
        self.assertEqual(self.info(bridge)["sessions_total"], 2)


class Injection(TapCase):
    def send(self, bridge, path, body, direction=None):
        query = f"?direction={direction}" if direction else ""
        return bridge.post(f"/api/v1/{path}/messages{query}", body)

    def test_a_message_goes_into_either_direction(self):
        for mode in ("byte", "message"):
            with self.subTest(mode):
                name = mode[0]
                server = self.serve(name, is_message=mode == "message")
                bridge = self.unstarted_bridge(pipes=[tap(name, mode=mode)],
                                               name=f"{mode}-bridge").start()
                observer = self.ndjson(bridge)
                client, end = self.pair(bridge, server, name, mode == "message")
                session = observer.until_kind("opened")["session"]
                suffix = b"\n" if mode == "byte" else b""
                for direction, receiver in (("c2s", end), ("s2c", client)):
                    for path in (f"sessions/{session}", f"pipes/{name}"):
                        answer = self.send(bridge, path, b"put in", direction)
                        self.assertEqual((answer.status, answer.json["delivered"]), (201, 1))
                        self.assertEqual(receiver.socket.recv(100), b"put in" + suffix)
                        event = observer.until_kind("injected")
                        self.assertEqual((event["direction"], event["targets"]), (direction, 1))
                self.assertEqual(self.info(bridge, name)["injected"], 4)
                self.assertEqual(bridge.stop(), 0)

    def test_the_direction_must_be_said(self):
        server = self.serve()
        bridge = self.tapped()
        self.pair(bridge, server)
        self.assert_problem(self.send(bridge, "pipes/t", b"x"), 400, "direction_needed")
        self.assert_problem(self.send(bridge, "pipes/t", b"x", "both"), 400,
                            "direction_not_possible")
        self.assertEqual(self.send(bridge, "pipes/t", b"x", "c2s").status, 201)

    def test_a_websocket_speaks_as_the_side_that_it_does_not_hear(self):
        server = self.serve()
        bridge = self.tapped()
        client, end = self.pair(bridge, server)
        url = "/api/v1/pipes/t/ws?direction="
        for heard, speaker, listener in (("c2s", client, client), ("s2c", end, end)):
            with contextlib.closing(websocket.WebSocket(bridge.address, url + heard,
                                                        protocols=[])) as raw:
                speaker.send(b"to all\n")
                self.assertEqual(raw.receive_message(), (websocket.TEXT, b"to all"))
                (end if speaker is client else client).receive_exactly(7)
                raw.send(websocket.TEXT, b"from the page")
                self.assertEqual(listener.receive_exactly(14), b"from the page\n")
                bridge.get("/healthz")  # what was sent is an event by now, not of the next
        with self.assertRaises(websocket.RefusedError) as caught:
            websocket.WebSocket(bridge.address, "/api/v1/pipes/t/ws", protocols=[])
        self.assert_problem(caught.exception.response, 400, "direction_needed")

    def test_it_stands_between_two_messages_and_not_in_one(self):
        server = self.serve()
        bridge = self.tapped()
        client, end = self.pair(bridge, server)
        client.send(b"half a ")
        self.assertEqual(end.receive_exactly(7), b"half a ")
        answers = []
        asking = threading.Thread(
            target=lambda: answers.append(self.send(bridge, "pipes/t", b"mine", "c2s")))
        observer = self.ndjson(bridge, "?kind=injected")
        asking.start()
        observer.next()  # accepted: it waits for its place
        client.send(b"line\nnext\n")
        self.assertEqual(end.receive_exactly(15), b"line\nmine\nnext\n")
        asking.join()
        self.assertEqual(answers[0].status, 201)

    def test_without_a_place_it_is_refused_and_the_stream_goes_on(self):
        server = self.serve()
        bridge = self.tapped()
        client, end = self.pair(bridge, server)
        end.send(b"login: ")
        self.assertEqual(client.receive_exactly(7), b"login: ")
        for path in ("pipes/t", "sessions/1"):
            answer = self.send(bridge, path, b"no place", "s2c")
            self.assert_problem(answer, 409, "no_place")
            self.assertEqual(answer.headers["retry-after"], "1")
        end.send(b"ok\n")
        self.assertEqual(client.receive_exactly(3), b"ok\n")
        self.assertEqual(self.send(bridge, "pipes/t", b"now", "s2c").status, 201)
        self.assertEqual(client.receive_exactly(4), b"now\n")


class Configuration(TapCase):
    def refused(self, entry, **config):
        bridge = self.unstarted_bridge(pipes=[entry], config=config, arguments=["--check-config"],
                                       name="refused")
        bridge.launch()
        self.assertNotEqual(bridge.wait(LONG_S), 0)
        said = bridge.stderr()
        bridge.process = None
        return said

    def test_what_a_tap_cannot_be_is_refused_with_its_place(self):
        entry = tap()
        del entry["upstream"]
        self.assertIn("pipes[0].upstream: missing", self.refused(entry))
        self.assertIn("the tap's own path", self.refused(tap() | {"upstream": "t.sock"}))
        self.assertIn("pipes[0].reply: only role", self.refused(tap(reply="echo")))
        self.assertIn("pipes[0].role: pipe_thread.strategy \"threads\" has no taps",
                      self.refused(tap(), pipe_thread={"strategy": "threads"}))
