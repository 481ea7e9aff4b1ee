"""Many observers, slow ones and dead ones: each gets or is told of everything, and none costs the
others anything."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time

from harness.bridge import IS_SANITIZED, pipe
from harness.case import BridgeCase
from harness.crowd import Counter, Crowd, read_to_end
from harness.deadline import LONG_S, wait_until

LINE = b"x" * 63 + b"\n"
NARROW = 4096  # a receive buffer that is soon full


class CrowdCase(BridgeCase):
    def start(self, **config):
        self.server = self.bridge(pipes=[pipe("line")], config=config)
        self.client = self.connect(self.server, "line", timeout_s=LONG_S)
        self.server.wait_for_sessions("line", 1)

    def counter(self, query="", **options):
        counter = Counter(self.server, query, **options)
        self.addCleanup(counter.socket.close)
        return counter

    def crowd(self, count, query=""):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < count + 100:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        crowd = Crowd([Counter(self.server, query) for _ in range(count)])
        self.addCleanup(crowd.close)
        return crowd

    def produced(self):
        return self.server.get("/healthz", timeout_s=LONG_S).json["seq"]

    def observers(self):
        return self.server.get("/healthz", timeout_s=LONG_S).json["observers"]

    def say(self, count):
        """Says `count` lines, and returns the seq of the last once it is there."""
        before = self.produced()
        self.client.send(LINE * count)
        wait_until(lambda: self.produced() >= before + count, f"{count} events", LONG_S)
        return before + count

    def flood(self, count, batch=1000):
        """Says so many lines as fast as it can, in a thread."""
        def write():
            for _ in range(count // batch):
                self.client.send(LINE * batch)
        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        return thread


class Stalled(CrowdCase):
    COUNT = 100

    def test_one_that_stalls_among_a_hundred_costs_the_others_nothing_and_is_closed(self):
        self.start(events={"log_bytes": 1 << 20}, http={"stall_timeout_ms": 1000})
        live = self.crowd(self.COUNT)
        stalled = [self.counter(receive_buffer_bytes=NARROW) for _ in range(2)]
        asleep = stalled[0]
        began = stalled[1].first
        # As much at a time as everybody can follow: so nobody of the others misses anything …
        for _ in range(40):
            live.read_to(self.say(1000))
        for counter in live.counters:
            self.assertEqual((counter.missed, counter.received), (0, 40 * 1000))
        # … though these two are megabytes behind.
        self.assertEqual(self.observers(), self.COUNT + 2)
        stalled[1].socket.setblocking(True)
        while stalled[1].last < self.produced():
            stalled[1].read()
        self.assertTrue(stalled[1].is_balanced(self.produced()))
        self.assertGreater(stalled[1].missed, 1000)
        self.assertEqual(began + 40 * 1000, self.produced())
        # The one that never reads is found; whoever reads stays.
        wait_until(lambda: self.observers() == self.COUNT + 1, "the end of the stalled one", LONG_S)
        read_to_end(asleep)
        self.assertIn(asleep.close, [(1013, "nothing was read for too long"), (None, "")])
        self.assertEqual(asleep.received + asleep.missed, asleep.last - asleep.first)
        live.read_to(self.say(10))
        self.assertEqual(sum(counter.missed for counter in live.counters), 0)

    def test_under_full_load_each_is_told_exactly_what_it_missed(self):
        self.start(events={"log_bytes": 1 << 20})
        live = self.crowd(self.COUNT)
        stalled = self.counter(receive_buffer_bytes=NARROW)
        total = 60_000 if IS_SANITIZED else 100_000
        first = self.produced()
        writer = self.flood(total)
        live.read_to(first + total)
        writer.join(LONG_S)
        for counter in live.counters:
            self.assertTrue(counter.is_balanced(first + total), vars(counter))
        stalled.socket.setblocking(True)
        while stalled.last < first + total:
            stalled.read()
        self.assertTrue(stalled.is_balanced(first + total))
        self.assertGreater(stalled.missed, 0)


class Thousand(CrowdCase):
    def test_a_thousand_observers_miss_nothing_and_cost_no_backlog_each(self):
        count = 200 if IS_SANITIZED else 1000
        self.start(http={"max_connections": 2000})
        few = self.crowd(10)
        before_kib = self.server.rss_kib()
        many = self.crowd(count - 10)
        for _ in range(5):
            seq = self.say(400)
            many.read_to(seq)
            few.read_to(seq)
        for counter in many.counters + few.counters:
            self.assertEqual((counter.received, counter.missed), (2000, 0))
        if not IS_SANITIZED:
            self.assertLess((self.server.rss_kib() - before_kib) / count, 40)
        self.assertEqual(self.observers(), count)


class Slow(CrowdCase):
    def test_one_byte_at_a_time_is_no_stall_costs_no_memory_and_gets_its_gaps(self):
        self.start(events={"log_bytes": 1 << 20, "memory_bytes": 1 << 20})
        live = self.crowd(1)
        slow = self.counter(receive_buffer_bytes=NARROW)
        slow.socket.setblocking(True)
        live.read_to(self.say(30_000))  # the rings are full now
        before_kib = self.server.rss_kib()
        for _ in range(20):
            live.read_to(self.say(5_000))
            slow.read(1)
        if not IS_SANITIZED:  # whose own memory grows
            self.assertLess(self.server.rss_kib() - before_kib, 2048)
        self.assertEqual(self.observers(), 2)
        self.assertEqual(live.counters[0].missed, 0)
        produced = self.produced()
        while slow.last < produced:
            slow.read()
        self.assertTrue(slow.is_balanced(produced))
        self.assertGreater(slow.missed, 50_000)

    def test_a_lag_cap_gives_the_gap_at_once_and_goes_on_with_the_newest(self):
        self.start(events={"log_bytes": 2 << 20})
        live = self.crowd(1)
        capped = self.counter("?max_lag_bytes=65536", receive_buffer_bytes=NARROW)
        plain = self.counter(receive_buffer_bytes=NARROW)
        for _ in range(60):
            live.read_to(self.say(2000))
        produced = self.produced()
        behind = {}
        for name, counter in (("capped", capped), ("plain", plain)):
            counter.socket.setblocking(True)
            while counter.last < produced:
                counter.read()
            self.assertTrue(counter.is_balanced(produced))
            self.assertTrue(counter.gaps)
            behind[name] = counter.bytes - counter.bytes_at_gap
        self.assertGreater(behind["plain"], 1 << 20)
        self.assertLess(behind["capped"], 65536 + (256 << 10))  # and a piece that was being read

    def test_a_fast_observer_with_a_cap_misses_nothing_at_a_pace_that_it_can_follow(self):
        self.start()
        capped = self.crowd(3, "?max_lag_bytes=4096")
        for _ in range(20):
            capped.read_to(self.say(500))
        self.assertEqual([counter.missed for counter in capped.counters], [0, 0, 0])

    def test_a_cap_that_is_none_is_refused(self):
        self.start()
        for value in ("0", "-1", "x", "1073741825", ""):
            answer = self.server.get(f"/api/v1/events?max_lag_bytes={value}")
            self.assert_problem(answer, 400, "bad_max_lag")


class Dead(CrowdCase):
    READER = """
import socket, sys, base64, os
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(("GET " + sys.argv[2] + " HTTP/1.1\\r\\nHost: 127.0.0.1:" + sys.argv[1] + "\\r\\n"
           + sys.argv[3] + "\\r\\n").encode())
print(s.recv(65536).split()[1].decode(), flush=True)
while s.recv(65536):
    pass
"""
    UPGRADE = ("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n")

    def reader(self, headers=""):
        process = subprocess.Popen(
            [sys.executable, "-c", self.READER, str(self.server.port), "/api/v1/events", headers],
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertIn(process.stdout.readline().strip(), ("101", "200"))
        return process

    def test_a_process_that_is_stopped_is_gone_after_two_silent_intervals(self):
        self.start(http={"ping_interval_ms": 200})
        stays = self.counter()
        self.reader(self.UPGRADE).send_signal(signal.SIGSTOP)
        wait_until(lambda: self.observers() == 2, "both observers")
        end = time.monotonic() + LONG_S
        while self.observers() > 1:  # who answers pings stays
            stays.socket.settimeout(0.1)
            try:
                stays.read()
            except TimeoutError:
                pass
            self.assertLess(time.monotonic(), end)
        self.assertIsNone(stays.close)

    def test_streams_of_a_process_that_is_stopped_end_when_they_take_nothing(self):
        self.start(http={"stall_timeout_ms": 400})
        for headers in ("", "Accept: text/event-stream\r\n", self.UPGRADE):
            self.reader(headers).send_signal(signal.SIGSTOP)
        wait_until(lambda: self.observers() == 3, "three observers")
        before = len(os.listdir(f"/proc/{self.server.pid}/fd"))
        for _ in range(40):
            self.say(5000)
        wait_until(lambda: self.observers() == 0, "the end of all three", LONG_S)
        wait_until(lambda: len(os.listdir(f"/proc/{self.server.pid}/fd")) <= before - 3,
                   "their descriptors")
