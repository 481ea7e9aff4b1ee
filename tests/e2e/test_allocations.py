"""Nothing allocates on the way of a message: over a million of them the program, with an observer of each
format, takes next to nothing from the allocator: what it needs while the pipe waits is kept for the next time."""

import os
import socket
import struct
import threading
import unittest

from harness.bridge import IS_SANITIZED, pipe
from harness.case import BridgeCase
from harness.deadline import LONG_S, wait_until

LINE = b"%063d\n"
BATCHED, SINGLE, PER_WRITE = 900_000, 100_000, 1_000
FIRST_TIMES = 6  # sizes of what is left of a read when the queue is full, each kept from then on
SOCKETS = {"/api/v1/pipes/line/ws": "", "/api/v1/pipes/line/ws?type=binary": "",
           "/api/v1/events?q=pipe:line": "pipebridge.v1.json", "/api/v1/events": "pipebridge.v1.bin"}
STREAMS = {"/api/v1/events": "application/x-ndjson", "/api/v1/events?pipe=line": "text/event-stream"}
UPGRADE = ("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")


class Drain:
    """Reads what comes, as fast as it can, and knows the end of it."""

    def __init__(self, port, path, header):
        self.tail = b""
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{header}\r\n".encode())
        head = self.socket.recv(1 << 16)
        assert head.startswith((b"HTTP/1.1 101", b"HTTP/1.1 200")), head
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        buffer = bytearray(1 << 20)
        while size := self.socket.recv_into(buffer):
            self.tail = (self.tail + buffer[max(0, size - 1024):size])[-1024:]

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()


@unittest.skipIf(IS_SANITIZED, "a sanitizer has its own allocator")
class Allocations(BridgeCase):
    def test_a_million_messages_allocate_nothing(self):
        counter = self.folder / "allocations"
        counter.write_bytes(bytes(8))
        server = self.bridge(pipes=[pipe("line")], environment={
            "LD_PRELOAD": os.environ["PIPEBRIDGE_COUNT_ALLOCATIONS"],
            "PIPEBRIDGE_ALLOCATIONS": str(counter)})
        headers = [(path, UPGRADE + (f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else ""))
                   for path, protocol in SOCKETS.items()]
        headers += [(path, f"Accept: {accept}\r\n") for path, accept in STREAMS.items()]
        drains = [Drain(server.port, path, header) for path, header in headers]
        for drain in drains:
            self.addCleanup(drain.close)
        client = self.connect(server, "line")

        def say(first, batched, single):
            for number in range(first, first + batched, PER_WRITE):
                client.send(b"".join(LINE % at for at in range(number, number + PER_WRITE)))
            for number in range(first + batched, first + batched + single):
                client.send(LINE % number)
            last = LINE[:-1] % (first + batched + single - 1)
            for drain in drains:
                wait_until(lambda drain=drain: last in drain.tail, f"the message {last}", 2 * LONG_S)

        def taken():
            return struct.unpack("<Q", counter.read_bytes())[0]

        self.assertGreater(taken(), 100)  # it counts
        say(0, 100_000, 1_000)  # what is made on first use
        before = taken()
        say(101_000, BATCHED, SINGLE)
        self.assertLessEqual(taken() - before, FIRST_TIMES)
