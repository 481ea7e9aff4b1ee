"""The bridge between two programs that others wrote, neither of which knows of it: an editor and its remote control, a
player and a script, an HTTP server and curl, clients in one language and servers in another."""

import hashlib
import json

from harness import languages
from harness.bridge import pipe
from harness.case import BridgeCase
from harness.clients import PipeClient, need_tool
from harness.deadline import LONG_S, wait_until
from harness.observer import payload_of
from test_interop_clients import ECHOED, LARGE, SENT


class TapCase(BridgeCase):
    """The client's endpoint is self.path, the server's self.upstream."""

    def tap(self, **more):
        self.upstream = self.folder / "upstream.sock"
        self.server = self.bridge(
            pipes=[pipe("tap", role="tap", upstream=str(self.upstream), **more)])
        self.path = self.server.path("tap")
        self.observer = self.ndjson(self.server, timeout_s=LONG_S)

    def wait_for_server(self, is_message=False):
        """Until the server at the upstream takes connections."""

        def is_there():
            try:
                PipeClient(self.upstream, is_message).close()
            except OSError:
                return False
            return True

        wait_until(is_there, "the server", LONG_S)

    def said(self, direction):
        """What passed in this direction in the session that ends next."""
        events, closed = self.observer.messages_until("closed", direction=direction)
        self.assertEqual((closed["reason"], closed["status"]), ("peer", "ok"))
        return b"".join(payload_of(event) for event in events)


class Neovim(TapCase):
    def setUp(self):
        super().setUp()
        self.program = need_tool("nvim")
        self.tap(framing="none")

    def remote(self, expression):
        """What the editor behind the tap makes of it, and the exit code. Neovim 0.7 prints to its standard error."""
        tool = self.tool(self.program, "--clean", "--headless", "--server", self.path,
                         "--remote-expr", expression)
        output = b"".join(tool.process.communicate(timeout=LONG_S))
        return output.strip().decode(), tool.process.returncode

    def test_its_remote_control_passes_through_the_tap(self):
        self.tool(self.program, "--clean", "--headless", "--listen", self.upstream)
        self.wait_for_server()
        for expression, result in (("6 * 7", "42"), ("len('" + "x" * 100000 + "')", "100000"),
                                   ("toupper('grün')", "GRÜN")):
            self.assertEqual(self.remote(expression), (result, 0))
            self.assertIn(expression.encode(), self.said("c2s"))

    def test_that_no_editor_is_there_is_told_to_its_remote_control(self):
        output, code = self.remote("6 * 7")
        self.assertNotIn("42", output)
        self.assertNotEqual(code, 0)


class Mpv(TapCase):
    def ask(self, script, number, *words):
        script.send(json.dumps({"command": words, "request_id": number}).encode() + b"\n")
        while True:
            while b"\n" not in script.rest:
                script.rest += script.receive()
            line, script.rest = script.rest.split(b"\n", 1)
            answer = json.loads(line)
            if answer.get("request_id") == number:
                return answer

    def test_a_script_and_a_person_command_the_player(self):
        program = need_tool("mpv")
        self.tap(framing="line")
        self.tool(program, "--no-config", "--idle", "--vo=null", "--ao=null",
                  f"--input-ipc-server={self.upstream}")
        self.wait_for_server()
        script = self.connect(self.server, "tap")
        self.assertEqual(self.ask(script, 1, "set_property", "volume", 42)["error"], "success")
        session = self.observer.until_kind("opened")["session"]
        request, = self.observer.messages(1, direction="c2s")
        self.assertEqual(json.loads(request["text"])["command"], ["set_property", "volume", 42])
        answer = self.server.post(f"/api/v1/sessions/{session}/messages?direction=c2s",
                                  b'{"command":["set_property","volume",17],"request_id":99}')
        self.assertEqual(answer.status, 201, answer.body)
        self.assertEqual(self.ask(script, 2, "get_property", "volume")["data"], 17)
        answer = self.server.post(f"/api/v1/sessions/{session}/messages?direction=s2c",
                                  b'{"event":"from-a-person"}')
        self.assertEqual(answer.status, 201, answer.body)
        while b'{"event":"from-a-person"}\n' not in script.rest:
            script.rest += script.receive()


class Http(TapCase):
    SIZE = 5 * 1000 * 1000

    def setUp(self):
        super().setUp()
        self.curl = need_tool("curl")
        command = languages.command("http_server.mjs")
        self.tap(framing="none")
        self.tool(*command, self.upstream)
        self.wait_for_server()

    def fetch(self, *arguments):
        tool = self.tool(self.curl, "-sS", "--unix-socket", self.path, *arguments)
        output, problem = tool.process.communicate(timeout=LONG_S)
        self.assertEqual((tool.process.returncode, problem), (0, b""))
        return output

    def test_a_large_answer_and_a_large_body_arrive_whole(self):
        wanted = bytes(index % 251 for index in range(65536)) * (self.SIZE // 65536 + 1)
        self.assertEqual(self.fetch(f"http://localhost/{self.SIZE}"), wanted[:self.SIZE])
        body = self.folder / "body"
        body.write_bytes(wanted)
        told = self.fetch("--data-binary", f"@{body}", "-H", "Expect:", "http://localhost/sum")
        self.assertEqual(told.decode(), hashlib.sha256(wanted).hexdigest())

    def test_two_requests_of_one_connection_are_one_session(self):
        self.assertEqual(len(self.fetch("http://localhost/10", "http://localhost/20")), 30)
        request = self.said("c2s")
        self.assertEqual(request.count(b"GET /"), 2)
        told = self.server.get("/api/v1/pipes/tap").json
        self.assertEqual(told["sessions_total"], 1)

    def test_many_at_once_get_each_their_own(self):
        sizes = [1000 * (number + 1) for number in range(20)]
        tools = [self.tool(self.curl, "-sS", "--unix-socket", self.path, f"http://localhost/{size}")
                 for size in sizes]
        for size, tool in zip(sizes, tools):
            self.assertEqual(len(tool.process.communicate(timeout=LONG_S)[0]), size)


class Languages(TapCase):
    """The conversation of test_interop_clients.py, with a server of another language behind the tap."""

    def converse(self, client, server):
        client, server = languages.command(client), languages.command(server)
        environment = languages.environment(self.folder)
        self.tap(limits={"max_message_bytes": LARGE, "max_write_queue_bytes": 4 * LARGE})
        self.tool(*server, self.upstream, environment=environment)
        self.wait_for_server()
        tool = self.tool(*client, self.path, environment=environment)
        session = self.observer.until_kind("opened")["session"]
        tool.read_until(b"heard hello\n", LONG_S)
        answer = self.server.post(f"/api/v1/sessions/{session}/messages?direction=s2c", SENT.encode())
        self.assertEqual(answer.status, 201, answer.body)
        tool.read_until(b"heard " + SENT.encode() + b"\n", LONG_S)
        wanted = sum(len(line) + 1 for line in ECHOED) + len(SENT) + 1
        tool.read_until(b"end after %d lines, %d bytes\n" % (len(ECHOED) + 1, wanted), LONG_S)
        self.assertEqual(tool.wait(LONG_S), 0)
        events, closed = self.observer.messages_until("closed")
        for direction in ("c2s", "s2c"):
            self.assertEqual([payload_of(e) for e in events if e["direction"] == direction], ECHOED)
        self.assertEqual(closed["reason"], "peer")


class NodeAndPython(Languages):
    def test_net_speaks_to_asyncio(self):
        self.converse("stream_client.mjs", "echo_server.py")

    def test_asyncio_speaks_to_net(self):
        self.converse("stream_client.py", "echo_server.mjs")

    def test_perl_speaks_to_net(self):
        self.converse("stream_client.pl", "echo_server.mjs")


class GoAndJava(Languages):
    def test_go_speaks_to_java(self):
        self.converse("stream_client.go", "EchoServer.java")

    def test_java_speaks_to_go(self):
        self.converse("StreamClient.java", "echo_server.go")


class Socat(TapCase):
    def test_socat_on_both_sides_half_closes_through_the_tap(self):
        program = need_tool("socat")
        self.tap(framing="line")
        # tac says nothing before its input has ended: the end must pass, and the answer come back.
        self.tool(program, f"UNIX-LISTEN:{self.upstream},fork", "EXEC:tac")
        self.wait_for_server()
        tool = self.tool(program, "-t10", "-", f"UNIX-CONNECT:{self.path}")
        lines = [b"line %d\n" % number for number in range(1000)]
        tool.write(b"".join(lines))
        tool.end_input()
        self.assertEqual(tool.read_until(b"line 0\n", LONG_S), b"".join(reversed(lines)))
        self.assertEqual(tool.wait(LONG_S), 0)
        events, closed = self.observer.messages_until("closed")
        self.assertEqual(len(events), 2000)
        self.assertEqual(closed["reason"], "peer")

    def test_messages_keep_their_boundaries(self):
        program = need_tool("socat")
        self.tap(mode="message")
        self.tool(program, f"UNIX-LISTEN:{self.upstream},type=5,fork", "EXEC:cat")
        self.wait_for_server(is_message=True)
        client = self.connect(self.server, "tap", is_message=True)
        for message in (b"one", b"two\nlines", b"x" * 4000):
            client.send(message)
            self.assertEqual(client.receive(), message)
            heard = [payload_of(event) for event in self.observer.messages(2)]
            self.assertEqual(heard, [message, message])
