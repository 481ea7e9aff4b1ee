"""Programs that others wrote as servers, with the bridge as their client: they come late, answer, go, and come back."""

import json

from harness import languages
from harness.bridge import pipe
from harness.case import BridgeCase
from harness.clients import need_tool
from harness.deadline import LONG_S, wait_until
from harness.observer import payload_of

QUICK = {"first_delay_ms": 10, "max_delay_ms": 50}
LARGE = 1 << 20


class ServerCase(BridgeCase):
    def start(self, **more):
        """A bridge whose server is not there yet; self.path is where it shall be."""
        self.server = self.bridge(pipes=[pipe("up", role="client", reconnect=QUICK, **more)])
        self.path = self.server.path("up")
        self.watch()

    def watch(self):
        self.observer = self.ndjson(self.server, "?kind=opened,message,closed", timeout_s=LONG_S)

    def forget(self):
        """After the server's end: until the bridge is not connected, and cannot be. One that ends may be
        connected to once more."""
        self.path.unlink(missing_ok=True)
        wait_until(lambda: self.server.get("/api/v1/pipes/up").json["sessions"] == 0, "no session")
        self.watch()

    def ask(self, request):
        answer = self.server.inject("up", request)
        self.assertEqual((answer.status, answer.json["delivered"]), (201, 1), answer.body)

    def hear(self):
        event = self.observer.messages(1)[0]
        self.assertEqual(event["direction"], "s2c")
        return payload_of(event)


class EchoCase(ServerCase):
    def echo(self, *command, rounds=2):
        self.start(limits={"max_message_bytes": LARGE, "max_write_queue_bytes": 4 * LARGE})
        for round_ in range(rounds):
            tool = self.tool(*command, environment=languages.environment(self.folder))
            self.observer.until_kind("opened")
            for request in (b"hello %d" % round_, b"", b"x" * LARGE, b"bye"):
                self.ask(request)
                self.assertEqual(self.hear(), request)
            tool.close()
            self.assertEqual(self.observer.until_kind("closed")["reason"], "peer")
            self.forget()

    def echo_program(self, program):
        command = languages.command(program)
        self.echo(*command, self.future_path())

    def future_path(self):
        return self.folder / "run" / "up.sock"


class SocatServers(EchoCase):
    def test_unix_listen_with_a_program_for_each_client(self):
        program = need_tool("socat")
        self.echo(program, f"UNIX-LISTEN:{self.future_path()},fork", "EXEC:cat")

    def test_unix_listen_of_messages(self):
        program = need_tool("socat")
        self.start(mode="message")
        self.tool(program, "-b65536", f"UNIX-LISTEN:{self.path},type=5,fork", "EXEC:cat")
        self.observer.until_kind("opened")
        for request in (b"one", b"two\nlines", b"x" * 60000):
            self.ask(request)
            heard = self.hear()
            while len(heard) < len(request):  # as many messages as socat reads of cat's output
                heard += self.hear()
            self.assertEqual(heard, request)


class NetcatServer(ServerCase):
    def test_it_listens_types_and_hears(self):
        program = need_tool("nc")
        self.start()
        tool = self.tool(program, "-lU", self.path)
        self.observer.until_kind("opened")
        self.ask(b"to nc")
        tool.read_until(b"to nc\n")
        tool.write(b"from nc\n")
        self.assertEqual(self.hear(), b"from nc")
        tool.close()
        self.assertEqual(self.observer.until_kind("closed")["reason"], "peer")


class NodeServer(EchoCase):
    def test_net_serves_the_bridge(self):
        self.echo_program("echo_server.mjs")


class PythonServer(EchoCase):
    def test_asyncio_serves_the_bridge(self):
        self.echo_program("echo_server.py")


class GoServer(EchoCase):
    def test_net_serves_the_bridge(self):
        self.echo_program("echo_server.go")


class JavaServer(EchoCase):
    def test_server_socket_channel_serves_the_bridge(self):
        self.echo_program("EchoServer.java")


class Mpv(ServerCase):
    """The player's JSON IPC: requests and answers by number, events in between."""

    def player(self):
        return self.tool(need_tool("mpv"), "--no-config", "--idle", "--vo=null", "--ao=null",
                         f"--input-ipc-server={self.path}")

    def command(self, number, *words):
        self.ask(json.dumps({"command": words, "request_id": number}).encode())
        while (answer := json.loads(self.hear())).get("request_id") != number:
            self.assertIn("event", answer)
        return answer

    def test_it_is_asked_and_told_and_its_events_are_seen(self):
        need_tool("mpv")
        self.start()
        player = self.player()
        self.observer.until_kind("opened")
        answer = self.command(1, "get_property", "mpv-version")
        self.assertEqual((answer["error"], answer["data"][:4]), ("success", "mpv "))
        self.assertEqual(self.command(2, "set_property", "volume", 42)["error"], "success")
        self.assertEqual(self.command(3, "get_property", "volume")["data"], 42)
        self.assertEqual(self.command(4, "observe_property", 1, "pause")["error"], "success")
        self.ask(b'{"command":["set_property","pause",true]}')
        while True:
            event = json.loads(self.hear())
            if event.get("event") == "property-change" and event.get("data") is True:
                break
        self.ask(b'{"command":["quit"]}')
        self.assertEqual(self.observer.until_kind("closed")["reason"], "peer")
        self.assertEqual(player.wait(LONG_S), 0)

        self.forget()
        self.player()  # another one comes: the bridge is its client too
        self.observer.until_kind("opened")
        self.assertEqual(self.command(5, "get_property", "volume")["error"], "success")
