"""Every case of `harness/websocket_cases.py` against the program, over the wire: through a pipe whose other end
echoes, and at the event socket, which answers each message. Each in one piece, and in the smallest pieces. And large
messages, cut in many ways."""

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

from harness.bridge import pipe
from harness.case import BridgeCase
from harness.deadline import LONG_S, SHORT_S
from harness.websocket import BINARY, CLOSE, PONG, TEXT, WebSocket, encode_frame
from harness.websocket_cases import GROUPS, cut, fragments

WORKERS = 8  # most of the time is waiting: a close frame stands back until answers have left
BYTE_BY_BYTE_MAX = 300
PIECE_BYTES = 997
ATTEMPTS = 5


def in_pieces(data):
    size = 1 if len(data) <= BYTE_BY_BYTE_MAX else PIECE_BYTES
    return [data[i:i + size] for i in range(0, len(data), size)]


def type_shown(payload):
    """As a pipe's message comes back: it does not remember how it was sent."""
    try:
        payload.decode()
    except UnicodeDecodeError:
        return BINARY
    return TEXT


class Outcome:
    """What came back before the end."""

    def __init__(self):
        self.messages, self.pongs, self.codes = [], [], ()

    def __repr__(self):
        messages = [(opcode, payload[:40], len(payload)) for opcode, payload in self.messages]
        return f"messages {messages}, pongs {self.pongs}, close {self.codes}"

    def hear(self, peer, wanted):
        while True:
            if not wanted.codes and len(self.messages) >= len(wanted.messages) \
                    and len(self.pongs) >= len(wanted.pongs):
                self.codes = (peer.finish(),)
                return self
            frame = peer.receive_frame()
            if frame.opcode == CLOSE:
                self.codes = (frame.close_code,)
                frame.payload[2:].decode()  # a reason is UTF-8
                assert peer.wire.is_at_end(), "the server says more behind its close frame"
                return self
            if frame.opcode == PONG:
                self.pongs.append(frame.payload)
            else:
                assert frame.opcode in (TEXT, BINARY) and frame.is_final, frame
                self.messages.append((frame.opcode, frame.payload))


def send(peer, pieces):
    try:
        for piece in pieces:
            peer.wire.send(piece)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it had heard enough


class Surface(BridgeCase):
    """What the two have in common; no tests of its own."""

    def judge(self, peer, case, pieces):
        try:
            send(peer, pieces)
            got = Outcome().hear(peer, case)
        finally:
            peer.close()
        assert got.pongs == list(case.pongs), f"{got}"
        assert got.codes == (case.codes or (1000,)), f"{got} instead of {case.codes}"
        self.judge_messages(got.messages, case.messages)

    def failure_of(self, number, case, pieces):
        try:
            self.judge(self.open(number), case, pieces)
        except Exception as error:  # told with the case's name, and the others go on
            return f"{case.name}, in {len(pieces)} pieces: {error!r}"
        return None

    def run_some(self, number, cases):
        failures = []
        for case in cases:
            for pieces in ([case.data], in_pieces(case.data)):
                # On a busy machine the echo may be later than the server waits for it; then it is in the way of the next.
                for _ in range(ATTEMPTS):
                    failure = self.failure_of(number, case, pieces)
                    if not failure:
                        break
                failures += [failure] if failure else []
        return failures

    def run_group(self, group):
        cases = list(GROUPS[group]())
        with ThreadPoolExecutor(WORKERS) as pool:
            parts = pool.map(lambda n: self.run_some(n, cases[n::WORKERS]), range(WORKERS))
        failures = [failure for part in parts for failure in part]
        self.assertEqual(failures, [], f"{len(failures)} of {2 * len(cases)}")


class Groups:
    """One test for each group of cases."""

    def test_framing(self):
        self.run_group("framing")

    def test_pings(self):
        self.run_group("pings")

    def test_reserved_bits_and_opcodes(self):
        self.run_group("reserved")

    def test_fragmentation(self):
        self.run_group("fragmentation")

    def test_utf8(self):
        self.run_group("utf8")

    def test_utf8_fails_fast(self):
        self.run_group("utf8_fail_fast")

    def test_closing(self):
        self.run_group("closing")


class EchoSurface(Surface):
    """A program at a message pipe that says what it hears."""

    @staticmethod
    def echo(end):
        end.settimeout(None)
        try:
            while True:
                end.send(end.recv(1 << 17))  # an empty message looks like the end; the send tells
        except OSError:
            pass

    def echo_in_thread(self, end):
        thread = threading.Thread(target=self.echo, args=(end,))
        thread.start()
        return thread

    def judge_messages(self, got, wanted):
        wanted = [(type_shown(payload), payload) for _, payload in wanted]
        assert got == wanted, f"messages {got!r:.300}"


class Echo(Groups, EchoSurface):
    """`/pipes/{pipe}/ws`: all WebSockets of a pipe hear the same, so each worker has one."""

    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=[pipe(f"echo{n}", mode="message") for n in range(WORKERS)])
        for number in range(WORKERS):
            client = self.connect(self.server, f"echo{number}", is_message=True)
            self.addCleanup(self.echo_in_thread(client.socket).join)
            self.addCleanup(client.socket.shutdown, socket.SHUT_RDWR)
        self.server.wait_for_sessions("echo0", 1)

    def open(self, number):
        return WebSocket(self.server.address, f"/api/v1/pipes/echo{number}/ws", protocols=[],
                         timeout_s=SHORT_S)


class Private(Groups, EchoSurface):
    """`/pipes/{pipe}/connect`: each WebSocket has a session of its own."""

    def setUp(self):
        super().setUp()
        (self.folder / "run").mkdir(mode=0o700)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(str(self.folder / "run" / "echo.sock"))
        self.listener.listen(64)
        thread = threading.Thread(target=self.accept_all)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.listener.shutdown, socket.SHUT_RDWR)
        self.server = self.bridge(
            pipes=[pipe("echo", mode="message", role="client", shared=False)])

    def accept_all(self):
        threads = []
        try:
            while True:
                threads.append(self.echo_in_thread(self.listener.accept()[0]))
        except OSError:
            self.listener.close()
        for thread in threads:
            thread.join()

    def open(self, number):
        return WebSocket(self.server.address, "/api/v1/pipes/echo/connect", protocols=[],
                         timeout_s=SHORT_S)


class Events(Groups, Surface):
    """`/events`, where what is no command is answered by an error."""

    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=[])

    def open(self, _):
        peer = WebSocket(self.server.address, timeout_s=SHORT_S)
        opcode, snapshot = peer.receive_message()
        assert opcode == TEXT and json.loads(snapshot)["type"] == "snapshot"
        return peer

    def judge_messages(self, got, wanted):
        answers = [json.loads(payload)["type"] for _, payload in got]
        assert answers == ["error"] * len(wanted), f"messages {got!r:.300}"


class Large(BridgeCase):
    """Messages up to the largest limit, however they are cut, through a byte pipe and back."""

    LIMIT = 16 << 20

    def setUp(self):
        super().setUp()
        limits = {"max_message_bytes": self.LIMIT, "max_write_queue_bytes": 4 * self.LIMIT}
        self.server = self.bridge(pipes=[pipe("big", framing="length32be", limits=limits)])
        client = self.connect(self.server, "big")
        self.server.wait_for_sessions("big", 1)
        echo = threading.Thread(target=self.echo, args=(client.socket,))
        echo.start()
        self.addCleanup(echo.join)
        self.addCleanup(client.socket.shutdown, socket.SHUT_RDWR)

    @staticmethod
    def echo(end):
        end.settimeout(None)
        try:
            while data := end.recv(1 << 20):
                end.sendall(data)
        except OSError:
            pass

    def judge(self, data, payload, piece_bytes=1 << 16):
        peer = WebSocket(self.server.address, "/api/v1/pipes/big/ws", protocols=[],
                         timeout_s=LONG_S)
        self.addCleanup(peer.close)
        send(peer, [data[i:i + piece_bytes] for i in range(0, len(data), piece_bytes)])
        frame = peer.receive_frame()
        self.assertEqual((frame.opcode, len(frame.payload)), (type_shown(payload), len(payload)))
        self.assertTrue(frame.payload == payload)
        self.assertEqual(peer.finish(), 1000)

    def test_in_one_frame(self):
        for size in (1 << 18, 1 << 20, 1 << 22, self.LIMIT):
            for byte in (b"*", b"\xfe"):
                with self.subTest(size=size, byte=byte):
                    self.judge(encode_frame(TEXT if byte == b"*" else BINARY, byte * size),
                               byte * size)

    def test_in_fragments(self):
        payload = "Κόσμε 🦀 ".encode() * (1 << 18)
        for size in (64, 256, 4096, 65536, 1 << 20):
            with self.subTest(size=size):
                self.judge(fragments(TEXT, cut(payload, size)), payload)

    def test_in_segments(self):
        for size in (64, 997, 4096):
            with self.subTest(size=size):
                self.judge(encode_frame(TEXT, b"*" * (1 << 20)), b"*" * (1 << 20), size)

    def test_one_byte_more_than_the_limit_is_1009(self):
        for data in (encode_frame(BINARY, b"*" * (self.LIMIT + 1)),
                     fragments(BINARY, [b"*" * self.LIMIT, b"*"])):
            peer = WebSocket(self.server.address, "/api/v1/pipes/big/ws", protocols=[])
            self.addCleanup(peer.close)
            send(peer, [data])
            self.assertEqual(peer.receive_control(CLOSE).close_code, 1009)
