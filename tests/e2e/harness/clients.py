"""Processes and sockets that use a pipe as local programs do."""

import os
import shutil
import socket
import struct
import subprocess
import unittest

from .deadline import SHORT_S, wait_until


def need_tool(name):
    """Path of a program, or a skip that names it."""
    path = shutil.which(name)
    if not path:
        raise unittest.SkipTest(f"{name} is not installed")
    return path


class PipeClient:
    """A client of our own: SOCK_STREAM for byte pipes, SOCK_SEQPACKET for message pipes."""

    def __init__(self, path, is_message=False, timeout_s=SHORT_S):
        kind = socket.SOCK_SEQPACKET if is_message else socket.SOCK_STREAM
        self.socket = socket.socket(socket.AF_UNIX, kind)
        self.is_message = is_message
        self.rest = b""
        try:
            # Blocking: a full backlog makes it wait, where a time-out would make it fail at once.
            self.socket.connect(str(path))
            self.socket.settimeout(timeout_s)
        except BaseException:
            self.socket.close()
            raise

    def send(self, data):
        if self.is_message:
            self.socket.send(data)
        else:
            self.socket.sendall(data)

    def receive(self, size=1 << 20):
        """One message, or what is there; b"" also at the end."""
        return self.socket.recv(size)

    def receive_exactly(self, size):
        while len(self.rest) < size:
            data = self.socket.recv(1 << 16)
            if not data:
                raise AssertionError(f"end after {len(self.rest)} of {size} bytes")
            self.rest += data
        data, self.rest = self.rest[:size], self.rest[size:]
        return data

    def is_at_end(self):
        """Reads on until the bridge has closed."""
        try:
            while self.socket.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass
        return True

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Tool:
    """A foreign program with our hand on its standard input and output."""

    def __init__(self, arguments, folder, environment=None):
        self.process = subprocess.Popen(
            [str(a) for a in arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, cwd=folder, env=environment, start_new_session=True)
        self.output = b""

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def end_input(self):
        self.process.stdin.close()

    def read_until(self, mark, timeout_s=SHORT_S):
        """Output up to and with `mark`."""
        os.set_blocking(self.process.stdout.fileno(), False)

        def has_mark():
            self.output += self.process.stdout.read() or b""
            return mark in self.output

        wait_until(has_mark, f"{mark!r} in the output of {self.process.args}", timeout_s)
        end = self.output.index(mark) + len(mark)
        data, self.output = self.output[:end], self.output[end:]
        return data

    def wait(self, timeout_s=SHORT_S):
        return self.process.wait(timeout_s)

    def close(self):
        """Ends the process and what it started (it leads a session of its own)."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                stream.close()
            except BrokenPipeError:
                pass


def frame(framing, payload):
    """What a client of a byte pipe writes for one message."""
    if framing == "line":
        return payload + b"\n"
    if framing == "nul":
        return payload + b"\0"
    if framing == "length32be":
        return struct.pack(">I", len(payload)) + payload
    if framing == "length32le":
        return struct.pack("<I", len(payload)) + payload
    if framing == "length16be":
        return struct.pack(">H", len(payload)) + payload
    if framing == "length16le":
        return struct.pack("<H", len(payload)) + payload
    if framing == "varint":
        return varint(len(payload)) + payload
    if framing == "headers":
        return b"Content-Length: %d\r\n\r\n" % len(payload) + payload
    return payload


def varint(number):
    """Unsigned LEB128."""
    data = bytearray()
    while number > 0x7F:
        data.append(number & 0x7F | 0x80)
        number >>= 7
    data.append(number)
    return bytes(data)
