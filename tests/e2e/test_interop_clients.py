"""Programs in the languages that people use, as clients: each holds the same conversation, in its own idiom.

Over a byte pipe it says hello and hears its echo, hears what a person sends, then says a line of 1 MiB and a
hundred short ones, half-closes, and must hear every echo before the end. Over a message pipe it says three messages,
one of them empty, and is sent three. The programs are in programs/."""

from harness import languages
from harness.bridge import pipe
from harness.case import BridgeCase
from harness.deadline import LONG_S
from harness.observer import payload_of

LARGE = 1 << 20
ECHOED = [b"hello", b"x" * LARGE] + [b"line %d" % number for number in range(100)]
SENT = "from a person"


class StreamCase(BridgeCase):
    def converse(self, program):
        """One of the program's own threads or processes may write while it reads: nothing may be lost."""
        command = languages.command(program)
        limits = {"max_message_bytes": LARGE, "max_write_queue_bytes": 4 * LARGE}
        server = self.bridge(pipes=[pipe("talk", reply="echo", limits=limits)])
        observer = self.ndjson(server, timeout_s=LONG_S)
        tool = self.tool(*command, server.path("talk"),
                         environment=languages.environment(self.folder))
        opened = observer.until_kind("opened")
        self.assertEqual(payload_of(observer.messages(1)[0]), ECHOED[0])
        tool.read_until(b"heard hello\n", LONG_S)
        answer = server.post(f"/api/v1/sessions/{opened['session']}/messages", SENT.encode())
        self.assertEqual(answer.status, 201)
        tool.read_until(b"heard " + SENT.encode() + b"\n", LONG_S)
        wanted = sum(len(line) + 1 for line in ECHOED) + len(SENT) + 1
        tool.read_until(b"end after %d lines, %d bytes\n" % (len(ECHOED) + 1, wanted), LONG_S)
        self.assertEqual(tool.wait(LONG_S), 0)
        said, closed = observer.messages_until("closed", direction="c2s")
        self.assertEqual([payload_of(event) for event in said], ECHOED[1:])
        self.assertEqual(closed["reason"], "peer")


class MessageCase(BridgeCase):
    # What the program tells of the three messages "two words", "" and "end".
    HEARD = b"heard 9 two words\nheard 0 \nheard 3 end\n"

    def converse(self, program):
        command = languages.command(program)
        server = self.bridge(pipes=[pipe("exact", mode="message")])
        observer = self.ndjson(server, timeout_s=LONG_S)
        tool = self.tool(*command, server.path("exact"),
                         environment=languages.environment(self.folder))
        session = observer.until_kind("opened")["session"]
        said = [payload_of(e) for e in observer.messages(3)]
        self.assertEqual(said, self.SAID)
        for message in (b"two words", b"", b"end"):
            answer = server.post(f"/api/v1/sessions/{session}/messages", message)
            self.assertEqual(answer.status, 201)
        tool.read_until(self.HEARD, LONG_S)
        self.assertEqual(tool.wait(LONG_S), 0)
        self.assertEqual(observer.until_kind("closed")["reason"], "peer")

    SAID = [b"one", b"", b"x" * 60000]


class NodeStream(StreamCase):
    def test_net_holds_the_conversation(self):
        self.converse("stream_client.mjs")

    def test_net_is_told_that_a_message_pipe_is_no_stream(self):
        command = languages.command("stream_client.mjs")
        server = self.bridge(pipes=[pipe("exact", mode="message")])
        tool = self.tool(*command, server.path("exact"))
        tool.read_until(b"error EPROTOTYPE\n", LONG_S)


class PythonStream(StreamCase):
    def test_asyncio_holds_the_conversation(self):
        self.converse("stream_client.py")


class PythonMessages(MessageCase):
    def test_socket_holds_the_conversation(self):
        self.converse("message_client.py")


class GoStream(StreamCase):
    def test_unix_holds_the_conversation(self):
        self.converse("stream_client.go")


class GoMessages(MessageCase):
    # Go takes an empty message for the end, but it is not: the next one is still there to be read.
    HEARD = b"heard 9 two words\nerror EOF\nheard 3 end\n"

    def test_unixpacket_holds_the_conversation_but_takes_an_empty_message_for_the_end(self):
        self.converse("message_client.go")


class JavaStream(StreamCase):
    def test_socket_channel_holds_the_conversation(self):
        self.converse("StreamClient.java")


class PerlStream(StreamCase):
    def test_io_socket_holds_the_conversation(self):
        self.converse("stream_client.pl")


class PerlMessages(MessageCase):
    def test_socket_holds_the_conversation(self):
        self.converse("message_client.pl")
