"""Who is at the other end of a session, who is let in, and who may reach the endpoint."""

import os
import pwd
import re
import socket
import stat
import subprocess
import sys
import time
import unittest

from harness.bridge import pipe
from harness.case import BridgeCase
from harness.clients import PipeClient, need_tool
from harness.deadline import LONG_S, SHORT_S, wait_until

# Connects to argv[1], says argv[2], and stays until its input ends.
CLIENT = """
import socket, sys
pipe = socket.socket(socket.AF_UNIX)
name = sys.argv[1]
pipe.connect("\\0" + name[1:] if name.startswith("@") else name)
pipe.sendall(sys.argv[2].encode("utf-8", "surrogateescape") + b"\\n")
sys.stdin.read()
"""
PYTHON = os.path.realpath(sys.executable)
# Users and groups that nobody here has.
ALICE, BOB, DEV = 54321, 54322, 54323


def client_command(path, word, *more):
    return [PYTHON, "-c", CLIENT, str(path), word, *more]


class Case(BridgeCase):
    def open_pipe(self, name, **more):
        """A pipe whose endpoint every user can reach."""
        self.folder.chmod(0o711)
        return pipe(name, path=str(self.folder / f"{name}.sock"), permissions={"mode": "0666"},
                    **more)

    def as_user(self, uid, path, groups=(), gid=None):
        """What a process of that user hears in answer to a line; None: it may not even connect."""
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.setgroups(list(groups))
                os.setresgid(*[uid if gid is None else gid] * 3)
                os.setresuid(uid, uid, uid)
                code = self.say_hello(path, write_end)
            finally:
                os._exit(code)
        os.close(write_end)
        with open(read_end, "rb") as answer:
            heard = answer.read()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        self.assertIn(code, (0, 3))
        return None if code == 3 else heard

    @staticmethod
    def say_hello(path, answer):
        try:
            with PipeClient(path, timeout_s=LONG_S) as client:
                client.send(b"hello\n")
                os.write(answer, client.receive())
        except PermissionError:
            return 3
        except (BrokenPipeError, ConnectionResetError):
            pass
        return 0

    def pipe_state(self, server, name):
        return server.get(f"/api/v1/pipes/{name}").json

    def wait_for_total(self, server, name, count):
        """The list of sessions follows the events, which may still be on their way."""
        wait_until(lambda: self.pipe_state(server, name)["sessions_total"] == count,
                   f"{count} sessions in all")


class Described(Case):
    def test_a_program_is_known_by_user_groups_executable_and_command_line(self):
        server = self.bridge(pipes=[pipe("line")])
        observer = self.websocket(server)
        self.tool(*client_command(server.path("line"), "hi", "--password", "two words"))
        peer = observer.until_kind("opened")["peer"]
        self.assertEqual(peer["user"], pwd.getpwuid(os.getuid()).pw_name)
        self.assertEqual(sorted(peer["groups"]), sorted(os.getgroups()))
        self.assertEqual(peer["executable"], PYTHON)
        self.assertNotIn("executable_is_current", peer)
        self.assertEqual(peer["command_line"][-3:], ["hi", "--password", "two words"])
        self.assertEqual(self.unit_of(os.getpid()), peer.get("unit"))
        # The list of sessions says the same.
        self.assertEqual(server.sessions("line")[0]["peer"], peer)

    @staticmethod
    def unit_of(pid):
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
            found = re.findall(r"[^/\n]+\.(?:service|scope)(?=[/\n])", file.read())
        return found[-1] if found else None

    def test_what_a_process_calls_itself_breaks_nothing(self):
        server = self.bridge(pipes=[pipe("line")])
        observer = self.ndjson(server)
        self.tool(*client_command(
            server.path("line"), os.fsdecode(b"\xff\"\\\n<script>"), os.fsdecode(b"\x01\xc3")))
        peer = observer.until_kind("opened")["peer"]
        self.assertEqual(peer["command_line"][-2:], ["?\"\\\n<script>", "\x01?"])

    def test_a_long_command_line_is_cut_and_says_so(self):
        server = self.bridge(pipes=[pipe("line")])
        observer = self.ndjson(server)
        self.tool(*client_command(server.path("line"), "x" * 3000))
        peer = observer.until_kind("opened")["peer"]
        self.assertIs(peer["command_line_is_cut"], True)
        self.assertLess(len("".join(peer["command_line"])), 1024)

    def test_clients_are_not_described_where_that_is_not_wished(self):
        server = self.bridge(pipes=[pipe("line", describe_clients=False)])
        observer = self.ndjson(server)
        self.tool(*client_command(server.path("line"), "hi", "--password=secret"))
        event = observer.until_kind("opened")
        self.assertEqual(set(event["peer"]), {"pid", "uid", "gid", "name", "user"})
        listed = server.get("/api/v1/sessions").body
        self.assertNotIn(b"secret", listed)
        self.assertNotIn(PYTHON.encode(), listed)


@unittest.skipIf(os.geteuid() != 0, "needs root to become other users")
class Endpoint(Case):
    def test_mode_owner_and_group_say_who_can_connect(self):
        self.folder.chmod(0o711)
        path = self.folder / "shared.sock"
        server = self.bridge(pipes=[pipe("shared", reply="echo", path=str(path), permissions={
            "mode": "0660", "owner": str(ALICE), "group": str(DEV)})])
        info = os.stat(path)
        self.assertEqual(stat.S_IMODE(info.st_mode), 0o660)
        self.assertEqual((info.st_uid, info.st_gid), (ALICE, DEV))
        self.assertEqual(self.as_user(ALICE, path), b"hello\n")
        self.assertEqual(self.as_user(BOB, path, groups=[DEV]), b"hello\n")
        self.assertIsNone(self.as_user(BOB, path))
        self.wait_for_total(server, "shared", 2)


@unittest.skipIf(os.geteuid() != 0, "needs root to become other users")
class Admission(Case):
    def test_users_and_groups_are_let_in_or_sent_away(self):
        rules = {"allow": [{"user": str(ALICE)}, {"group": str(DEV)}],
                 "deny": [{"user": str(BOB), "group": str(DEV)}]}
        server = self.bridge(pipes=[self.open_pipe("line", reply="echo", clients=rules)])
        path = self.folder / "line.sock"
        self.assertEqual(self.as_user(ALICE, path), b"hello\n")
        self.assertEqual(self.as_user(BOB + 10, path, groups=[DEV]), b"hello\n")
        self.assertEqual(self.as_user(BOB + 10, path, gid=DEV), b"hello\n")
        self.assertEqual(self.as_user(BOB + 10, path), b"")
        self.assertEqual(self.as_user(BOB, path, groups=[DEV]), b"")  # deny wins
        self.assertEqual(self.as_user(0, path), b"")  # not even root, unless it is named
        self.wait_for_total(server, "line", 3)
        self.assertEqual(self.pipe_state(server, "line")["refused_clients"], 3)

    def test_refused_clients_are_told_once_a_second_with_their_number(self):
        rules = {"allow": [{"user": str(ALICE)}]}
        server = self.bridge(pipes=[self.open_pipe("line", clients=rules)])
        observer = self.ndjson(server, timeout_s=LONG_S)
        for _ in range(40):
            with PipeClient(self.folder / "line.sock") as client:
                self.assertTrue(client.is_at_end())
        told = []
        while sum(told) < 40:
            detail = observer.until_kind("error")["detail"]
            self.assertIn("it meets no rule of clients.allow", detail)
            self.assertIn(f"pid {os.getpid()}", detail)
            self.assertIn("of uid 0", detail)
            told.append(1 if detail.startswith("a client was") else int(detail.split()[0]))
        self.assertEqual(sum(told), 40)
        self.assertLess(len(told), 10)
        self.assertEqual(self.pipe_state(server, "line")["refused_clients"], 40)
        self.assertEqual(server.sessions("line"), [])


class Abstract(Case):
    NAME = f"@pipebridge-test-{os.getpid()}"

    def test_a_name_without_a_file_is_for_the_users_it_names(self):
        server = self.bridge(pipes=[pipe("line", path=self.NAME, reply="echo",
                                         clients={"allow": [{"user": str(os.getuid())}]})])
        observer = self.ndjson(server)
        self.tool(*client_command(self.NAME, "hello"))
        self.assertEqual(observer.until(lambda e: "text" in e)[-1]["text"], "hello")
        self.assertEqual(self.pipe_state(server, "line")["path"], self.NAME)
        if os.geteuid() == 0:
            self.assertEqual(self.as_user(ALICE, "\0" + self.NAME[1:]), b"")
            self.assertEqual(self.pipe_state(server, "line")["refused_clients"], 1)

    def test_a_client_connects_to_such_a_name(self):
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind("\0" + self.NAME[1:] + "-other")
        listener.listen()
        listener.settimeout(SHORT_S)
        server = self.bridge(pipes=[{"name": "other", "role": "client", "framing": "line",
                                     "path": self.NAME + "-other"}])
        end, _ = listener.accept()
        self.addCleanup(end.close)
        observer = self.ndjson(server)
        end.sendall(b"from outside\n")
        self.assertEqual(observer.messages(1)[0]["text"], "from outside")


class Tap(Case):
    """A tap's clients are known, let in and bounded as a server's."""

    def tapped(self, **more):
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(self.folder / "up.sock"))
        listener.listen()
        listener.settimeout(SHORT_S)
        server = self.bridge(pipes=[{"name": "tap", "role": "tap", "framing": "line",
                                     "path": "tap.sock", "upstream": str(self.folder / "up.sock")}
                                    | more])
        return server, listener

    def test_who_is_not_let_in_never_reaches_the_upstream(self):
        server, listener = self.tapped(clients={"deny": [{"user": str(os.getuid())}]})
        observer = self.ndjson(server)
        client = self.connect(server, "tap")
        self.assertTrue(client.is_at_end())
        self.assertIn("clients.deny", observer.until_kind("error")["detail"])
        self.assertEqual(self.pipe_state(server, "tap")["refused_clients"], 1)
        listener.settimeout(0)
        with self.assertRaises(BlockingIOError):
            listener.accept()

    def test_silence_of_both_ends_closes_both(self):
        server, listener = self.tapped(limits={"idle_timeout_ms": 300})
        observer = self.ndjson(server)
        client = self.connect(server, "tap")
        end, _ = listener.accept()
        self.addCleanup(end.close)
        self.assertEqual(observer.until_kind("opened")["peer"]["executable"], PYTHON)
        closed = observer.until_kind("closed")
        self.assertEqual((closed["reason"], closed["status"]), ("limit", "timeout"))
        self.assertTrue(client.is_at_end())
        self.assertEqual(end.recv(10), b"")
        self.assertEqual(self.pipe_state(server, "tap")["limits_reached"]["idle_timeout_ms"], 1)


class Programs(Case):
    def test_programs_are_told_apart_by_their_executable(self):
        socat = need_tool("socat")
        server = self.bridge(pipes=[pipe("line", reply="echo",
                                         clients={"allow": [{"executable": PYTHON}]})])
        observer = self.ndjson(server)
        self.tool(*client_command(server.path("line"), "from python"))
        self.assertEqual(observer.messages(1)[0]["text"], "from python")
        other = self.tool(socat, "-", f"UNIX-CONNECT:{server.path('line')}")
        self.assertEqual(other.wait(), 0)  # the end of its input
        self.assertIn("clients.allow", observer.until_kind("error")["detail"])
        self.assertEqual(self.pipe_state(server, "line")["refused_clients"], 1)

    def test_a_program_can_be_denied(self):
        socat = need_tool("socat")
        server = self.bridge(pipes=[pipe("line", clients={"deny": [{"executable": socat}]})])
        observer = self.ndjson(server)
        other = self.tool(socat, "-", f"UNIX-CONNECT:{server.path('line')}")
        self.assertEqual(other.wait(), 0)
        self.assertIn("clients.deny", observer.until_kind("error")["detail"])
        self.tool(*client_command(server.path("line"), "from python"))
        self.assertEqual(observer.messages(1)[0]["text"], "from python")


class Limits(Case):
    def limits_reached(self, server, name="line"):
        return self.pipe_state(server, name)["limits_reached"]

    def test_a_silent_session_is_closed(self):
        server = self.bridge(pipes=[pipe("line", limits={"idle_timeout_ms": 300})])
        observer = self.ndjson(server)
        client = self.connect(server, "line")
        session = observer.until_kind("opened")["session"]
        told = observer.until_kind("error")
        self.assertIn("limits.idle_timeout_ms, 300", told["detail"])
        self.assertEqual(told["session"], session)
        closed = observer.until_kind("closed")
        self.assertEqual((closed["reason"], closed["status"]), ("limit", "timeout"))
        self.assertTrue(client.is_at_end())
        self.assertEqual(self.limits_reached(server)["idle_timeout_ms"], 1)

    def test_an_injection_keeps_a_session_open(self):
        server = self.bridge(pipes=[pipe("line", limits={"idle_timeout_ms": 1000})])
        observer = self.ndjson(server)
        client = self.connect(server, "line")
        opened = observer.until_kind("opened")
        for _ in range(8):
            server.inject("line", b"still there?")
            self.assertEqual(client.receive(), b"still there?\n")
            until = time.monotonic() + 0.25
            wait_until(lambda end=until: time.monotonic() > end, "a quarter of a second")
        self.assertEqual([s["id"] for s in server.sessions("line")], [opened["session"]])

    def test_clients_over_the_rate_are_let_in_one_after_the_other(self):
        server = self.bridge(pipes=[pipe("line", limits={"accept_rate": 10, "accept_burst": 2})])
        observer = self.ndjson(server)
        clients = [self.connect(server, "line") for _ in range(6)]
        events = []
        while [e["kind"] for e in events].count("opened") < len(clients):
            events += observer.take(1)
        errors = [e for e in events if e["kind"] == "error"]
        self.assertEqual(len(errors), 1)
        self.assertIn("accept_rate", errors[0]["detail"])
        opened = [e["mono_ns"] for e in events if e["kind"] == "opened"]
        self.assertGreaterEqual(opened[-1] - opened[0], 390_000_000)
        self.assertEqual(self.limits_reached(server)["accept_rate"], 1)

    def test_every_limit_counts_how_often_it_was_reached(self):
        server = self.bridge(pipes=[pipe("line", reply="echo", oversize="skip", limits={
            "max_instances": 1, "max_message_bytes": 10000, "max_write_queue_bytes": 20000})])
        observer = self.ndjson(server)
        self.assertEqual(set(self.limits_reached(server).values()), {0})
        self.assertEqual(set(self.limits_reached(server)), {
            "max_instances", "max_message_bytes", "max_write_queue_bytes", "idle_timeout_ms",
            "accept_rate"})
        deaf = self.connect(server, "line", timeout_s=LONG_S)
        self.connect(server, "line")  # waits
        deaf.send(b"x" * 10001 + b"\n")
        deaf.send((b"y" * 9999 + b"\n") * 100)  # a megabyte of echo that nobody takes
        observer.until(lambda e: e["kind"] == "error" and "max_write_queue_bytes" in e["detail"])
        wait_until(lambda: self.limits_reached(server)["max_instances"] == 1, "the one who waits",
                   SHORT_S)
        reached = self.limits_reached(server)
        self.assertEqual(reached["max_message_bytes"], 1)
        self.assertGreater(reached["max_write_queue_bytes"], 0)
