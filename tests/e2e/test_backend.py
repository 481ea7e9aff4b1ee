"""How the pipes are served: by either backend, and by epoll where the system refuses io_uring."""

import os

from harness.bridge import pipe
from harness.case import BridgeCase

# Runs a command under a seccomp filter that refuses io_uring_setup.
WITHOUT = os.environ.get("PIPEBRIDGE_WITHOUT_IO_URING", "")
INSTEAD = "the pipes are served by epoll, not io_uring: "


class Backend(BridgeCase):
    def serve(self, backend, under=()):
        """Messages both ways on both kinds of pipe; returns what the program said."""
        bridge = self.bridge(pipes=[pipe("line", reply="echo"),
                                    pipe("exact", mode="message", reply="echo")],
                             config={"pipe_thread": {"backend": backend}}, under=under)
        for name, is_message in (("line", False), ("exact", True)):
            client = self.connect(bridge, name, is_message)
            for number in range(100):
                client.send(b"message %d%s" % (number, b"" if is_message else b"\n"))
                answer = client.socket.recv(100)
                self.assertEqual(answer.strip(), b"message %d" % number)
        self.assertEqual(bridge.stop(), 0)
        return bridge.stderr()

    def test_each_backend_serves_streams_and_messages(self):
        for backend in ("auto", "epoll", "io_uring"):
            with self.subTest(backend):
                self.serve(backend)

    def test_epoll_is_nobody_s_substitute(self):
        self.assertNotIn(INSTEAD, self.serve("epoll"))

    def test_refused_io_uring_becomes_epoll_and_the_log_says_why(self):
        if not WITHOUT:
            self.skipTest("without_io_uring was not built")
        said = self.serve("io_uring", under=(WITHOUT,))
        lines = [line for line in said.splitlines() if INSTEAD in line]
        self.assertEqual(len(lines), 1, said)
        self.assertIn("Operation not permitted", lines[0])
        self.assertIn("seccomp", lines[0])
