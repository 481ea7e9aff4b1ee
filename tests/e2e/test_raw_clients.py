"""Both raw routes with the clients that people have: the packages ws of Node, websockets and websocket-client of Python,
and those that read lines from a terminal. (Chromium: tests/browser/raw.test.mjs.)"""

import hashlib
import importlib.util
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
import unittest

from harness.bridge import pipe
from harness.case import BridgeCase
from harness.clients import need_tool
from harness.deadline import LONG_S
from harness.languages import PROGRAMS

MIB = 1 << 20
LIMITS = {"max_message_bytes": 16 * MIB}
EVENTS = {"queue_bytes": 128 * MIB, "memory_bytes": MIB}
UNIT = bytes((index * 7 + 13) & 255 for index in range(256))
SMALL = [("text", 7), ("binary", 3), ("text", 0), ("binary", 0), ("text", 70000), ("binary", 125),
         ("binary", 126), ("binary", 65535), ("binary", 65536)]


def said(kind, size):
    return ("aä🦀" * (size // 7)).encode() if kind == "text" else (UNIT * (size // 256 + 1))[:size]


def is_text(data):
    try:
        return data.decode() is not None
    except UnicodeDecodeError:
        return False


def told(kind, size, is_binary):
    """What comes of a message that went there and back."""
    data = said(kind, size)
    shown = "binary" if is_binary or not is_text(data) else "text"
    return {"type": shown, "size": size, "digest": hashlib.sha256(data).hexdigest()}


class EchoServer:
    """Says back to each client what it hears; or says `farewell` and leaves."""

    def __init__(self, path, farewell=None):
        self.farewell = farewell
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        self.socket.listen(16)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        try:
            while True:
                end, _ = self.socket.accept()
                threading.Thread(target=self.serve, args=(end,), daemon=True).start()
        except OSError:
            return

    def serve(self, end):
        with end:
            if self.farewell is not None:
                end.sendall(self.farewell)
            else:
                echo(end)

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def echo(end):
    try:
        while data := end.recv(MIB):
            end.sendall(data)
    except OSError:
        pass


class ClientCase(BridgeCase):
    """The same for each client: `talker` makes the command."""

    FRAGMENTS = (1, 4)

    def setUp(self):
        super().setUp()
        self.run_folder = self.folder / "run"
        self.run_folder.mkdir(mode=0o700)

    def start(self):
        for name, farewell in (("far", None), ("leaves", b"\0\0\0\5hello")):
            server = EchoServer(self.run_folder / f"{name}.sock", farewell)
            self.addCleanup(server.close)
        bridge = self.bridge(config={"events": EVENTS}, pipes=[
            pipe("near", framing="length32be", limits=LIMITS),
            *(pipe(name, role="client", shared=False, framing="length32be", limits=LIMITS)
              for name in ("far", "leaves"))])
        near = self.connect(bridge, "near")
        near.socket.settimeout(None)
        threading.Thread(target=echo, args=(near.socket,), daemon=True).start()
        self.addCleanup(near.socket.shutdown, socket.SHUT_RDWR)
        bridge.wait_for_sessions("near", 1)
        return bridge

    def run_client(self, bridge, route, messages, **plan):
        plan = {"url": f"ws://127.0.0.1:{bridge.port}/api/v1/pipes/{route}", "protocols": [],
                "messages": [{"type": kind, "size": size} for kind, size in messages]} | plan
        done = subprocess.run([*self.talker(), json.dumps(plan)], capture_output=True, check=False,
                              timeout=2 * LONG_S, env=self.environment())
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return json.loads(done.stdout)

    def environment(self):
        return os.environ

    def assert_echoes(self, bridge, route, messages, is_binary=False, **plan):
        result = self.run_client(bridge, route, messages, **plan)
        self.assertEqual(result["heard"], [told(*message, is_binary) for message in messages])
        self.assertEqual(result["close"]["code"], 1000)
        return result

    def check_all(self):
        bridge = self.start()
        for route in ("far/connect", "near/ws"):
            for fragments in self.FRAGMENTS:
                with self.subTest(route, fragments=fragments):
                    self.assert_echoes(bridge, route, SMALL, fragments=fragments)
            with self.subTest(route, protocol="binary"):
                result = self.assert_echoes(bridge, route, SMALL, True, protocols=["binary"])
                self.assertEqual(result["protocol"], "binary")
        with self.subTest("huge"):
            huge = [("binary", 16 * MIB), ("text", 7 * MIB)]
            self.assert_echoes(bridge, "far/connect", huge, fragments=self.FRAGMENTS[-1])
            self.assert_echoes(bridge, "near/ws", [("binary", 4 * MIB)],
                               fragments=self.FRAGMENTS[-1])
        with self.subTest("over the limit"):
            result = self.run_client(bridge, "far/connect", [("binary", 16 * MIB + 1)], closes=False)
            self.assertEqual(result["close"]["code"], 1009)
        with self.subTest("the server leaves"):
            result = self.run_client(bridge, "leaves/connect", [], closes=False)
            self.assertEqual([(m["type"], m["size"]) for m in result["heard"]], [("text", 5)])
            self.assertEqual((result["close"]["code"], result["close"]["reason"]),
                             (1000, "the server closed the session"))
        bridge.wait_for_sessions("far", 0)


class Node(ClientCase):
    def setUp(self):
        super().setUp()
        self.node = need_tool("node")
        if not pathlib.Path("/usr/share/nodejs/ws").exists():
            self.skipTest("node-ws is not installed")

    def talker(self, function="talk"):
        return [self.node, str(PROGRAMS / "websocket_talk.mjs"), function]

    def test_ws_talks_to_pipes(self):
        self.check_all()

    def test_a_vnc_client_like_novnc_sees_the_desktop(self):
        path = self.run_folder / "vnc.sock"
        server = subprocess.Popen([sys.executable, str(PROGRAMS / "vnc_server.py"), str(path)],
                                  stdout=subprocess.PIPE)
        self.addCleanup(lambda: (server.kill(), server.wait(), server.stdout.close()))
        self.assertEqual(server.stdout.readline(), b"listening\n")
        bridge = self.bridge(pipes=[pipe("vnc", role="client", framing="none", shared=False)])
        plan = {"url": f"ws://127.0.0.1:{bridge.port}/api/v1/pipes/vnc/connect"}
        for _ in range(3):
            done = subprocess.run([*self.talker("viewDesktop"), json.dumps(plan)], check=False,
                                  capture_output=True, timeout=LONG_S)
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            seen = json.loads(done.stdout)
            self.assertEqual(seen, {"version": "RFB 003.008\n", "protocol": "binary",
                                    "name": "a small desktop", "width": 320, "height": 200,
                                    "pixels": 64000, "sum": desktop_sum(), "code": 1005})
        bridge.wait_for_sessions("vnc", 0)


def desktop_sum():
    spec = importlib.util.spec_from_file_location("vnc_server", PROGRAMS / "vnc_server.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    total = 0
    for byte in module.PIXELS:
        total = (total * 31 + byte) % 1000003
    return total


class PythonClientCase(ClientCase):
    LIBRARY = PACKAGE = None

    def check_library(self):
        if importlib.util.find_spec(self.LIBRARY) is None:
            self.skipTest(f"{self.PACKAGE} is not installed")

    def talker(self):
        return [sys.executable, str(PROGRAMS / "websocket_talk.py"), self.LIBRARY]


class Websockets(PythonClientCase):
    LIBRARY, PACKAGE = "websockets", "python3-websockets"

    def test_websockets_talks_to_pipes(self):
        self.check_library()
        self.check_all()


class WebsocketClient(PythonClientCase):
    LIBRARY, PACKAGE = "websocket", "python3-websocket"

    def test_websocket_client_talks_to_pipes(self):
        self.check_library()
        self.check_all()


class Terminal(ClientCase):
    """Lines from a terminal become messages, and messages lines, as websocat has it."""

    def check(self, *command):
        server = EchoServer(self.run_folder / "lines.sock")
        self.addCleanup(server.close)
        bridge = self.bridge(pipes=[pipe("lines", role="client", shared=False)])
        url = f"ws://127.0.0.1:{bridge.port}/api/v1/pipes/lines/connect"
        tool = self.tool(*command, url)
        bridge.wait_for_sessions("lines", 1)
        for line in ("first line", "zwölf 🦀", "x" * 5000):
            tool.write(f"{line}\n".encode())
            tool.read_until(f"{line}".encode())
        tool.end_input()
        tool.wait()
        bridge.wait_for_sessions("lines", 0)

    def test_wsdump_of_websocket_client(self):
        self.check(need_tool("wsdump"), "-r")

    @unittest.skipUnless(importlib.util.find_spec("websockets"), "python3-websockets is not installed")
    def test_the_client_of_websockets(self):
        self.check(sys.executable, "-m", "websockets")

    @unittest.skipUnless(shutil.which("websocat"), "websocat is no package of Debian 12, and not installed")
    def test_websocat(self):
        self.check("websocat")
