"""The program as a process: its arguments, its files, and how it ends and begins again."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

from harness import bridge as program
from harness.bridge import pipe
from harness.case import BridgeCase
from harness.clients import PipeClient
from harness.deadline import LONG_S, SHORT_S, wait_until
from harness.http import ClosedError, Wire, format_request, read_response
from harness.trace import StoppedThread
from harness.websocket import CLOSE, TEXT

PIPES = [pipe("line"), pipe("exact", mode="message")]
STOP_S = 5.0 * (3 if program.IS_SANITIZED else 1)


def run(*arguments, environment=None):
    """Runs the program to its end: (exit code, stdout, stderr)."""
    done = subprocess.run([program.PROGRAM, *map(str, arguments)], capture_output=True, text=True,
                          timeout=LONG_S, env=environment, stdin=subprocess.DEVNULL, check=False)
    assert not program.REPORT.search(done.stderr), done.stderr
    return done.returncode, done.stdout, done.stderr


class Arguments(BridgeCase):
    def check_config(self, text):
        path = self.folder / "config.json"
        path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
        return run("--check-config", "--config", path)

    def test_help_and_version(self):
        code, out, err = run("--help")
        self.assertEqual((code, err), (0, ""))
        for option in ("--config", "--runtime-dir", "--listen", "--port-file", "--check-config",
                       "--version"):
            self.assertIn(option, out)
        code, out, err = run("--version")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"^pipebridge \d+\.\d+\.\d+")

    def test_wrong_arguments_are_told(self):
        for arguments in (["--no-such-option"], ["--config"], ["surplus"]):
            code, _, err = run(*arguments)
            self.assertEqual(code, 2)
            self.assertIn(arguments[0].lstrip("-"), err)

    def test_a_good_configuration_passes(self):
        self.assertEqual(self.check_config({"pipes": PIPES})[0], 0)
        self.assertEqual(run("--check-config")[0], 0)  # the built-in one

    def test_a_bad_configuration_is_told_with_its_place(self):
        for text, place in [
                ({"pipes": [{"name": "a", "path": "a.sock", "mode": "stream"}]}, "mode"),
                ({"pipes": [pipe("a"), pipe("a")]}, "name"),
                ({"pipes": [pipe("a", limits={"max_instances": 0})]}, "max_instances"),
                ({"pipes": [pipe("a", limits={"max_instances": "9"})]}, "max_instances"),
                ({"pipes": [pipe("a", colour="red")]}, "colour"),
                ({"pipes": [pipe("../a")]}, "name"),
                ({"http": {"listen": ["192.0.2.1:80"]}, "pipes": PIPES}, "listen"),
                ({"pipe": []}, "pipe"), ("{", ""), ("[]", ""), ("", ""),
                ('{"pipes": [], "pipes": []}', "pipes")]:
            with self.subTest(place or text):
                code, _, err = self.check_config(text)
                self.assertEqual(code, 2, err)
                self.assertIn("config.json", err)
                self.assertIn(place, err)

    def test_a_configuration_that_is_not_there(self):
        code, _, err = run("--check-config", "--config", self.folder / "absent.json")
        self.assertEqual(code, 2)
        self.assertIn("absent.json", err)

    def test_start_up_failures_say_what_where_and_what_to_do(self):
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        port = taken.getsockname()[1]
        server = self.unstarted_bridge(pipes=PIPES, listen=(f"127.0.0.1:{port}",))
        server.launch()
        self.assertEqual(server.wait(LONG_S), 1)
        self.assertIn(str(port), server.stderr())
        self.assertFalse(server.port_file.exists())
        server.process = None  # its exit code is as it must be

        server = self.unstarted_bridge(pipes=[pipe("x", path="y" * 120 + ".sock")], name="long")
        server.launch()
        self.assertEqual(server.wait(LONG_S), 2)
        self.assertIn("107", server.stderr())
        server.process = None

    def test_an_address_beyond_loopback_is_refused(self):
        server = self.unstarted_bridge(pipes=PIPES, listen=("0.0.0.0:0",))
        server.launch()
        self.assertIn(server.wait(LONG_S), (1, 2))
        self.assertRegex(server.stderr(), r"0\.0\.0\.0:0.*loopback")
        server.process = None

    def test_a_file_that_is_no_socket_is_never_removed(self):
        server = self.unstarted_bridge(pipes=PIPES)
        server.runtime.mkdir(mode=0o700)
        precious = server.path("line")
        precious.write_text("precious")
        server.launch()
        self.assertEqual(server.wait(LONG_S), 1)
        self.assertEqual(precious.read_text(), "precious")
        self.assertIn("line.sock", server.stderr())
        self.assertFalse(server.path("exact").is_socket())  # nothing is left behind
        server.process = None


class Files(BridgeCase):
    def test_the_port_file_appears_whole_when_all_is_ready(self):
        server = self.unstarted_bridge(pipes=PIPES)
        server.launch()
        wait_until(server.port_file.exists, "the port file", LONG_S)
        self.assertRegex(server.port_file.read_text(), r"^\d+\n$")  # never half of it
        server.port = int(server.port_file.read_text())
        self.assertEqual(server.get("/healthz").status, 200)
        PipeClient(server.path("line")).close()

    def test_the_sockets_are_gone_after_an_orderly_end(self):
        server = self.bridge(pipes=PIPES)
        self.assertEqual(server.stop(), 0)
        self.assertFalse(server.path("line").exists())
        self.assertFalse(server.path("exact").exists())

    def test_payloads_are_not_logged(self):
        server = self.bridge(pipes=PIPES)
        observer = self.ndjson(server)
        self.connect(server, "line").send(b"swordfish\n")
        observer.messages(1)
        server.inject("line", b"swordfish")
        server.stop()
        self.assertNotIn("swordfish", server.stderr())

    def test_two_listeners(self):
        server = self.bridge(pipes=PIPES, listen=("127.0.0.1:0", "127.0.0.2:0"))
        self.assertEqual(server.get("/healthz").status, 200)
        table = pathlib.Path("/proc/net/tcp").read_text()
        self.assertRegex(table, r" 0200007F:[0-9A-F]{4} 00000000:0000 0A ")


class Again(BridgeCase):
    def test_kill_9_and_restart_reclaims_the_sockets(self):
        server = self.bridge(pipes=PIPES)
        for _ in range(3):
            client = self.connect(server, "line")
            client.send(b"before\n")
            server.wait_for_sessions("line", 1)
            server.kill()
            self.assertTrue(client.is_at_end())
            self.assertTrue(server.path("line").exists())  # stale
            server.start()
            observer = self.ndjson(server, "?since=0")
            again = self.connect(server, "line")
            again.send(b"after\n")
            self.assertEqual(observer.messages(1)[0]["text"], "after")
            again.close()

    def test_a_second_one_is_refused_and_the_first_goes_on(self):
        server = self.bridge(pipes=PIPES)
        client = self.connect(server, "line")
        observer = self.ndjson(server)
        second = self.unstarted_bridge(pipes=PIPES, name="second")
        second.launch()
        self.assertEqual(second.wait(LONG_S), 1)
        self.assertRegex(second.stderr(), r"line\.sock.*in use|in use.*line\.sock")
        second.process = None
        client.send(b"still served\n")
        self.assertEqual(observer.messages(1)[0]["text"], "still served")
        self.connect(server, "line").close()

    def test_restart_under_a_client_that_comes_back(self):
        server = self.bridge(pipes=PIPES)
        self.assertEqual(server.stop(), 0)
        with self.assertRaises((FileNotFoundError, ConnectionRefusedError)):
            PipeClient(server.path("line"))
        server.start()
        self.connect(server, "line")


class Stop(BridgeCase):
    def end(self, server, number=signal.SIGTERM):
        """Signals; returns how long the end took."""
        begin = time.monotonic()
        server.signal(number)
        self.assertEqual(server.wait(LONG_S), 0, server.stderr())
        took = time.monotonic() - begin
        self.assertLess(took, STOP_S)
        return took

    def test_sigterm_and_sigint_end_an_idle_bridge_at_once(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = self.bridge(pipes=PIPES)
            self.assertLess(self.end(server, number), STOP_S / 2)

    def test_sigterm_closes_all_that_is_live_in_order(self):
        server = self.bridge(pipes=PIPES)
        sockets = [self.websocket(server) for _ in range(20)]
        streams = [self.ndjson(server) for _ in range(20)]
        clients = [self.connect(server, "line") for _ in range(20)]
        server.wait_for_sessions("line", 20)
        idle = Wire(server.address)
        self.addCleanup(idle.close)
        host = {"Host": f"127.0.0.1:{server.port}"}
        idle.send(format_request("GET", "/healthz", host))
        read_response(idle)
        half = Wire(server.address)  # a body that never comes whole
        self.addCleanup(half.close)
        half.send(format_request("POST", "/api/v1/pipes/line/messages",
                                 host | {"Content-Length": "10"}, b"half"))
        silent = Wire(server.address)
        self.addCleanup(silent.close)
        self.end(server)
        for observer in sockets:
            kinds, code = self.read_to_close(observer.socket)
            self.assertEqual(kinds["closed"], 20)  # they saw how the sessions ended
            self.assertEqual(code, 1001)
        for observer in streams:
            kinds = []
            with self.assertRaisesRegex(ClosedError, "in order"):
                while True:
                    kinds.append(observer.next()["kind"])
            self.assertEqual(kinds.count("closed"), 20)
        for client in clients:
            self.assertTrue(client.is_at_end())
        for wire in (idle, silent):
            self.assertTrue(wire.is_at_end())

    def read_to_close(self, websocket):
        """How many events of each kind came, and the close frame's code."""
        kinds = {}
        while True:
            opcode, payload = websocket.receive_message()
            if opcode == CLOSE:
                return kinds, int.from_bytes(payload[:2], "big")
            self.assertEqual(opcode, TEXT)
            for event in json.loads(payload).get("events", []):
                kinds[event["kind"]] = kinds.get(event["kind"], 0) + 1

    def test_sigterm_answers_a_request_that_waits_for_the_pipe_thread(self):
        server = self.bridge(pipes=PIPES)
        self.connect(server, "line")
        server.wait_for_sessions("line", 1)
        wire = Wire(server.address, timeout_s=LONG_S)
        self.addCleanup(wire.close)
        with StoppedThread(server.thread("pb-pipe")):
            wire.send(format_request("POST", "/api/v1/pipes/line/messages",
                                     {"Host": f"127.0.0.1:{server.port}", "Content-Length": "2"},
                                     b"hi"))
            self.assertEqual(server.get("/api/v1/pipes").status, 200)  # behind it in the queue
            server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(LONG_S), 0)
        # Delivered, too late for any session, or given up: each is an answer.
        self.assertIn(read_response(wire, "POST").status, (201, 202, 503))

    def test_sigterm_with_observers_and_clients_that_do_not_read(self):
        server = self.bridge(pipes=[pipe("line", reply="echo")])
        deaf = self.websocket(server, receive_buffer_bytes=4096)
        live = self.ndjson(server, timeout_s=LONG_S)
        client = self.connect(server, "line", timeout_s=LONG_S)
        client.send(b"".join(b"%05d %s\n" % (i, b"x" * 1000) for i in range(3000)))
        live.until(lambda e: e.get("text", "").startswith("02999") and e["direction"] == "c2s")
        self.end(server)
        self.assertIsNotNone(deaf)

    def test_sigterm_under_load(self):
        server = self.bridge(pipes=PIPES)
        observer = self.websocket(server)
        client = self.connect(server, "line")
        client.socket.setblocking(False)
        data = b"x" * 63 + b"\n"
        client_is_open = True
        begin = time.monotonic()
        while time.monotonic() - begin < 0.3:
            try:
                client.socket.send(data * 500)
            except BlockingIOError:
                pass
        server.signal(signal.SIGTERM)
        while client_is_open and time.monotonic() - begin < SHORT_S:
            try:
                client.socket.send(data * 500)
            except BlockingIOError:
                time.sleep(0)  # another turn: the load goes on while it ends
            except OSError:
                client_is_open = False
        self.assertEqual(server.wait(LONG_S), 0)
        observer.close()

    def test_a_second_sigterm_changes_nothing(self):
        server = self.bridge(pipes=PIPES)
        self.websocket(server)
        server.signal(signal.SIGTERM)
        try:
            server.signal(signal.SIGTERM)
        except ProcessLookupError:
            pass
        self.assertIn(server.wait(LONG_S), (0, -signal.SIGTERM))
        server.process = None

    def test_no_thread_or_descriptor_is_wasted(self):
        server = self.bridge(pipes=PIPES)
        names = sorted(
            pathlib.Path(f"/proc/{server.pid}/task/{task}/comm").read_text().strip()
            for task in os.listdir(f"/proc/{server.pid}/task"))
        self.assertIn("pb-pipe", names)
        self.assertLess(server.fd_count(), 32)
        for number in os.listdir(f"/proc/{server.pid}/fd"):
            if int(number) > 2:
                info = pathlib.Path(f"/proc/{server.pid}/fdinfo/{number}").read_text()
                flags = int(re.search(r"flags:\s+(\d+)", info).group(1), 8)
                self.assertTrue(flags & os.O_CLOEXEC, f"descriptor {number} is inherited")
