"""The lines of the READMEs that people paste, run as they stand there, and their answers held against the description.

Only address and runtime folder are changed. curl finds a .curlrc here that makes it quiet, ends endless answers and
tells what it was answered."""

import json
import os
import pathlib
import re
import subprocess

from harness import description
from harness.bridge import pipe
from harness.case import BridgeCase
from harness.clients import need_tool
from harness.deadline import LONG_S, SCALE
from harness.http import Response

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
ENDLESS = 28  # curl's exit code for --max-time

# Lines of which only a part can be tried, and where the whole is.
ELSEWHERE = {"docker.sock": "test_tap.Http has a server behind a tap, as docker would be"}


def lines_of(name, heading=None):
    """(status or None, line) of every curl line in a file, or in one section of it. A comment before lines says
    their status, or "A, then B" of the first and the others."""
    text = (ROOT / name).read_text(encoding="utf-8")
    if heading:
        text = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    first, then, found = None, None, []
    for language, block in BLOCK.findall(text):
        lines = block.replace("\\\n", " ").splitlines() if language in ("", "sh") else []
        for line in lines:
            if promise := re.match(r"# (\d{3})(?:, then (\d{3}))?: ", line):
                first, then = int(promise[1]), int(promise[2] or promise[1])
            elif line.startswith("curl "):
                found.append((first, line))
                first = then
    return found


class CurlCase(BridgeCase):
    def setUp(self):
        super().setUp()
        need_tool("curl")
        self.heads = self.folder / "heads"
        (self.folder / ".curlrc").write_text(
            f"silent\nshow-error\nmax-time = {3 * SCALE}\ndump-header = {self.heads}\n"
            'write-out = "%{stderr}%{json}"\n')

    def start(self, pipes):
        server = self.bridge(pipes=pipes)
        self.observer = self.ndjson(server)
        return server

    def here(self, server, line):
        return line.replace("127.0.0.1:7117", f"127.0.0.1:{server.port}").replace(
            "/run/pipebridge", str(server.runtime))

    def shell(self, server, line):
        done = subprocess.run(["bash", "-c", self.here(server, line)], cwd=self.folder,
                              env=os.environ | {"CURL_HOME": str(self.folder)},
                              capture_output=True, timeout=LONG_S, check=False)
        return done.returncode, done.stdout, done.stderr

    def response(self, status, body):
        head = self.heads.read_bytes().decode("latin-1").strip().split("\r\n\r\n")[-1]
        fields = (line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        return Response(status, {name.lower(): value for name, value in fields}, body)

    def run_line(self, server, status, line):
        """Runs a line, examines its answer, and returns (method, path) of its route."""
        code, body, told = self.shell(server, line)
        told = json.loads(told.decode().splitlines()[-1])
        is_endless = told["http_code"] == 101 or told["content_type"] in (
            "text/event-stream", "application/x-ndjson") and "/events" in told["url_effective"]
        self.assertEqual(code, ENDLESS if is_endless else 0, told)
        if status:
            self.assertEqual(told["http_code"], status, body)
        self.assertLess(told["http_code"], 300, body)
        asked = told["method"], "/" + told["url_effective"].split("/", 3)[3]
        media = description.Answer(asked, self.response(told["http_code"], body)).check()
        if is_endless and told["http_code"] == 200:
            self.check_stream(media, body)
        return told["method"], description.described.path_of(asked[1])

    def check_stream(self, media, body):
        items = [line.removeprefix(b"data: ") for line in body.splitlines()
                 if line.startswith((b"{", b"data: "))]
        self.assertTrue(items)
        for item in items:
            description.check_item(media, json.loads(item))


class Reference(CurlCase):
    """web/README.md: the lines of its section, from the first to the last, and one for each route."""

    def test_every_line_is_answered_as_it_says_and_every_route_has_one(self):
        socat = need_tool("socat")
        demo = json.loads((ROOT / "config" / "demo.json").read_text(encoding="utf-8"))
        server = self.start(demo["pipes"])
        client = "UNIX-CONNECT:/run/pipebridge/demo.sock EXEC:cat"
        self.assertIn(f"socat {client}\n", (ROOT / "web" / "README.md").read_text())
        self.tool(socat, *self.here(server, client).split())
        self.observer.until_kind("opened", session=1)
        routes = set()
        for status, line in lines_of("web/README.md", "With curl"):
            with self.subTest(line):
                routes.add(self.run_line(server, status, line))
        described = {(method, path) for path in description.described.document["paths"]
                     for method in description.described.methods(path)}
        self.assertEqual(routes, described)


class Elsewhere(CurlCase):
    def test_the_first_page_of_the_project_and_the_protocol_keep_their_word(self):
        server = self.start([pipe("demo")])
        for number in (1, 2):
            self.connect(server, "demo")
            self.observer.until_kind("opened", session=number)
        lines = lines_of("README.md") + lines_of("web/PROTOCOL.md")
        self.assertGreater(len(lines), 4)
        for status, line in lines:
            if not any(word in line for word in ELSEWHERE):
                with self.subTest(line):
                    self.run_line(server, status, line)
