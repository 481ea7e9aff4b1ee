"""Readiness and end as systemd is told them: datagrams to NOTIFY_SOCKET."""

import socket

from harness.bridge import pipe
from harness.case import BridgeCase
from harness.clients import PipeClient
from harness.deadline import LONG_S


class Notify(BridgeCase):
    def converse(self, address, name):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(address)
            systemd.settimeout(LONG_S)
            server = self.bridge(pipes=[pipe("line")], environment={"NOTIFY_SOCKET": name})
            self.assertIn(b"READY=1", systemd.recv(4096).split(b"\n"))
            PipeClient(server.path("line")).close()  # ready means ready
            self.assertEqual(server.get("/healthz").status, 200)
            self.assertEqual(server.stop(), 0)
            said = []
            systemd.setblocking(False)
            try:
                while True:
                    said += systemd.recv(4096).split(b"\n")
            except BlockingIOError:
                pass
            self.assertIn(b"STOPPING=1", said)
            self.assertNotIn(b"READY=1", said)

    def test_on_a_path(self):
        self.converse(str(self.folder / "notify"), str(self.folder / "notify"))

    def test_on_an_abstract_name(self):
        name = f"{self.folder.name}-notify"
        self.converse("\0" + name, "@" + name)

    def test_a_notify_socket_that_is_gone_does_not_matter(self):
        server = self.bridge(pipes=[pipe("line")],
                             environment={"NOTIFY_SOCKET": str(self.folder / "absent")})
        self.assertEqual(server.get("/healthz").status, 200)
