"""NDJSON and WebSocket agree, byte for byte, with what was written, in every mode and framing."""

import random
import threading

from harness.bridge import FRAMED, PIPES, pipe
from harness.case import BridgeCase
from harness.clients import frame
from harness.deadline import LONG_S
from harness.observer import payload_of, without_run

DELIMITER = {"line": b"\n", "nul": b"\0"}


def payloads():
    """What is hard to carry: empty, binary, broken UTF-8, escapes, large."""
    everything = bytes(range(256))
    chosen = [
        b"", b"a", b"plain text", "Zürich – ½ π 🦀".encode(), b'"quoted\\" \\n \\u0041',
        bytes(range(1, 32)), b"\x7f", b"tab\there\rreturn", b"\r", b"</script><!--",
        "\u2028\u2029\ufeff\ufffd".encode(), b"\xf4\x8f\xbf\xbf", "\ud7ff\ue000".encode(),
        b"\xc3", b"\xc0\x80", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff\xfe",
        b"ok \xe2\x82 cut", b"\xf0\x9f\xa6", b"\x80", everything, everything[::-1] * 8,
        b"\0", b"a\0b", b"\0" * 1000, b"a\nb", b"{}", b'{"seq":1,"kind":"gap"}',
        b"x" * 125, b"x" * 126, b"x" * 127, b"x" * 65535, "ü".encode() * 30000,
        random.Random(7).randbytes(60000), b"\x01" * 60000, b'"' * 60000,
    ]
    return chosen


class Agreement(BridgeCase):
    def agree(self, server, pipe_name, written, count=None):
        """Runs `written(client)` between two observers; returns the payloads that both tell."""
        is_message = pipe_name == "exact"
        ndjson, websocket = self.ndjson(server), self.websocket(server)
        client = self.connect(server, pipe_name, is_message)
        session = ndjson.until_kind("opened")["session"]
        writer = threading.Thread(target=written, args=(client,))
        writer.start()
        try:
            if count is None:
                writer.join()
                client.close()
                events = ndjson.until(lambda e: e["kind"] == "closed")[:-1]
                closed = websocket.until(lambda e: e["kind"] == "closed")
                others = [e for e in closed if e["kind"] == "message"]
            else:
                events, others = ndjson.messages(count), websocket.messages(count)
        finally:
            writer.join()
        self.assertTrue(all(e["run"] == ndjson.run for e in events))
        self.assertEqual([without_run(e) for e in events], others)
        for event in events:
            self.assertEqual((event["kind"], event["pipe"], event["session"], event["direction"]),
                             ("message", pipe_name, session, "c2s"))
        return [payload_of(e) for e in events]

    def test_every_payload_in_every_framing(self):
        server = self.bridge(pipes=PIPES)
        for pipe_name, framing in FRAMED + [("exact", None)]:
            with self.subTest(pipe_name):
                said = [p for p in payloads() if DELIMITER.get(framing, b"never") not in p]

                def write(client, said=said, framing=framing):
                    for payload in said:
                        client.send(frame(framing, payload))

                self.assertEqual(self.agree(server, pipe_name, write, len(said)), said)

    def test_many_messages_in_one_write(self):
        server = self.bridge(pipes=PIPES)
        said = [b"message %d" % i for i in range(5000)]
        for pipe_name, framing in FRAMED:
            with self.subTest(pipe_name):
                data = b"".join(frame(framing, p) for p in said)
                self.assertEqual(
                    self.agree(server, pipe_name, lambda c, d=data: c.send(d), len(said)), said)

    def test_one_byte_at_a_time(self):
        server = self.bridge(pipes=PIPES)
        said = [b"abc", b"", "ü€🦀".encode(), b"\xff", b"end"]
        for pipe_name, framing in FRAMED:
            with self.subTest(pipe_name):
                def write(client, framing=framing):
                    for byte in b"".join(frame(framing, p) for p in said):
                        client.send(bytes([byte]))

                self.assertEqual(self.agree(server, pipe_name, write, len(said)), said)

    def test_without_framing_the_bytes_are_the_same_bytes(self):
        server = self.bridge(pipes=PIPES)
        said = b"".join(payloads())
        got = self.agree(server, "raw", lambda client: client.send(said))
        self.assertEqual(b"".join(got), said)
        self.assertNotIn(b"", got)

    def test_random_messages_stay_whole(self):
        server = self.bridge(pipes=PIPES)
        chance = random.Random(42)
        said = [chance.randbytes(chance.choice((0, 1, 7, 64, 500, 4000))) for _ in range(2000)]

        def write(client):
            for message in said:
                client.send(message)

        self.assertEqual(self.agree(server, "exact", write, len(said)), said)

    def test_the_last_message_without_its_end_is_marked(self):
        server = self.bridge(pipes=PIPES)
        for pipe_name, data in [("line", b"whole\npart"), ("nul", b"whole\0part"),
                                ("be", b"\0\0\0\5whole\0\0\0\x10part"),
                                ("le", b"\5\0\0\0whole\x10\0\0\0part"),
                                ("be16", b"\0\5whole\0\x10part"),
                                ("le16", b"\5\0whole\x10\0part"),
                                ("varint", b"\5whole\x90\0part"),
                                ("headers", frame("headers", b"whole")
                                 + b"Content-Length: 16\r\n\r\npart")]:
            with self.subTest(pipe_name):
                observer = self.ndjson(server)
                client = self.connect(server, pipe_name)
                client.send(data)
                client.close()
                events = observer.until(lambda e: e["kind"] == "closed")
                whole, part = [e for e in events if e["kind"] == "message"]
                self.assertEqual(whole["text"], "whole")
                self.assertNotIn("incomplete", whole.get("flags", []))
                self.assertEqual(part["flags"], ["incomplete"])
                self.assertTrue(payload_of(part).endswith(b"part"))
                self.assertEqual(events[-1]["reason"], "peer")


class Large(BridgeCase):
    """The largest message that a pipe may be given, in the encoding that swells the most."""

    def test_messages_up_to_the_limit_pass_and_over_it_end_the_session(self):
        limit = 1 << 20
        server = self.bridge(pipes=[pipe("line", limits={"max_message_bytes": limit}),
                                    pipe("le", framing="length32le",
                                         limits={"max_message_bytes": limit})])
        for pipe_name, framing in (("line", "line"), ("le", "length32le")):
            for byte in (b"\x01", b"\xff", b"z"):
                with self.subTest(f"{pipe_name} {byte!r}"):
                    ndjson = self.ndjson(server, timeout_s=LONG_S)
                    websocket = self.websocket(server, timeout_s=LONG_S)
                    client = self.connect(server, pipe_name, timeout_s=LONG_S)
                    client.send(frame(framing, byte * limit) + frame(framing, b"after"))
                    for observer in (ndjson, websocket):
                        large, after = observer.messages(2)
                        self.assertEqual(payload_of(large), byte * limit)
                        self.assertEqual(after["text"], "after")
                    client.close()
            with self.subTest(f"{pipe_name} over the limit"):
                observer = self.ndjson(server, timeout_s=LONG_S)
                client = self.connect(server, pipe_name, timeout_s=LONG_S)
                session = observer.until_kind("opened")["session"]
                try:
                    client.send(frame(framing, b"x" * (limit + 1)))
                except (BrokenPipeError, ConnectionResetError):
                    pass
                closed = observer.until_kind("closed", session=session)
                self.assertEqual((closed["reason"], closed["status"]), ("limit", "too_big"))
                self.assertTrue(client.is_at_end())

    def test_a_datagram_over_the_limit_ends_the_session(self):
        server = self.bridge(pipes=[pipe("exact", mode="message",
                                         limits={"max_message_bytes": 4096})])
        observer = self.ndjson(server)
        client = self.connect(server, "exact", is_message=True)
        client.send(b"x" * 4096)
        self.assertEqual(observer.messages(1)[0]["size"], 4096)
        client.send(b"x" * 4097)
        closed = observer.until_kind("closed")
        self.assertEqual((closed["reason"], closed["status"]), ("limit", "too_big"))


class EmptyMessages(BridgeCase):
    def test_an_empty_datagram_is_a_message_and_not_the_end(self):
        server = self.bridge(pipes=PIPES)
        observer = self.ndjson(server)
        client = self.connect(server, "exact", is_message=True)
        for data in (b"a", b"", b"", b"b", b""):
            client.send(data)
        self.assertEqual([payload_of(e) for e in observer.messages(5)], [b"a", b"", b"", b"b", b""])
        client.close()
        self.assertEqual(observer.until_kind("closed")["reason"], "peer")
