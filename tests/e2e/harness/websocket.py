"""A WebSocket client that can also break every rule of RFC 6455 when a test asks for it."""

import base64
import hashlib
import os
import struct
from dataclasses import dataclass

from . import description
from .deadline import SHORT_S
from .http import Response, Wire, read_head, read_response

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
PROTOCOL = "pipebridge.v1.json"
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass
class Frame:
    is_final: bool
    reserved: int
    opcode: int
    payload: bytes

    @property
    def close_code(self):
        return struct.unpack("!H", self.payload[:2])[0] if len(self.payload) >= 2 else None


class RefusedError(AssertionError):
    """The server did not upgrade; `response` is what it said."""

    def __init__(self, response):
        super().__init__(f"no upgrade: {response.status} {response.body[:200]!r}")
        self.response = response


def new_key():
    return base64.b64encode(os.urandom(16)).decode()


def accept_of(key):
    return base64.b64encode(hashlib.sha1(key.encode() + MAGIC).digest()).decode()


def encode_frame(opcode, payload=b"", is_final=True, reserved=0, mask=b"\x37\xfa\x21\x3d",
                 length_form=None):
    """`mask` None: unmasked. `length_form` 16 or 64: that many bits even where fewer would do."""
    first = (0x80 if is_final else 0) | reserved << 4 | opcode
    size = len(payload)
    mask_bit = 0 if mask is None else 0x80
    if length_form == 64 or (length_form is None and size > 0xFFFF):
        head = struct.pack("!BBQ", first, mask_bit | 127, size)
    elif length_form == 16 or (length_form is None and size > 125):
        head = struct.pack("!BBH", first, mask_bit | 126, size)
    else:
        head = struct.pack("!BB", first, mask_bit | size)
    if mask is None:
        return head + payload
    return head + mask + apply_mask(payload, mask)


def apply_mask(payload, mask):
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


def handshake_headers(address, key, protocols=(PROTOCOL,), extra=None):
    headers = {
        "Host": f"{address[0]}:{address[1]}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": ", ".join(protocols) if protocols else None,
    }
    headers.update(extra or {})
    return headers


class WebSocket:
    def __init__(self, address, path="/api/v1/events", protocols=(PROTOCOL,), headers=None,
                 early=b"", receive_buffer_bytes=None, timeout_s=SHORT_S):
        self.wire = Wire(address, receive_buffer_bytes, timeout_s)
        try:
            self.response = self.handshake(address, path, protocols, headers, early)
        except BaseException:
            self.wire.close()
            raise

    def handshake(self, address, path, protocols, extra, early) -> Response:
        key = new_key()
        headers = handshake_headers(address, key, protocols, extra)
        lines = [f"GET {path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
        self.wire.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + early)
        response = read_head(self.wire)
        if response.status != 101:
            response.body = self.wire.take(int(response.headers.get("content-length", "0")))
            description.check_answer(self.wire, response)
            raise RefusedError(response)
        if response.headers.get("sec-websocket-accept") != accept_of(key):
            raise AssertionError(f"wrong Sec-WebSocket-Accept: {response.headers}")
        self.described = description.check_answer(self.wire, response)
        return response

    @property
    def protocol(self):
        return self.response.headers.get("sec-websocket-protocol")

    def send(self, opcode, payload=b"", **options):
        self.wire.send(encode_frame(opcode, payload, **options))

    def receive_frame(self):
        """The next frame, judged by the rules for servers."""
        first, second = self.wire.take(2)
        size = second & 0x7F
        if second & 0x80:
            raise AssertionError("a server's frame is masked")
        if size == 126:
            size = struct.unpack("!H", self.wire.take(2))[0]
            assert size > 125, "length not in its shortest form"
        elif size == 127:
            size = struct.unpack("!Q", self.wire.take(8))[0]
            assert size > 0xFFFF, "length not in its shortest form"
        frame = Frame(bool(first & 0x80), first >> 4 & 7, first & 0xF, self.wire.take(size))
        assert frame.reserved == 0, f"reserved bits {frame.reserved}"
        return frame

    def receive_message(self):
        """(opcode, payload) of the next data message, or (CLOSE, payload). Answers pings."""
        pieces, opcode = [], None
        while True:
            frame = self.receive_frame()
            if frame.opcode == PING:
                self.send(PONG, frame.payload)
            elif frame.opcode == CLOSE:
                return CLOSE, frame.payload
            elif frame.opcode != PONG:
                assert (frame.opcode == CONTINUATION) == bool(pieces), "fragments out of order"
                opcode = opcode or frame.opcode
                pieces.append(frame.payload)
                if frame.is_final:
                    message = b"".join(pieces)
                    if opcode == TEXT:
                        description.check_socket_text(self.described, message)
                    return opcode, message

    def receive_control(self, *opcodes):
        """The next frame of one of `opcodes`; skips data."""
        while True:
            frame = self.receive_frame()
            if frame.opcode in opcodes:
                return frame

    def finish(self, code=1000):
        """Our close, then the server's echo, then the end of the connection."""
        self.send(CLOSE, struct.pack("!H", code))
        frame = self.receive_control(CLOSE)
        at_end = self.wire.is_at_end()
        self.wire.close()
        assert at_end, "the server says more behind its close frame"
        return frame.close_code

    def close(self):
        """Leaves without a word."""
        self.wire.close()


def upgrade_response(address, path="/api/v1/events", extra=None, protocols=(PROTOCOL,),
                     version="HTTP/1.1", method="GET", body=b""):
    """What the server says to a handshake that may be wrong on purpose."""
    headers = handshake_headers(address, new_key(), protocols, extra)
    lines = [f"{method} {path} {version}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
    wire = Wire(address)
    try:
        wire.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        return read_response(wire, method)
    finally:
        wire.close()


