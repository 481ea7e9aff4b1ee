"""What the program says of itself: where it listens, which pipes it serves, lines to paste; and --port-file,
environment and files that it makes."""

import json
import os
import pathlib
import re
import shlex
import shutil
import stat
import subprocess

from harness import bridge as program
from harness.bridge import pipe
from harness.case import BridgeCase
from harness.deadline import LONG_S, wait_until


class Announcement(BridgeCase):
    def test_it_says_where_it_listens_and_what_it_serves(self):
        server = self.bridge(pipes=[pipe("line", reply="echo"), pipe("exact", mode="message")],
                             listen=("127.0.0.1:0", "[::1]:0"))
        said = wait_until(lambda: "exact" in server.stderr() and server.stderr(), "the pipes")
        self.assertIn(f"http://127.0.0.1:{server.port}/", said)
        self.assertRegex(said, rf"line +{re.escape(str(server.path('line')))} .*echo")
        self.assertRegex(said, rf"exact +{re.escape(str(server.path('exact')))} .*message")
        self.assertNotIn("paste", said)

    def test_the_lines_to_paste_work(self):
        for name in ("socat", "curl", "sh"):
            if not shutil.which(name):
                self.skipTest(f"{name} is not installed")
        server = self.bridge(pipes=[pipe("demo")], arguments=["--hints"])
        said = wait_until(lambda: "Ctrl-C" in server.stderr() and server.stderr(), "the hints")
        lines = {key: re.search(rf"{key}[^:]*: +(.*)", said).group(1)
                 for key in ("say something", "stay there", "send to all")}
        observer = self.ndjson(server)
        self.paste(lines["say something"])
        self.assertEqual(observer.messages(1)[0]["text"], "hello")
        # Without a shell between them, so that what is ended is socat itself.
        listener = self.tool(*shlex.split(lines["stay there"]))
        server.wait_for_sessions("demo", 1)
        self.assertIn('"delivered":1', self.paste(lines["send to all"]).replace(" ", ""))
        self.assertEqual(listener.read_until(b"\n"), b"hello from curl\n")

    def paste(self, line):
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=LONG_S,
                              stdin=subprocess.DEVNULL, check=True)
        return done.stdout

    def test_without_a_configuration_there_is_a_demonstration(self):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PIPEBRIDGE_")}
        environment["PIPEBRIDGE_LISTEN"] = "127.0.0.1:0"
        environment["PIPEBRIDGE_RUNTIME_DIR"] = str(self.folder / "run")
        log = self.folder / "log"
        with open(log, "wb") as stderr:
            process = subprocess.Popen([program.PROGRAM, "--port-file", self.folder / "port"],
                                       env=environment, stderr=stderr, stdin=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        wait_until((self.folder / "port").exists, "the port file", LONG_S)
        said = wait_until(lambda: "Ctrl-C" in log.read_text() and log.read_text(), "the hints")
        port = (self.folder / "port").read_text().strip()
        self.assertIn(f"http://127.0.0.1:{port}/", said)
        self.assertTrue((self.folder / "run" / "demo.sock").is_socket())
        self.assertTrue((self.folder / "run" / "exact.sock").is_socket())

    def test_a_bridge_without_pipes_says_so(self):
        server = self.bridge(pipes=[])
        wait_until(lambda: "no pipes are configured" in server.stderr(), "the warning")
        self.assertEqual(server.get("/api/v1/pipes").json["pipes"], [])


class Made(BridgeCase):
    def test_the_runtime_directory_is_made_for_us_alone(self):
        server = self.bridge(pipes=[pipe("line")])
        self.assertEqual(stat.S_IMODE(server.runtime.stat().st_mode), 0o700)

    def test_checking_makes_nothing(self):
        config = self.folder / "c.json"
        config.write_text(json.dumps({"pipes": [pipe("line")]}))
        subprocess.run([program.PROGRAM, "--check-config", "--config", config, "--runtime-dir",
                        self.folder / "run"], check=True, timeout=LONG_S,
                       stdout=subprocess.DEVNULL)
        self.assertFalse((self.folder / "run").exists())

    def test_an_unsafe_runtime_directory_is_refused(self):
        server = self.unstarted_bridge(pipes=[pipe("line")])
        server.runtime.mkdir()
        server.runtime.chmod(0o777)
        server.launch()
        self.assertEqual(server.wait(LONG_S), 1)
        self.assertIn("everybody may write there", server.stderr())
        server.process = None

    def test_the_permissions_of_a_pipe_are_as_configured(self):
        server = self.bridge(pipes=[pipe("line", permissions={"mode": "0666"}), pipe("own")])
        self.assertEqual(stat.S_IMODE(server.path("line").stat().st_mode), 0o666)
        self.assertEqual(stat.S_IMODE(server.path("own").stat().st_mode), 0o600)

    def test_a_port_file_that_cannot_be_written_ends_the_start(self):
        server = self.unstarted_bridge(pipes=[pipe("line")])
        server.port_file = pathlib.Path("/nonexistent/port")
        server.launch()
        self.assertEqual(server.wait(LONG_S), 1)
        self.assertIn("/nonexistent/port: cannot be written", server.stderr())
        self.assertFalse(server.path("line").exists())
        server.process = None
