"""web/examples/own_page.mjs: a page that is not the bridge's speaks with a pipe, and no other page does."""

import pathlib
import socket

from harness.bridge import pipe
from harness.case import BridgeCase
from harness.clients import need_tool
from harness.deadline import LONG_S, wait_until
from harness.http import Wire, request
from harness.websocket import TEXT, RefusedError, WebSocket

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "web" / "examples" / "own_page.mjs"


class OwnPage(BridgeCase):
    def start(self):
        bridge = self.bridge(pipes=[pipe("line", reply="echo")])
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.tool(need_tool("node"), EXAMPLE, "line", port, f"127.0.0.1:{bridge.port}")
        self.address = ("127.0.0.1", port)
        wait_until(self.is_listening, "the example's port", LONG_S)
        return bridge

    def is_listening(self):
        try:
            Wire(self.address).close()
        except ConnectionRefusedError:
            return False
        return True

    def socket(self, origin, **headers):
        opened = WebSocket(self.address, "/pipe", protocols=(),
                           headers={"Origin": origin} | headers)
        self.addCleanup(opened.close)
        return opened

    def test_its_own_page_speaks_with_the_pipe_and_others_do_not(self):
        bridge = self.start()
        answer = request(self.address, "GET", "/")
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "text/html"))
        client = self.connect(bridge, "line")
        bridge.wait_for_sessions("line", 1)
        page = self.socket("http://127.0.0.1:%d" % self.address[1])
        page.send(TEXT, "grüße".encode())
        self.assertEqual(client.receive(), "grüße\n".encode())
        client.send(b"answer\n")
        self.assertEqual(page.receive_message(), (TEXT, b"answer"))
        for origin, more in [("http://evil.example", {}), (None, {}),
                             ("http://evil.example:8080", {"Host": "evil.example:8080"})]:
            with self.assertRaises(RefusedError) as refused:
                self.socket(origin, **more)
            self.assertEqual(refused.exception.response.status, 403)
