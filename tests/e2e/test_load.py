"""Ten thousand sessions at once on one pipe: numbered lines, each echoed, none lost, none out of order, while one
client does not read. Over each way of doing I/O; what a session costs is printed."""

import resource
import select
import socket

from harness.bridge import IS_SANITIZED, pipe
from harness.case import BridgeCase
from harness.deadline import LONG_S, wait_until

SESSIONS, LINES, BURST = 2_000 if IS_SANITIZED else 10_000, 20, 5  # tsan has 8,000 threads at most
# A session that is idle costs less; of threads, the thread with its stack is most of it.
IDLE_MAX = {"completion": 4096, "overlapped": 4096, "threads": 32768}
SPARE_DESCRIPTORS = 100


class Client:
    """What one session has said and heard."""

    def __init__(self, path, number):
        self.number = number
        self.sent = self.heard = 0
        self.out = self.rest = b""
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)  # blocking: a full backlog makes it wait
        self.socket.setblocking(False)

    def line(self, index):
        return b"session %d line %d" % (self.number, index)

    def send(self):
        """Whether all is sent."""
        while self.out or self.sent < LINES:
            if not self.out:
                until = min(self.sent + BURST, LINES)
                self.out = b"".join(self.line(at) + b"\n" for at in range(self.sent, until))
                self.sent = until
            try:
                self.out = self.out[self.socket.send(self.out):]
            except BlockingIOError:
                return False
        return True

    def receive(self):
        """Whether all is heard; a line that is not the next one fails the test."""
        data = self.socket.recv(1 << 16)
        assert data, f"session {self.number} ended after {self.heard} lines"
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            assert line == self.line(self.heard), (line, self.heard)
            self.heard += 1
        return self.heard == LINES


class Load(BridgeCase):
    def setUp(self):
        super().setUp()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        self.hard = hard

    def crowd(self, strategy, backend=None, descriptors_each=1):
        count = min(SESSIONS, (self.hard - SPARE_DESCRIPTORS) // descriptors_each)
        if count < SESSIONS // 2:
            self.skipTest(f"the limit of open files, {self.hard}, is too low")
        server = self.bridge(
            pipes=[pipe("crowd", reply="echo", limits={"max_instances": count})],
            config={"pipe_thread": {"strategy": strategy} | ({"backend": backend} if backend else {})})
        if backend and server.get("/healthz").json["backend"] != backend:
            self.skipTest(f"this system refuses {backend}")
        idle = server.rss_kib()
        self.stalled(server)
        clients = {}
        for number in range(count - 1):
            client = Client(str(server.path("crowd")), number)
            self.addCleanup(client.socket.close)
            clients[client.socket.fileno()] = client
        wait_until(lambda: server.get("/api/v1/pipes/crowd").json["sessions"] == count,
                   f"{count} sessions", LONG_S)
        each = (server.rss_kib() - idle) * 1024 // count
        self.talk(clients)
        after = (server.rss_kib() - idle) * 1024 // count
        print(f"{strategy} {backend or ''}: {count} sessions, {each} bytes each, "
              f"{after} when all have talked", flush=True)
        if not IS_SANITIZED:
            self.assertLess(each, IDLE_MAX[strategy])

    def stalled(self, server):
        """One that fills its pipe and reads nothing of the echo."""
        client = self.connect(server, "crowd").socket
        client.setblocking(False)
        try:
            while True:
                client.send(b"nobody reads this\n" * 100)
        except BlockingIOError:
            pass

    def talk(self, clients):
        poller = select.epoll()
        self.addCleanup(poller.close)
        for fd, client in clients.items():
            poller.register(fd, select.EPOLLIN | (0 if client.send() else select.EPOLLOUT))
        left = set(clients)
        while left:
            ready = poller.poll(LONG_S, 1000)
            self.assertTrue(ready, f"silence, and {len(left)} sessions have not heard all")
            for fd, events in ready:
                client = clients[fd]
                if events & select.EPOLLOUT and client.send():
                    poller.modify(fd, select.EPOLLIN)
                if events & ~select.EPOLLOUT and client.receive():
                    poller.unregister(fd)
                    left.remove(fd)

    def test_completion_by_epoll(self):
        self.crowd("completion", "epoll")

    def test_completion_by_io_uring(self):
        self.crowd("completion", "io_uring")

    def test_overlapped(self):
        self.crowd("overlapped")

    def test_threads(self):
        self.crowd("threads", descriptors_each=2)
