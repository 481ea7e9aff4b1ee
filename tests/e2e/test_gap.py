"""An observer that stalls: it is told exactly what it missed, and it harms nobody."""

import json
import threading

from harness.bridge import pipe
from harness.case import BridgeCase
from harness.deadline import LONG_S
from harness.observer import NdjsonObserver, WebSocketObserver, Ledger

TOTAL = 100_000
BATCH = 500
# Small: a stalled observer falls behind soon. A live one is never more than a batch behind.
CONFIG = {"events": {"log_bytes": 1 << 20, "memory_bytes": 4 << 20}}


class Follower(threading.Thread):
    """Reads a live observer to the last message and tells how far it is."""

    def __init__(self, observer):
        super().__init__(daemon=True)
        self.observer = observer
        self.ledger = Ledger(observer.start_seq)
        self.progress = threading.Condition()
        self.numbers = []
        self.failure = None

    def run(self):
        try:
            while len(self.numbers) < TOTAL:
                event = self.observer.next()
                self.ledger.enter(event)
                if event["kind"] == "message":
                    self.numbers.append(int(event["text"].split()[0]))
                    if len(self.numbers) % BATCH == 0:
                        with self.progress:
                            self.progress.notify()
        except Exception as error:  # told by the main thread
            self.failure = error
        with self.progress:
            self.progress.notify()

    def wait_for(self, count):
        with self.progress:
            arrived = self.progress.wait_for(
                lambda: len(self.numbers) >= count or self.failure, LONG_S)
        if self.failure:
            raise self.failure
        assert arrived, f"only {len(self.numbers)} of {count} messages arrived"


class Stall(BridgeCase):
    def test_received_and_gaps_are_what_was_produced_and_the_others_lose_nothing(self):
        server = self.bridge(pipes=[pipe("line")], config=CONFIG)
        stalled = {
            "ndjson": self.ndjson(server, receive_buffer_bytes=4096, timeout_s=LONG_S),
            "websocket": self.websocket(server, receive_buffer_bytes=4096, timeout_s=LONG_S),
        }
        ledgers = {kind: Ledger(observer.start_seq) for kind, observer in stalled.items()}
        live = [Follower(self.ndjson(server, timeout_s=LONG_S)),
                Follower(self.websocket(server, timeout_s=LONG_S))]
        for follower in live:
            follower.start()
        client = self.connect(server, "line", timeout_s=LONG_S)
        filler = b" " + b"x" * 50
        for first in range(0, TOTAL, BATCH):
            client.send(b"".join(b"%d%s\n" % (n, filler) for n in range(first, first + BATCH)))
            for follower in live:
                follower.wait_for(first + BATCH)
        for follower in live:
            follower.join(LONG_S)
            self.assertEqual(follower.numbers, list(range(TOTAL)))
            self.assertEqual(follower.ledger.missed, 0)
        produced = live[0].ledger.last

        # Both wake up now, all at once behind by megabytes.
        for kind, observer in stalled.items():
            with self.subTest(kind):
                ledger = ledgers[kind]
                while ledger.last < produced:
                    ledger.enter(observer.next())
                self.assertEqual(ledger.last, produced)
                self.assertTrue(ledger.is_balanced(produced))
                self.assertGreater(ledger.missed, TOTAL // 4)  # it did stall
                self.assertEqual({gap["reason"] for gap in ledger.gaps}, {"slow"})
                # It is a live observer again, without another gap.
                client.send(b"-1 now\n")
                event = observer.next()
                self.assertEqual(event["text"], "-1 now")
                produced += 1
                ledger.enter(event)
                # What it missed last, memory still holds: it can fetch that by `since`.
                gap = ledger.gaps[-1]
                again = (NdjsonObserver if kind == "ndjson" else WebSocketObserver)(
                    server.address, f"?since={gap['to'] - 100}")
                self.addCleanup(again.close)
                seqs = [again.next()["seq"] for _ in range(100)]
                self.assertEqual(seqs[-1], gap["to"])

    def test_a_filtered_observers_gaps_count_only_its_own_events(self):
        server = self.bridge(pipes=[pipe("line"), pipe("other")], config=CONFIG)
        live = self.ndjson(server, timeout_s=LONG_S)
        stalled = self.websocket(server, "?pipe=line", receive_buffer_bytes=4096,
                                 timeout_s=LONG_S)
        line = self.connect(server, "line", timeout_s=LONG_S)
        other = self.connect(server, "other", timeout_s=LONG_S)
        rounds, each = 150, 100
        data = (b"x" * 500 + b"\n") * each
        for _ in range(rounds):
            line.send(data)
            other.send(data)
            live.messages(2 * each)
        line.send(b"the end\n")
        last = live.messages(1)[0]["seq"]
        received = missed = 0
        previous = stalled.start_seq
        while previous < last:
            event = stalled.next()
            self.assertGreater(event["seq"], previous)
            if event["kind"] == "gap":
                self.assertGreater(event["from"], previous)
                self.assertLessEqual(event["count"], event["to"] - event["from"] + 1)
                missed += event["count"]
            else:
                self.assertEqual(event["pipe"], "line")
                received += 1
            previous = event["seq"]
        self.assertEqual(received + missed, 1 + rounds * each + 1)  # opened, the messages, the end
        self.assertGreater(missed, 0)

    def test_the_smallest_rings_carry_what_is_said(self):
        server = self.bridge(
            pipes=[pipe("line", limits={"max_message_bytes": 64})],
            config={"events": {"log_bytes": 65536, "memory_bytes": 65536, "queue_bytes": 4096}})
        observers = [self.ndjson(server), self.websocket(server)]
        client = self.connect(server, "line")
        for first in range(0, 5000, 50):
            client.send(b"".join(b"%d\n" % n for n in range(first, first + 50)))
            for observer in observers:
                said = [int(e["text"]) for e in observer.messages(50)]
                self.assertEqual(said, list(range(first, first + 50)))


class FullSpeed(BridgeCase):
    """One writer as fast as it can be, one observer that reads as fast as it can and looks later."""

    COUNT = 300_000

    def raw_lines(self, server, client):
        """What an observer got, from the first message to the last."""
        observer = self.ndjson(server, timeout_s=LONG_S)
        block = (b"x" * 63 + b"\n") * 1000

        def write():
            for _ in range(self.COUNT // 1000):
                client.send(block)
            client.send(b"the end\n")

        writer = threading.Thread(target=write)
        writer.start()
        pieces, tail = [], b""
        while b'"the end"' not in tail:
            observer.wire.fill()
            pieces.append(observer.wire.take(observer.wire.available()))
            tail = (tail + pieces[-1])[-500:]
        writer.join()
        observer.close()
        return observer.start_seq, b"".join(pieces).splitlines()

    def test_who_keeps_reading_misses_nothing(self):
        server = self.bridge(pipes=[pipe("line")])
        client = self.connect(server, "line", timeout_s=LONG_S)
        server.wait_for_sessions("line", 1)
        # A busy machine may take the processor from our reader for long enough; not time and again.
        for _ in range(5):
            start_seq, lines = self.raw_lines(server, client)
            ledger = Ledger(start_seq)
            for line in lines:
                ledger.enter(json.loads(line))
            self.assertTrue(ledger.is_balanced(start_seq + self.COUNT + 1))
            if ledger.missed == 0:
                return
        self.fail(f"{ledger.missed} of {self.COUNT} messages missed, in {len(ledger.gaps)} gaps")
