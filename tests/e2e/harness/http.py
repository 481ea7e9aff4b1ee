"""A small HTTP/1.1 client: whole answers, and byte-exact requests that no library would send."""

import json
import socket
from dataclasses import dataclass, field

from . import description
from .deadline import SHORT_S

READ_BYTES = 1 << 18


class ClosedError(ConnectionError):
    """The other side ended the connection."""


class Wire:
    """A socket with a read buffer."""

    def __init__(self, address, receive_buffer_bytes=None, timeout_s=SHORT_S):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer_bytes:  # before connect: it decides the window
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self.socket.settimeout(timeout_s)
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.start = 0  # of what is unread in the buffer
        self.port = address[1]
        self.asked = None  # method and target of the last request

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with RST, as a crashed or impatient client does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def send(self, data):
        self.asked = description.asked_of(data) or self.asked
        self.socket.sendall(data)

    def available(self):
        return len(self.buffer) - self.start

    def fill(self):
        """Reads once more from the socket."""
        data = self.socket.recv(READ_BYTES)
        if not data:
            raise ClosedError("end of stream")
        if self.start:
            del self.buffer[: self.start]
            self.start = 0
        self.buffer += data

    def take(self, size):
        while self.available() < size:
            self.fill()
        data = bytes(self.buffer[self.start : self.start + size])
        self.start += size
        return data

    def take_until(self, mark):
        """Everything up to and with `mark`."""
        while True:
            end = self.buffer.find(mark, self.start)
            if end >= 0:
                return self.take(end + len(mark) - self.start)
            self.fill()

    def take_all(self):
        """Everything until the other side closes."""
        try:
            while True:
                self.fill()
        except ClosedError:
            return self.take(self.available())

    def is_at_end(self):
        """True once the other side has closed (by FIN or RST) without saying more."""
        try:
            self.fill()
        except (ClosedError, ConnectionResetError, BrokenPipeError):
            return True
        return False


@dataclass
class Response:
    status: int
    headers: dict  # lower-case names
    body: bytes = b""
    version: str = "HTTP/1.1"
    json_cache: object = field(default=None, repr=False)

    @property
    def json(self):
        if self.json_cache is None:
            self.json_cache = json.loads(self.body)
        return self.json_cache


def read_head(wire):
    """Status line and headers; leaves the body in the wire."""
    head = wire.take_until(b"\r\n\r\n").decode("latin-1")
    status_line, *lines = head[:-4].split("\r\n")
    version, status, *_ = status_line.split(" ", 2)
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Response(int(status), headers, version=version)


def read_chunk(wire):
    """One chunk of a chunked body; b"" is its end."""
    size = int(wire.take_until(b"\r\n").split(b";")[0], 16)
    data = wire.take(size)
    if wire.take(2) != b"\r\n":
        raise AssertionError("chunk without its CRLF")
    return data


def read_response(wire, method="GET"):
    response = read_body(wire, read_head(wire), method)
    description.check_answer(wire, response)
    return response


def read_body(wire, response, method):
    if method == "HEAD" or response.status in (101, 204, 304):
        return response
    if response.headers.get("transfer-encoding", "").lower() == "chunked":
        pieces = []
        while piece := read_chunk(wire):
            pieces.append(piece)
        response.body = b"".join(pieces)
    elif "content-length" in response.headers:
        response.body = wire.take(int(response.headers["content-length"]))
    else:
        response.body = wire.take_all()
    return response


def format_request(method, path, headers, body=b""):
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def request(address, method, path, body=None, headers=None, timeout_s=SHORT_S):
    """One request on a connection of its own. A header of None is left out."""
    all_headers = {"Host": f"{address[0]}:{address[1]}", "Connection": "close"}
    if body is not None:
        all_headers["Content-Length"] = str(len(body))
    all_headers.update(headers or {})
    data = format_request(method, path, all_headers, body or b"")
    return raw_request(address, data, method, timeout_s)


def raw_request(address, data, method="GET", timeout_s=SHORT_S):
    """Sends exactly `data` and reads one answer."""
    wire = Wire(address, timeout_s=timeout_s)
    try:
        wire.send(data)
        return read_response(wire, method)
    finally:
        wire.close()
