"""Many observers in one thread: `pipebridge.v1.bin` by its headers alone, so that the test is not
slower than the program."""

import json
import selectors
import struct
import time

from . import websocket
from .deadline import LONG_S, DeadlineError

HEADER = struct.Struct("<BBHIQ")  # version, type, reserved, events, run
GAP = 6
READ_BYTES = 1 << 18


class Counter:
    """One observer and its ledger: received + gaps = produced, in order."""

    def __init__(self, server, query="", receive_buffer_bytes=None):
        self.web = websocket.WebSocket(server.address, "/api/v1/events" + query,
                                       protocols=["pipebridge.v1.bin"], timeout_s=LONG_S,
                                       receive_buffer_bytes=receive_buffer_bytes)
        self.socket = self.web.wire.socket
        self.first = self.last = None  # seq; None: no snapshot yet
        self.received = self.missed = self.bytes = 0
        self.gaps = []
        self.bytes_at_gap = 0
        self.close = None  # (code, reason); (None, ""): without a close frame
        self.buffer = bytearray()
        self.feed(self.web.wire.take(self.web.wire.available()))
        while self.last is None:
            self.feed(self.socket.recv(READ_BYTES))

    def read(self, size=READ_BYTES):
        """Once, as much as is there."""
        try:
            data = self.socket.recv(size)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        if data:
            self.feed(data)
        else:
            self.close = self.close or (None, "")

    def feed(self, data):
        self.bytes += len(data)
        self.buffer += data
        at = 0
        while (end := self.frame(at)) is not None:
            at = end
        del self.buffer[:at]

    def frame(self, at):
        """Where the next frame begins; None: this one is not all there."""
        buffer = self.buffer
        if len(buffer) < at + 2:
            return None
        size, start = buffer[at + 1], at + 2
        if size >= 126:
            start += 2 if size == 126 else 8
            if len(buffer) < start:
                return None
            size = int.from_bytes(buffer[at + 2:start], "big")
        if len(buffer) < start + size:
            return None
        opcode = buffer[at] & 0xF
        if opcode == websocket.BINARY:
            self.message(memoryview(buffer)[start:start + size])
        elif opcode == websocket.PING:
            self.web.send(websocket.PONG, bytes(buffer[start:start + size]))
        elif opcode == websocket.CLOSE:
            payload = bytes(buffer[start:start + size])
            self.close = (int.from_bytes(payload[:2], "big"), payload[2:].decode())
        return start + size

    def message(self, data):
        version, kind, _, count, _ = HEADER.unpack_from(data)
        assert version == 1, version
        if kind == 1:
            self.first = self.last = json.loads(bytes(data[16:]))["seq"]
            return
        (seq,) = struct.unpack_from("<Q", data, 24)
        if data[20] == GAP:
            assert count == 1, count
            (size,) = struct.unpack_from("<I", data, 64)
            self.gap(json.loads(bytes(data[72:72 + size])))
            return
        assert seq == self.last + 1, f"seq {seq} after {self.last}"
        self.received += count
        self.last = seq + count - 1

    def gap(self, gap):
        assert gap["from"] == self.last + 1, f"gap {gap} after {self.last}"
        assert gap["count"] == gap["to"] - gap["from"] + 1 and gap["reason"] == "slow", gap
        self.gaps.append(gap)
        self.missed += gap["count"]
        self.last = gap["to"]
        self.bytes_at_gap = self.bytes

    def is_balanced(self, produced_seq):
        return self.received + self.missed == produced_seq - self.first == self.last - self.first


class Crowd:
    """Counters that read as fast as they can, by turns."""

    def __init__(self, counters):
        self.counters = counters
        self.selector = selectors.EpollSelector()
        for counter in counters:
            counter.socket.setblocking(False)
            self.selector.register(counter.socket, selectors.EVENT_READ, counter)

    def read_to(self, seq, timeout_s=LONG_S):
        """Until each has come to event `seq`."""
        end = time.monotonic() + timeout_s
        late = {counter for counter in self.counters if counter.last < seq}
        while late:
            for key, _ in self.selector.select(0.1):
                counter = key.data
                counter.read()
                assert counter.close is None, f"closed: {counter.close}"
                if counter.last >= seq:
                    late.discard(counter)
            if time.monotonic() > end:
                raise DeadlineError(f"{len(late)} of {len(self.counters)} are not at {seq}, "
                                    f"one is at {next(iter(late)).last}")

    def close(self):
        self.selector.close()
        for counter in self.counters:
            counter.socket.close()


def read_to_end(counter, timeout_s=LONG_S):
    """Until the connection is over."""
    counter.socket.settimeout(timeout_s)
    while counter.close is None:
        counter.read()
