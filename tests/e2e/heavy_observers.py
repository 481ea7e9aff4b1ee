"""The crowds of test_observers.py at their full size and length; minutes of two processors (target
`heavy`)."""

import time

from harness.crowd import read_to_end
from harness.deadline import LONG_S, wait_until
from test_observers import NARROW, CrowdCase

PATIENCE_S = 20 * LONG_S


class Heavy(CrowdCase):
    def flood_and_count(self, observers, total, stalled_count):
        """Full load; returns which share of what was produced the live ones missed."""
        self.start(http={"max_connections": 2000})
        live = self.crowd(observers)
        stalled = [self.counter(receive_buffer_bytes=NARROW) for _ in range(stalled_count)]
        first = self.produced()
        began = time.monotonic()
        writer = self.flood(total)
        live.read_to(first + total, PATIENCE_S)
        seconds = time.monotonic() - began
        writer.join(PATIENCE_S)
        for counter in live.counters:
            self.assertTrue(counter.is_balanced(first + total))
        for counter in stalled:
            counter.socket.setblocking(True)
            while counter.last < first + total:
                counter.read()
            self.assertTrue(counter.is_balanced(first + total))
            self.assertGreater(counter.missed, 0)
        missed = sum(counter.missed for counter in live.counters) / total / observers
        print(f"{observers} live, {stalled_count} stalled: {total / seconds / 1e3:.0f} k/s, "
              f"{missed:.2%} missed", flush=True)
        return missed

    def test_a_hundred_without_a_stalled_one(self):
        self.flood_and_count(100, 1_000_000, 0)

    def test_a_hundred_and_one_stalled(self):
        self.flood_and_count(100, 1_000_000, 1)

    def test_a_thousand_and_ten_stalled(self):
        self.flood_and_count(990, 100_000, 10)

    def test_one_byte_in_a_second_for_half_a_minute(self):
        self.start(events={"log_bytes": 1 << 20, "memory_bytes": 1 << 20})
        live = self.crowd(1)
        slow = self.counter(receive_buffer_bytes=NARROW)
        slow.socket.setblocking(True)
        live.read_to(self.say(30_000))
        before_kib = self.server.rss_kib()
        for _ in range(30):
            live.read_to(self.say(5_000))
            slow.read(1)
            time.sleep(1)  # what is tested
        self.assertLess(self.server.rss_kib() - before_kib, 2048)
        self.assertEqual(self.observers(), 2)
        produced = self.produced()
        while slow.last < produced:
            slow.read()
        self.assertTrue(slow.is_balanced(produced))

    def test_the_usual_minute_ends_who_takes_nothing(self):
        self.start(events={"log_bytes": 1 << 20})
        live = self.crowd(2)
        asleep = self.counter(receive_buffer_bytes=NARROW)
        live.read_to(self.say(100_000))
        began = time.monotonic()
        while self.observers() > 2:
            live.read_to(self.say(100))
            time.sleep(0.2)  # a trickle is enough
            self.assertLess(time.monotonic() - began, 100)
        self.assertGreater(time.monotonic() - began, 55)
        read_to_end(asleep)
        wait_until(lambda: self.observers() == 2, "the others stay")
