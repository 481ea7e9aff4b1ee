"""Ten thousand come and go, on both sides: descriptors and memory are afterwards as before."""

from harness import websocket
from harness.bridge import IS_SANITIZED, pipe
from harness.case import BridgeCase
from harness.clients import PipeClient
from harness.deadline import LONG_S, wait_until
from harness.http import Wire, format_request, read_head, read_response
from harness.websocket import CLOSE, WebSocket, encode_frame

COUNT = 10_000
CROWD = 200
# What an allocator keeps for the next one, and whole pages; 10,000 leaks of 210 bytes are more.
SLACK_KIB = 2048
# Rings that are touched for the first time grow too: small ones, so that the warm-up goes once around.
CONFIG = {"events": {"memory_bytes": 1 << 18, "queue_bytes": 1 << 16, "log_bytes": 1 << 16}}
LIMITS = {"max_message_bytes": 1024}


class Churn(BridgeCase):
    def setUp(self):
        super().setUp()
        self.server = self.bridge(
            pipes=[pipe("line", limits=LIMITS), pipe("exact", mode="message", limits=LIMITS)],
            config=CONFIG)

    def repeat(self, step, count):
        """Compares before and after `count` steps, once as many have set how high memory goes."""
        before = self.server.fd_count()
        self.crowd(step, count)
        self.settle(before)
        fds, rss = self.server.fd_count(), self.server.rss_kib()
        self.crowd(step, count)
        self.settle(fds)
        grown = self.server.rss_kib() - rss
        print(f"{count} times: {fds} descriptors, {rss} KiB before, {grown:+d} KiB", flush=True)
        if not IS_SANITIZED:  # whose allocators keep what is freed
            self.assertLess(grown, SLACK_KIB)

    def crowd(self, step, count):
        """In crowds of a bounded size: how many are there at once decides how high memory goes."""
        for number in range(count):
            step(number)
            if number % CROWD == CROWD - 1:
                wait_until(lambda: not self.server.sessions(), "no sessions", LONG_S)

    def settle(self, fds):
        wait_until(lambda: not self.server.sessions(), "no sessions", LONG_S)
        wait_until(lambda: self.server.fd_count() <= fds, f"{fds} descriptors again")
        self.assertEqual(self.server.get("/healthz").status, 200)

    def test_pipe_clients_that_come_and_go(self):
        data = b"x" * 50 + b"\n"

        def step(number):
            is_message = number % 2 == 1
            client = PipeClient(self.server.path("exact" if is_message else "line"), is_message)
            if number % 4 > 1:
                client.send(data)
            client.close()

        self.repeat(step, COUNT)

    def test_http_clients_that_come_and_go(self):
        host = {"Host": f"127.0.0.1:{self.server.port}"}
        ask = format_request("GET", "/api/v1/pipes/line", host | {"Connection": "close"})
        inject = format_request("POST", "/api/v1/pipes/line/messages",
                                host | {"Content-Length": "5"}, b"hello")
        stream = format_request("GET", "/api/v1/events", host)

        def request(wire):
            wire.send(ask)
            self.assertEqual(read_response(wire).status, 200)

        def post_and_reset(wire):
            wire.send(inject)
            self.assertEqual(read_response(wire, "POST").status, 202)
            wire.reset()

        def leave_unanswered(wire):
            wire.send(ask)
            wire.reset()

        def half_a_request(wire):
            wire.send(ask[:-10])

        def silence(_):
            pass

        def follow(wire):
            wire.send(stream)
            self.assertEqual(read_head(wire).status, 200)

        kinds = [request, post_and_reset, leave_unanswered, half_a_request, silence, follow]

        def step(number):
            wire = Wire(self.server.address)
            kinds[number % len(kinds)](wire)
            wire.close()

        self.repeat(step, COUNT * 8 // 10)

    def test_websockets_that_come_and_go(self):
        key = websocket.new_key()
        lines = ["GET /api/v1/events HTTP/1.1"]
        lines += [f"{k}: {v}"
                  for k, v in websocket.handshake_headers(self.server.address, key).items()]
        handshake = "\r\n".join(lines).encode() + b"\r\n\r\n"

        def whole():
            WebSocket(self.server.address).finish()

        def vanish():
            WebSocket(self.server.address).wire.reset()

        def unread(wire):
            wire.send(handshake + encode_frame(CLOSE, b"\x03\xe8"))
            wire.close()

        def half(wire):
            wire.send(handshake[:100])
            wire.close()

        def step(number):
            if number % 2:
                (whole, vanish)[number // 2 % 2]()
            else:
                (unread, half)[number // 2 % 2](Wire(self.server.address))

        self.repeat(step, COUNT * 2 // 10)
