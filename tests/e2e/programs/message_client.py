"""The conversation of test_interop_clients.py over a message pipe, by Python's sockets. Argument: the path."""

import socket
import sys

with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as pipe:
    pipe.connect(sys.argv[1])
    for message in (b"one", b"", b"x" * 60000):
        pipe.send(message)
    for _ in range(3):
        message, _, flags, _ = pipe.recvmsg(1 << 16)
        print("heard", len(message), message[:20].decode(), flush=True)
