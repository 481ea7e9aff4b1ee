"""Readers of the event stream, NDJSON and WebSocket, and the ledger that finds what is missing."""

import base64
import collections
import json

from . import description, websocket
from .deadline import LONG_S, SHORT_S
from .http import ClosedError, Wire, format_request, read_chunk, read_head


def payload_of(event):
    """The bytes that an event carries; checks that `size`, `text` and `base64` agree."""
    assert ("text" in event) != ("base64" in event), f"one of text and base64: {event}"
    if "text" in event:
        data = event["text"].encode()
    else:
        data = base64.b64decode(event["base64"], validate=True)
        try:
            data.decode()
        except UnicodeDecodeError:
            pass
        else:
            raise AssertionError(f"valid UTF-8 came as base64: {event}")
    assert len(data) == event["size"], f"size {event['size']} of {len(data)} bytes"
    return data


class Ledger:
    """For an observer of everything: received + gaps = produced, in order, each seq once."""

    def __init__(self, last_seq):
        self.first = last_seq
        self.last = last_seq
        self.received = 0
        self.missed = 0
        self.gaps = []

    def enter(self, event):
        if event["kind"] == "gap":
            assert event["from"] == self.last + 1, f"gap {event} after {self.last}"
            assert event["count"] == event["to"] - event["from"] + 1, f"gap {event}"
            assert event["seq"] == event["to"], f"gap {event}"
            self.gaps.append(event)
            self.missed += event["count"]
        else:
            assert event["seq"] == self.last + 1, f"seq {event['seq']} after {self.last}"
            self.received += 1
        self.last = event["seq"]

    def is_balanced(self, produced_seq):
        return self.received + self.missed == produced_seq - self.first


class Observer:
    """Events in order, one at a time. Subclasses read the wire."""

    def __init__(self):
        self.pending = collections.deque()
        self.run = None
        self.start_seq = None  # the last event before the first that this observer gets live

    def next(self):
        while not self.pending:
            self.read_more()
        return self.pending.popleft()

    def take(self, count):
        return [self.next() for _ in range(count)]

    def until(self, predicate):
        """All events up to and with the first that fits."""
        events = []
        while True:
            event = self.next()
            events.append(event)
            if predicate(event):
                return events

    def until_kind(self, kind, **fields):
        return self.until(
            lambda e: e["kind"] == kind and all(e.get(k) == v for k, v in fields.items()))[-1]

    def messages(self, count, **fields):
        """The next `count` message events that fit; others between them are dropped."""
        found = []
        while len(found) < count:
            event = self.next()
            assert event["kind"] != "gap", f"a gap where none may be: {event}"
            if event["kind"] == "message" and all(event.get(k) == v for k, v in fields.items()):
                found.append(event)
        return found

    def messages_until(self, kind, **fields):
        """The message events that fit before the next event of that kind, and this event."""
        events = self.until(lambda event: event["kind"] == kind)
        assert all(event["kind"] != "gap" for event in events), f"a gap where none may be: {events}"
        return [event for event in events if event["kind"] == "message"
                and all(event.get(k) == v for k, v in fields.items())], events[-1]

    def read_more(self):
        raise NotImplementedError


class NdjsonObserver(Observer):
    def __init__(self, address, query="", headers=None, receive_buffer_bytes=None,
                 timeout_s=SHORT_S):
        super().__init__()
        self.wire = Wire(address, receive_buffer_bytes, timeout_s)
        all_headers = {"Host": f"{address[0]}:{address[1]}"} | (headers or {})
        self.wire.send(format_request("GET", "/api/v1/events" + query, all_headers))
        self.response = read_head(self.wire)
        if self.response.status != 200:
            self.wire.close()
            raise AssertionError(f"no stream: {self.response}")
        self.media = description.check_answer(self.wire, self.response)
        self.rest = b""
        self.raw_bytes = 0
        self.hello = self.next()
        assert self.hello["kind"] == "hello", self.hello
        self.run, self.start_seq = self.hello["run"], self.hello["seq"]

    def read_piece(self):
        """What came next; b"" at the end. A stream may be chunked, or end with the connection."""
        if self.response.headers.get("transfer-encoding", "").lower() == "chunked":
            return read_chunk(self.wire)
        try:
            if not self.wire.available():
                self.wire.fill()
        except ClosedError:
            return b""
        return self.wire.take(self.wire.available())

    def read_more(self):
        chunk = self.read_piece()
        if not chunk:
            raise ClosedError("the stream ended in order")
        self.raw_bytes += len(chunk)
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        for line in lines:
            event = json.loads(line)
            description.check_item(self.media, event)
            self.pending.append(event)

    def close(self):
        self.wire.close()


class WebSocketObserver(Observer):
    def __init__(self, address, query="", headers=None, receive_buffer_bytes=None,
                 timeout_s=SHORT_S):
        super().__init__()
        self.socket = websocket.WebSocket(address, "/api/v1/events" + query, headers=headers,
                                          receive_buffer_bytes=receive_buffer_bytes,
                                          timeout_s=timeout_s)
        self.snapshot = self.read_json()
        assert self.snapshot["type"] == "snapshot", self.snapshot
        self.run, self.start_seq = self.snapshot["run"], self.snapshot["seq"]

    def read_json(self):
        opcode, payload = self.socket.receive_message()
        if opcode == websocket.CLOSE:
            raise ClosedError(f"closed: {payload!r}")
        assert opcode == websocket.TEXT, f"opcode {opcode}"
        return json.loads(payload)

    def read_more(self):
        batch = self.read_json()
        assert batch["type"] == "events" and batch["run"] == self.run, batch
        assert batch["events"], "an empty batch"
        self.pending.extend(batch["events"])

    def close(self):
        self.socket.close()


BOTH = {"ndjson": NdjsonObserver, "websocket": WebSocketObserver}
LONG_TIMEOUT_S = LONG_S


def without_run(event):
    """An NDJSON event as the WebSocket tells it."""
    return {key: value for key, value in event.items() if key != "run"}
