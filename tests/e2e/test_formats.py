"""The formats of the event stream beside NDJSON and pipebridge.v1.json: server-sent events and binary."""

import json
import pathlib
import shutil
import subprocess
import sys
import unittest

from harness import description, websocket
from harness.bridge import pipe
from harness.case import BridgeCase
from harness.http import ClosedError, Wire, format_request, read_head
from harness.observer import payload_of, without_run

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "web" / "examples"
GOLDEN = ROOT / "tests" / "golden" / "events.v1.bin"
sys.path.insert(0, str(EXAMPLES))

import read_events  # noqa: E402  (it stands beside the protocol's description)

GOLDEN_EVENTS = [
    {"seq": 1, "kind": "message", "wall_ns": 0x1122334455667788, "mono_ns": 0x99AABBCC, "pipe": 1,
     "session": 0x100000007, "direction": "c2s", "flags": ["incomplete"], "targets": 0,
     "payload": b"\x00\xff\x80hi"},
    {"seq": 2, "kind": "injected", "wall_ns": 0x1122334455667788, "mono_ns": 0x99AABBCC, "pipe": 1,
     "session": 0x100000007, "direction": "s2c", "flags": [], "targets": 3,
     "payload": b"ok", "by": {"via": "http", "address": "127.0.0.1:40112"}},
    {"seq": 3, "kind": "error", "wall_ns": 0x1122334455667788, "mono_ns": 0x99AABBCC, "pipe": 0,
     "session": 0x100000007, "detail": "too large"},
    {"seq": 4, "kind": "closed", "wall_ns": 0x1122334455667788, "mono_ns": 0x99AABBCC,
     "pipe": "demo", "session": 0x100000007, "reason": "peer", "status": "ok"},
    {"seq": 5, "kind": "pipe_added", "wall_ns": 0x1122334455667788, "mono_ns": 0x99AABBCC,
     "pipe": "exact", "session": 0, "state": {"name": "exact", "index": 1}},
    {"seq": 0x100000000, "kind": "gap", "from": 6, "to": 0x100000000, "count": 12,
     "reason": "slow"},
]


class EventSource:
    """A reader of text/event-stream, by the rules of the HTML standard as far as we need them."""

    def __init__(self, server, query="", last_event_id=None, timeout_s=30):
        self.wire = Wire(server.address, timeout_s=timeout_s)
        headers = {"Host": f"127.0.0.1:{server.port}", "Accept": "text/event-stream",
                   "Last-Event-ID": last_event_id}
        self.wire.send(format_request("GET", "/api/v1/events" + query, headers))
        self.response = read_head(self.wire)
        self.media = description.check_answer(self.wire, self.response)
        self.comments = 0
        self.retry_ms = None

    def next(self):
        """(id, data) of the next event."""
        last_id, data = None, []
        while True:
            line = self.wire.take_until(b"\n")[:-1].decode()
            if not line and data:
                event = json.loads("\n".join(data))
                description.check_item(self.media, event)
                return last_id, event
            name, _, value = line.partition(": ")
            if name == "id":
                last_id = value
            elif name == "data":
                data.append(value)
            elif name == "retry":
                self.retry_ms = int(value)
            elif line.startswith(":"):
                self.comments += 1
            elif line:
                raise AssertionError(f"not a field: {line!r}")

    def close(self):
        self.wire.close()


class ServerSentEvents(BridgeCase):
    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=[pipe("line")])
        self.client = self.connect(self.server, "line")
        self.server.wait_for_sessions("line", 1)

    def source(self, *arguments, **options):
        source = EventSource(self.server, *arguments, **options)
        self.addCleanup(source.close)
        return source

    def test_each_event_has_its_id_and_its_json(self):
        source = self.source()
        self.assertEqual(source.response.headers["content-type"], "text/event-stream")
        hello_id, hello = source.next()
        self.assertEqual((hello["kind"], hello_id), ("hello", f"{hello['run']}:{hello['seq']}"))
        self.assertEqual(source.retry_ms, 2000)
        self.client.send(b"a line\n")
        event_id, event = source.next()
        self.assertEqual(event["text"], "a line")
        self.assertEqual(event_id, f"{event['run']}:{event['seq']}")

    def test_a_browser_that_comes_back_misses_nothing(self):
        source = self.source("?since=0&kind=message")
        source.next()
        self.client.send(b"1\n2\n3\n")
        last_id = [source.next()[0] for _ in range(2)][-1]
        source.close()
        again = self.source("?since=0&kind=message", last_event_id=last_id)
        again.next()
        self.assertEqual(again.next()[1]["text"], "3")

    def test_a_browser_that_heard_the_hello_only_misses_nothing(self):
        live = self.source()
        live.next()
        self.client.send(b"1\n2\n3\n")
        run, second = [live.next()[0] for _ in range(3)][1].split(":")
        for resumed, begins in [(f"{run}:{second}", int(second)), ("00000000deadbeef:7", 0)]:
            source = self.source(last_event_id=resumed)
            self.assertEqual(source.next()[0], f"{run}:{begins}")  # and then the line is cut
            again = self.source("?kind=message", last_event_id=f"{run}:{begins}")
            again.next()
            self.assertEqual(again.next()[1]["text"], "3" if begins else "1")

    def test_the_last_id_of_another_run_is_a_gap(self):
        again = self.source(last_event_id="00000000deadbeef:7")
        again.next()
        event_id, gap = again.next()
        self.assertEqual((gap["kind"], gap["reason"]), ("gap", "run"))
        self.assertEqual(event_id, f"{gap['run']}:{gap['seq']}")

    def test_a_bad_last_id_is_refused(self):
        source = self.source(last_event_id="x")
        self.assertEqual(source.response.status, 400)

    def test_a_silent_stream_is_kept_alive(self):
        source = self.source()
        source.next()
        source.wire.take_until(b":\n\n")


class Binary(BridgeCase):
    def test_says_what_the_json_says(self):
        server = self.bridge(pipes=[pipe("line", reply="echo"), pipe("raw", framing="none")])
        observer = self.websocket(server)
        socket = websocket.WebSocket(server.address, "/api/v1/events",
                                     protocols=["pipebridge.v1.bin"])
        self.addCleanup(socket.close)
        kind, snapshot = read_events.decode(socket.receive_message()[1])
        self.assertEqual((kind, snapshot["run"]), ("snapshot", observer.run))
        names = [entry["name"] for entry in snapshot["pipes"]]
        client = self.connect(server, "line")
        client.send(b"\x00\xff\n\n" + b"x" * 50000 + b"\n")
        server.inject("line", "ä".encode())
        client.close()
        observer.until_kind("closed")
        expected = self.ndjson(server, "?since=0")
        got = []
        while not got or got[-1]["kind"] != "closed":
            opcode, message = socket.receive_message()
            self.assertEqual(opcode, websocket.BINARY)
            self.assertEqual(int.from_bytes(message[8:16], "little"), int(observer.run, 16))
            got += read_events.decode(message)[1]
        for event in got:
            other = without_run(expected.next())
            if "payload" in event:
                self.assertEqual(event.pop("payload"), payload_of(other))
                self.assertEqual(event.pop("flags"), other.pop("flags", []))
                self.assertEqual(event.pop("targets"), other.pop("targets", 0))
                event["pipe"] = names[event["pipe"]]
                for name in ("size", "text", "base64"):
                    other.pop(name, None)
            self.assertEqual(event, other)

    def test_the_python_example_reads_the_golden_message(self):
        self.assertEqual(read_events.decode(GOLDEN.read_bytes()), ("events", GOLDEN_EVENTS))
        for cut in (15, 16, 17, 100):
            with self.assertRaises((ValueError, read_events.struct.error)):
                read_events.decode(GOLDEN.read_bytes()[:-cut])


@unittest.skipUnless(shutil.which("node"), "Node is not installed")
class NodeExample(unittest.TestCase):
    def test_reads_the_golden_message(self):
        script = """
            import { readFileSync } from 'node:fs';
            const { decode } = await import(process.argv[1]);
            const golden = new Uint8Array(readFileSync(process.argv[2])).buffer;
            const plain = (name, value) => typeof value === 'bigint' ? value.toString()
                : value instanceof Uint8Array ? Array.from(value) : value;
            console.log(JSON.stringify(decode(golden).events, plain));
            for (const cut of [1, 17, 100]) {
                try { decode(golden.slice(0, -cut)); console.log('not refused'); } catch {}
            }"""
        done = subprocess.run(
            ["node", "--input-type=module", "-e", script, (EXAMPLES / "read_events.mjs").as_uri(),
             str(GOLDEN)], capture_output=True, text=True, check=True, timeout=30)
        events = json.loads(done.stdout)
        for event, expected in zip(events, GOLDEN_EVENTS, strict=True):
            for name, value in expected.items():
                if isinstance(value, bytes):
                    value = list(value)
                if name in ("wall_ns", "mono_ns") and isinstance(event[name], str):
                    value = str(value)
                if name not in ("wall_ns", "mono_ns") or isinstance(event[name], str):
                    self.assertEqual(event[name], value, name)
