"""The service that systemd runs: its unit file, the watchdog, and signals."""

import pathlib
import shutil
import signal
import socket
import subprocess

from harness import bridge as program
from harness.bridge import pipe
from harness.case import BridgeCase
from harness.deadline import LONG_S, wait_until
from harness.trace import StoppedThread

UNIT = pathlib.Path(__file__).resolve().parents[2] / "config" / "pipebridge.service"


class UnitFile(BridgeCase):
    def setUp(self):
        super().setUp()
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not installed")
        # The file names the program where it is installed; here it is where it was built.
        self.unit = self.folder / "pipebridge.service"
        text = UNIT.read_text(encoding="utf-8")
        self.assertIn("ExecStart=/usr/local/bin/pipebridge ", text)
        self.unit.write_text(text.replace("/usr/local/bin/pipebridge", program.PROGRAM),
                             encoding="utf-8")

    def analyze(self, *arguments):
        done = subprocess.run(["systemd-analyze", *arguments, str(self.unit)], timeout=LONG_S,
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_systemd_finds_nothing_wrong_with_it(self):
        # Whatever else it says of this machine's other units is not ours.
        _, output = self.analyze("verify", "--man=no")
        self.assertNotIn("pipebridge.service", output)

    def test_its_exposure_is_small(self):
        code, output = self.analyze("security", "--offline=true", "--threshold=20")
        self.assertEqual(code, 0, output)

    def test_its_arguments_are_those_of_the_program(self):
        line = next(line for line in self.unit.read_text(encoding="utf-8").splitlines()
                    if line.startswith("ExecStart="))
        arguments = line.removeprefix("ExecStart=").split()
        arguments = [a.replace("%t", str(self.folder)) for a in arguments]
        arguments[arguments.index("--config") + 1] = str(UNIT.parent / "demo.json")
        done = subprocess.run([*arguments, "--check-config"], timeout=LONG_S, capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)


class Watchdog(BridgeCase):
    def setUp(self):
        super().setUp()
        self.systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.systemd.close)
        self.systemd.bind(str(self.folder / "notify"))
        self.systemd.settimeout(LONG_S)

    def watched_bridge(self, **environment):
        return self.bridge(pipes=[pipe("line")], environment={
            "NOTIFY_SOCKET": str(self.folder / "notify"), **environment})

    def next_line(self):
        return self.systemd.recv(4096).split(b"\n")

    def drain(self):
        self.systemd.setblocking(False)
        said = []
        try:
            while True:
                said += self.next_line()
        except BlockingIOError:
            self.systemd.settimeout(LONG_S)
            return said

    def test_it_is_petted_while_the_bridge_answers(self):
        self.watched_bridge(WATCHDOG_USEC="200000")
        self.assertIn(b"READY=1", self.next_line())
        for _ in range(3):
            self.assertEqual(self.next_line(), [b"WATCHDOG=1"])

    def test_it_is_not_petted_while_the_pipe_thread_is_stuck_and_is_again_afterwards(self):
        server = self.watched_bridge(WATCHDOG_USEC="400000")
        with StoppedThread(server.thread("pb-pipe")):
            wait_until(lambda: "does not answer" in server.stderr(), "the stuck thread is told")
            self.drain()
            with self.assertRaises(TimeoutError):
                self.systemd.settimeout(1.0)
                self.systemd.recv(4096)
        self.systemd.settimeout(LONG_S)
        self.assertEqual(self.next_line(), [b"WATCHDOG=1"])
        wait_until(lambda: "answers again" in server.stderr(), "the recovery is told")

    def test_it_is_left_alone_when_it_is_meant_for_another_process(self):
        server = self.watched_bridge(WATCHDOG_USEC="100000", WATCHDOG_PID="1")
        self.assertEqual(server.stop(), 0)
        self.assertNotIn(b"WATCHDOG=1", self.drain())


class Signals(BridgeCase):
    def test_sighup_is_told_to_do_nothing_yet_and_nothing_ends(self):
        server = self.bridge(pipes=[pipe("line")])
        server.signal(signal.SIGHUP)
        wait_until(lambda: "reloading is not available" in server.stderr(), "the answer to SIGHUP")
        self.assertEqual(server.get("/healthz").status, 200)

    def test_sigpipe_ends_nothing(self):
        server = self.bridge(pipes=[pipe("line")])
        server.signal(signal.SIGPIPE)
        self.assertEqual(server.get("/healthz").status, 200)

    def test_a_second_request_to_end_does_so_at_once(self):
        server = self.bridge(pipes=[pipe("line")])
        client = self.connect(server, "line")  # and never reads: the end in order waits for it
        server.wait_for_sessions("line", 1)
        for _ in range(5):
            self.assertIn(server.inject("line", b"x" * 60000).status, (201, 202))
        server.signal(signal.SIGTERM)
        wait_until(lambda: "ending" in server.stderr(), "the first request is taken")
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(LONG_S), -signal.SIGTERM)
        server.process = None
        client.close()
