"""The program under test as a process: its own folder, port 0, ended and examined afterwards."""

import json
import os
import pathlib
import re
import signal
import subprocess

from . import description, http
from .deadline import LONG_S, wait_until

PROGRAM = os.environ.get("PIPEBRIDGE_PROGRAM", "")
IS_SANITIZED = bool(os.environ.get("PIPEBRIDGE_SANITIZE"))
REPORT = re.compile(r"(Address|Thread|Leak|Memory|UndefinedBehavior)Sanitizer|runtime error:")


def pipe(name, mode="byte", framing="line", **more):
    """A pipe of the configuration; its socket is NAME.sock."""
    entry = {"name": name, "role": "server", "mode": mode, "path": f"{name}.sock"}
    if mode == "byte":
        entry["framing"] = framing
    return entry | more


PIPES = [
    pipe("line"),
    pipe("nul", framing="nul"),
    pipe("be", framing="length32be"),
    pipe("le", framing="length32le"),
    pipe("be16", framing="length16be"),
    pipe("le16", framing="length16le"),
    pipe("varint", framing="varint"),
    pipe("headers", framing="headers"),
    pipe("raw", framing="none"),
    pipe("exact", mode="message"),
]

# (pipe, framing) of those that are cut by one.
FRAMED = [(entry["name"], entry["framing"]) for entry in PIPES
          if entry.get("framing", "none") != "none"]


class Bridge:
    def __init__(self, folder, pipes=None, config=None, arguments=(), environment=None,
                 listen=("127.0.0.1:0",), name="bridge", under=()):
        self.folder = pathlib.Path(folder)
        self.runtime = self.folder / "run"
        self.port_file = self.folder / f"{name}.port"
        self.stderr_file = self.folder / f"{name}.stderr"
        self.config_file = self.folder / f"{name}.json"
        self.config = {"pipes": PIPES if pipes is None else pipes} | (config or {})
        self.config_file.write_text(json.dumps(self.config), encoding="utf-8")
        self.arguments = list(arguments)
        self.under = [str(part) for part in under]  # a command that runs the program
        self.listen = listen
        self.environment = os.environ | (environment or {})
        self.process = None
        self.port = None

    def command(self):
        command = [PROGRAM, "--config", self.config_file, "--runtime-dir", self.runtime,
                   "--port-file", self.port_file]
        for address in self.listen:
            command += ["--listen", address]
        return self.under + [str(part) for part in command + self.arguments]

    def launch(self):
        """Starts the process without waiting for it to be ready."""
        self.port_file.unlink(missing_ok=True)
        with open(self.stderr_file, "ab") as stderr:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr,
                env=self.environment, cwd=self.folder)
        return self

    def start(self):
        self.launch()

        def is_ready():
            if self.process.poll() is not None:
                raise AssertionError(
                    f"ended with {self.process.returncode} before it was ready:\n{self.stderr()}")
            return self.port_file.exists() and self.port_file.read_text().strip()

        self.port = int(wait_until(is_ready, "the port file", LONG_S).split()[0])
        description.ports.add(self.port)
        return self

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    @property
    def pid(self):
        return self.process.pid

    def path(self, name):
        return self.runtime / f"{name}.sock"

    def stderr(self):
        return self.stderr_file.read_text(errors="replace") if self.stderr_file.exists() else ""

    def request(self, method, path, body=None, headers=None, **options):
        return http.request(self.address, method, path, body, headers, **options)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body, **options):
        return self.request("POST", path, body, **options)

    def inject(self, pipe_name, body):
        return self.post(f"/api/v1/pipes/{pipe_name}/messages", body)

    def sessions(self, pipe_name=None):
        query = f"?pipe={pipe_name}" if pipe_name else ""
        return self.get("/api/v1/sessions" + query).json["sessions"]

    def wait_for_sessions(self, pipe_name, count):
        return wait_until(
            lambda: (found := self.sessions(pipe_name)) is not None and len(found) == count
            and (found or True), f"{count} sessions on {pipe_name}")

    # ---- what the process holds ----
    def fd_count(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def rss_kib(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))

    def thread(self, name):
        """The id of the thread of that name, or None."""
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            if (task / "comm").read_text().strip() == name:
                return int(task.name)
        return None

    # ---- the end ----
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout_s):
        return self.process.wait(timeout_s)

    def kill(self):
        if self.is_running():
            self.process.kill()
            self.process.wait()

    def stop(self, timeout_s=LONG_S):
        """SIGTERM; returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout_s)

    def examine(self):
        """What must hold at the end of every test: still alive, ends in order, nothing reported."""
        try:
            if self.process is None or self.process.returncode == -signal.SIGKILL:
                return
            code = self.process.poll()
            if code is None:
                code = self.stop()
            assert code == 0, f"exit code {code}\n{self.stderr()[-4000:]}"
        finally:
            self.kill()
            report = REPORT.search(self.stderr())
            assert not report, f"a sanitizer reports:\n{self.stderr()[-8000:]}"
