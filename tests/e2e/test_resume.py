"""`since`: who comes back misses nothing, gets nothing twice, and is told what is gone."""

import threading

from harness.bridge import pipe
from harness.case import BridgeCase
from harness.clients import PipeClient
from harness.deadline import LONG_S
from harness.observer import BOTH, Ledger, payload_of

PIPES = [pipe("line"), pipe("other")]


class Resume(BridgeCase):
    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=PIPES)
        live = self.ndjson(self.server)
        self.run_id = live.run
        self.client = self.connect(self.server, "line")
        self.client.send(b"".join(b"%d\n" % i for i in range(100)))
        self.events = live.until(lambda e: e.get("text") == "99")  # opened is 1, "0" is 2 …

    def observe(self, kind, query):
        observer = BOTH[kind](self.server.address, query)
        self.addCleanup(observer.close)
        return observer

    def test_since_begins_with_exactly_the_next_event(self):
        last = self.events[-1]["seq"]
        for kind in BOTH:
            for since in (0, 1, 50, last - 1):
                for form in (f"{since}", f"{self.run_id}:{since}"):
                    with self.subTest(f"{kind} since={form}"):
                        observer = self.observe(kind, f"?since={form}")
                        seqs = [e["seq"] for e in observer.take(last - since)]
                        self.assertEqual(seqs, list(range(since + 1, last + 1)))
                        observer.close()

    def test_since_the_last_event_begins_with_what_comes(self):
        last = self.events[-1]["seq"]
        for kind in BOTH:
            observer = self.observe(kind, f"?since={last}")
            self.client.send(b"new\n")
            event = observer.next()
            last += 1
            self.assertEqual((event["seq"], event["text"]), (last, "new"))

    def test_without_since_the_past_stays_past(self):
        for kind in BOTH:
            observer = self.observe(kind, "")
            self.client.send(b"now\n")
            self.assertEqual(observer.next()["text"], "now")

    def test_another_runs_number_is_a_gap_and_then_all_of_this_run(self):
        for kind in BOTH:
            with self.subTest(kind):
                observer = self.observe(kind, "?since=00000000deadbeef:5")
                gap = observer.next()
                self.assertEqual((gap["kind"], gap["reason"], gap["from"]), ("gap", "run", 1))
                self.assertEqual((gap["to"], gap["count"], gap["seq"]), (0, 0, 0))
                seqs = [e["seq"] for e in observer.take(len(self.events))]
                self.assertEqual(seqs, list(range(1, len(self.events) + 1)))

    def test_filters_narrow_past_and_present(self):
        other = self.connect(self.server, "other")
        other.send(b"elsewhere\n")
        session = self.events[0]["session"]
        for kind in BOTH:
            for query in ("pipe=line", f"session={session}", f"pipe=line&session={session}"):
                with self.subTest(f"{kind} {query}"):
                    observer = self.observe(kind, f"?since=0&{query}")
                    got = [(e["kind"], e.get("text")) for e in observer.take(101)]
                    self.assertEqual(
                        got, [("opened", None)] + [("message", str(i)) for i in range(100)])
                    other.send(b"not here\n")
                    word = f"{kind} {query}"
                    self.server.post(f"/api/v1/sessions/{session}/messages", word.encode())
                    later = observer.until(lambda e, w=word: e.get("text") == w)
                    self.assertEqual({e["pipe"] for e in later}, {"line"})
                    observer.close()

    def test_a_pipes_observer_sees_what_is_said_to_the_whole_pipe(self):
        session = self.events[0]["session"]
        for kind in BOTH:
            observer = self.observe(kind, "?pipe=line")
            self.assertEqual(self.server.inject("line", b"to all").status, 201)
            event = observer.next()
            self.assertEqual((event["kind"], event["session"]), ("injected", 0))
            observer.close()
            observer = self.observe(kind, f"?session={session}")
            self.server.post(f"/api/v1/sessions/{session}/messages", b"to one")
            event = observer.until_kind("injected")
            self.assertEqual((event["text"], event["session"]), ("to one", session))
            observer.close()

    def test_an_observer_that_leaves_and_resumes_again_and_again_has_everything_once(self):
        total = 20000

        def produce():
            with PipeClient(self.server.path("other"), timeout_s=LONG_S) as writer:
                for first in range(0, total, 100):
                    writer.send(b"".join(b"n%d\n" % i for i in range(first, first + 100)))

        for kind in BOTH:
            with self.subTest(kind):
                observer = self.observe(kind, "")
                ledger, got = Ledger(observer.start_seq), []
                observer.close()
                writer = threading.Thread(target=produce)
                writer.start()
                try:
                    while len(got) < total:
                        observer = self.observe(kind, f"?since={self.run_id}:{ledger.last}")
                        for _ in range(997):
                            event = observer.next()
                            ledger.enter(event)
                            if event["kind"] == "message":
                                got.append(event["text"])
                            if len(got) == total:
                                break
                        observer.close()
                finally:
                    writer.join()
                self.assertEqual(got, [f"n{i}" for i in range(total)])
                self.assertEqual(ledger.missed, 0)


class Restart(BridgeCase):
    def test_a_new_run_has_a_new_name_and_begins_with_one(self):
        server = self.bridge(pipes=PIPES)
        first = self.ndjson(server)
        self.connect(server, "line").send(b"a\nb\nc\n")
        last = first.until(lambda e: e.get("text") == "c")[-1]["seq"]
        self.assertEqual(server.stop(), 0)
        server.start()
        for kind in BOTH:
            observer = BOTH[kind](server.address, f"?since={first.run}:{last}")
            self.addCleanup(observer.close)
            self.assertNotEqual(observer.run, first.run)
            gap = observer.next()
            self.assertEqual((gap["kind"], gap["reason"], gap["from"]), ("gap", "run", 1))
            self.assertEqual((gap["to"], gap["count"]), (observer.start_seq, observer.start_seq)
                             if gap["to"] else (0, 0))


class Expired(BridgeCase):
    def test_what_memory_no_longer_holds_is_told_by_a_gap(self):
        server = self.bridge(pipes=PIPES, config={"events": {"memory_bytes": 1 << 20}})
        live = self.ndjson(server)
        client = self.connect(server, "line")
        line = b"x" * 1000 + b"\n"
        for _ in range(50):  # 5 MB in all: the first ones are gone
            client.send(line * 100)
            live.messages(100)
        produced = 5001
        for kind in BOTH:
            with self.subTest(kind):
                observer = BOTH[kind](server.address, "?since=0")
                self.addCleanup(observer.close)
                ledger = Ledger(0)
                gap = observer.next()
                self.assertEqual((gap["kind"], gap["reason"], gap["from"]), ("gap", "expired", 1))
                ledger.enter(gap)
                while ledger.last < produced:
                    event = observer.next()
                    self.assertEqual(payload_of(event), line[:-1])
                    ledger.enter(event)
                self.assertTrue(ledger.is_balanced(produced))
                self.assertGreater(ledger.received, 500)  # a good part of 1 MiB is there
