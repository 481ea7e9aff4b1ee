"""Servers of other programs, to whose pipes the bridge connects."""

import pathlib
import socket
import subprocess
import sys

from .clients import PipeClient
from .deadline import LONG_S, SHORT_S

PROGRAM = pathlib.Path(__file__).with_name("line_server.py")


class PipeServer:
    """An endpoint that the test itself listens at."""

    def __init__(self, path, is_message=False, timeout_s=LONG_S):
        kind = socket.SOCK_SEQPACKET if is_message else socket.SOCK_STREAM
        self.path = pathlib.Path(path)
        self.is_message = is_message
        self.socket = socket.socket(socket.AF_UNIX, kind)
        self.socket.bind(str(self.path))
        self.socket.listen(8)
        self.socket.settimeout(timeout_s)

    def accept(self, timeout_s=SHORT_S):
        """The next connection, with the methods of a PipeClient."""
        end = PipeClient.__new__(PipeClient)
        end.socket, _ = self.socket.accept()
        end.socket.settimeout(timeout_s)
        end.is_message = self.is_message
        end.rest = b""
        return end

    def close(self):
        """As a server that ends in order: its socket goes too."""
        self.abandon()
        self.path.unlink(missing_ok=True)

    def abandon(self):
        """As a server that was killed: the socket stays and nobody listens at it."""
        self.socket.close()


class LineServer:
    """A process of its own, line_server.py; what it heard survives it in a file."""

    def __init__(self, path, heard, first, count):
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(path), str(heard), str(first), str(count)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    @property
    def pid(self):
        return self.process.pid

    def wait_for_client(self):
        """Until a client is there and was told the first line."""
        assert self.process.stdout.readline() == b"connected\n"

    def kill(self):
        self.process.kill()
        self.end()

    def stop(self):
        """In order: it says no more, hears its client to the end, and goes."""
        self.process.terminate()
        self.end()

    def end(self):
        self.process.wait(LONG_S)
        self.process.stdout.close()
