"""A process without descriptors left: it waits for one without spinning, and says so once."""

import contextlib
import os
import resource
import time

from harness.bridge import pipe
from harness.case import BridgeCase
from harness.deadline import wait_until
from harness.http import Wire

LIMIT = 48
CLIENTS = 60
WATCH_S = 1.0


class Exhausted(BridgeCase):
    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=[pipe("echo", reply="echo")])
        resource.prlimit(self.server.pid, resource.RLIMIT_NOFILE, (LIMIT, LIMIT))

    def cpu_s(self):
        with open(f"/proc/{self.server.pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def assert_waits_quietly(self):
        wait_until(lambda: self.server.fd_count() == LIMIT, "all descriptors in use")
        before = self.cpu_s()
        time.sleep(WATCH_S)  # what it does meanwhile is what is measured
        self.assertLess(self.cpu_s() - before, 0.3 * WATCH_S)

    def test_http_clients_wait_and_are_served_later(self):
        with contextlib.ExitStack() as stack:
            idle = [stack.enter_context(contextlib.closing(Wire(self.server.address)))
                    for _ in range(CLIENTS)]
            self.assert_waits_quietly()
            for wire in idle[:-1]:
                wire.close()
            wait_until(lambda: self.server.fd_count() < LIMIT, "descriptors again")
            self.assertEqual(self.server.get("/healthz").status, 200)
        self.assertEqual(self.server.stderr().count("out of descriptors"), 1)

    def test_pipe_clients_wait_and_are_served_later(self):
        observer = self.ndjson(self.server)
        clients = [self.connect(self.server, "echo") for _ in range(CLIENTS)]
        self.assert_waits_quietly()
        for client in clients[:-1]:
            client.close()
        clients[-1].send(b"still here\n")
        self.assertEqual(clients[-1].receive_exactly(11), b"still here\n")
        events = observer.until(lambda event: event["kind"] == "message")
        self.assertEqual(sum(event["kind"] == "error" for event in events), 1)
