"""Real programs as clients of a pipe: each connects, is heard, hears, and goes."""

import textwrap

from harness.bridge import pipe
from harness.case import BridgeCase
from harness.clients import need_tool
from harness.observer import payload_of


class ClientCase(BridgeCase):
    """Starts a bridge, watches it, and holds a conversation with one client."""

    def watch(self, entry):
        self.server = self.bridge(pipes=[entry])
        self.name = entry["name"]
        self.observer = self.websocket(self.server)

    def expect_open(self, process_name):
        event = self.observer.until_kind("opened")
        if process_name:
            self.assertEqual(event["peer"]["name"], process_name)
        self.session = event["session"]
        return event

    def expect_message(self, data):
        (event,) = self.observer.messages(1)
        self.assertEqual((payload_of(event), event["session"]), (data, self.session))

    def say(self, data):
        answer = self.server.post(f"/api/v1/sessions/{self.session}/messages", data)
        self.assertEqual(answer.status, 201, answer.body)

    def expect_close(self):
        closed = self.observer.until_kind("closed")
        self.assertEqual((closed["session"], closed["reason"]), (self.session, "peer"))


class Socat(ClientCase):
    def setUp(self):
        super().setUp()
        self.program = need_tool("socat")

    def test_stream_both_ways(self):
        self.watch(pipe("line"))
        tool = self.tool(self.program, "-", f"UNIX-CONNECT:{self.server.path('line')}")
        opened = self.expect_open("socat")
        self.assertEqual(opened["peer"]["pid"], tool.process.pid)
        tool.write(b"from socat\n")
        self.expect_message(b"from socat")
        self.say(b"to socat")
        tool.read_until(b"to socat\n")
        tool.end_input()
        self.expect_close()
        self.assertEqual(tool.wait(), 0)

    def test_seqpacket_both_ways(self):
        self.watch(pipe("exact", mode="message"))
        tool = self.tool(self.program, "-",
                         f"UNIX-CONNECT:{self.server.path('exact')},type=5")
        self.expect_open("socat")
        tool.write(b"one datagram\nof two lines\n")
        self.expect_message(b"one datagram\nof two lines\n")
        self.say(b"answer")
        tool.read_until(b"answer")
        tool.end_input()
        self.expect_close()


class Netcat(ClientCase):
    def test_stream_both_ways(self):
        program = need_tool("nc")
        self.watch(pipe("line"))
        tool = self.tool(program, "-N", "-U", self.server.path("line"))
        self.expect_open("nc")
        tool.write(b"from nc\n")
        self.expect_message(b"from nc")
        self.say(b"to nc")
        tool.read_until(b"to nc\n")
        tool.end_input()
        self.expect_close()


class Python(ClientCase):
    SCRIPT = textwrap.dedent("""
        import socket, sys
        kind = getattr(socket, sys.argv[2])
        with socket.socket(socket.AF_UNIX, kind) as pipe:
            pipe.connect(sys.argv[1])
            pipe.send(b"from python\\n")
            print(pipe.recv(1000), flush=True)
            sys.stdin.read()
    """)

    def converse(self, entry, kind, heard):
        self.watch(entry)
        program = need_tool("python3")
        tool = self.tool(program, "-c", self.SCRIPT, self.server.path(self.name), kind)
        opened = self.expect_open(None)
        self.assertEqual(opened["peer"]["pid"], tool.process.pid)
        self.assertTrue(opened["peer"]["name"].startswith("python3"))
        self.expect_message(heard)
        self.say(b"to python")
        tool.read_until(b"to python")
        tool.end_input()
        self.expect_close()
        self.assertEqual(tool.wait(), 0)

    def test_stream_both_ways(self):
        self.converse(pipe("line"), "SOCK_STREAM", b"from python")

    def test_seqpacket_both_ways(self):
        self.converse(pipe("exact", mode="message"), "SOCK_SEQPACKET", b"from python\n")


class Node(ClientCase):
    SCRIPT = textwrap.dedent("""
        const pipe = require("node:net").connect(process.argv[1], () => pipe.write("from node\\n"));
        pipe.on("data", data => process.stdout.write(data));
        process.stdin.on("end", () => pipe.end());
        process.stdin.resume();
    """)

    def test_stream_both_ways(self):
        program = need_tool("node")
        self.watch(pipe("line"))
        tool = self.tool(program, "-e", self.SCRIPT, self.server.path("line"))
        self.expect_open(None)
        self.expect_message(b"from node")
        self.say(b"to node")
        tool.read_until(b"to node\n")
        tool.end_input()
        self.expect_close()
        self.assertEqual(tool.wait(), 0)
