"""A pipe that drops instead of pausing: its writer is never slowed, and what is missing is told to
the message."""

import pathlib
import sys

from harness import websocket
from harness.bridge import pipe
from harness.case import BridgeCase
from harness.deadline import LONG_S, wait_until
from harness.observer import Ledger, payload_of
from harness.servers import PipeServer
from harness.trace import StoppedThread

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "web" / "examples"))
import read_events  # noqa: E402

FILLER = b" " + b"x" * 50 + b"\n"


class Story:
    """What an observer is told of the sessions of one pipe."""

    def __init__(self, observer):
        self.observer = observer
        self.ledger = Ledger(observer.start_seq)
        self.next_number = {}
        self.told = self.bytes = self.dropped = self.dropped_bytes = 0
        self.events = []

    def read_until_closed(self, count):
        while count:
            event = self.observer.next()
            self.ledger.enter(event)
            session = event.get("session")
            if event["kind"] == "message":
                # Behind a drop the numbers go on right where it ends.
                number = int(event["text"].split()[0])
                assert number == self.next_number.get(session, 0), (event, self.next_number)
                self.next_number[session] = number + 1
                self.told += 1
                self.bytes += len(payload_of(event))
            elif event["kind"] == "dropped":
                assert event["direction"] == "c2s" and event["count"] > 0, event
                self.next_number[session] = self.next_number.get(session, 0) + event["count"]
                self.dropped += event["count"]
                self.dropped_bytes += event["bytes"]
                self.events.append(event)
            count -= event["kind"] == "closed"
        return self


class Drop(BridgeCase):
    def lines(self, count):
        return b"".join(b"%d" % number + FILLER for number in range(count))

    def test_told_and_dropped_are_what_was_said_while_others_come_and_go(self):
        small = {"max_message_bytes": 64}
        server = self.bridge(pipes=[pipe("feed", overflow="drop", limits=small),
                                    pipe("calm", limits=small)],
                             config={"events": {"queue_bytes": 4096}})
        observers = [self.ndjson(server, timeout_s=LONG_S),
                     self.websocket(server, timeout_s=LONG_S)]
        count, calm_count, rounds = 2000, 100, 10
        data = self.lines(count)
        for _ in range(rounds):
            with self.connect(server, "feed", timeout_s=LONG_S) as feed:
                with self.connect(server, "calm", timeout_s=LONG_S) as calm:
                    feed.send(data)
                    calm.send(self.lines(calm_count))
        for observer in observers:
            story = Story(observer).read_until_closed(2 * rounds)
            self.assertEqual(story.ledger.missed, 0)
            self.assertEqual(story.told + story.dropped, rounds * (count + calm_count))
            self.assertGreater(story.dropped, 0)
            self.assertEqual({event["pipe"] for event in story.events}, {"feed"})
        found = {entry["name"]: entry for entry in server.get("/api/v1/pipes").json["pipes"]}
        self.assertEqual(found["feed"]["overflow"], "drop")
        self.assertEqual(found["feed"]["dropped"],
                         {"messages": story.dropped, "bytes": story.dropped_bytes})
        self.assertEqual(found["feed"]["c2s"]["messages"], rounds * count)
        self.assertEqual(found["calm"]["dropped"], {"messages": 0, "bytes": 0})

    def test_a_writer_goes_on_while_nobody_can_be_told(self):
        server = self.bridge(pipes=[pipe("feed", overflow="drop", reply="echo")],
                             config={"events": {"queue_bytes": 1 << 19}})
        observer = self.websocket(server, timeout_s=LONG_S)
        count = 50_000
        with self.connect(server, "feed", timeout_s=LONG_S) as client:
            server.wait_for_sessions("feed", 1)
            with StoppedThread(server.thread("pb-http")):
                for _ in range(count // 1000):
                    data = self.lines(1000)
                    client.send(data)
                    client.receive_exactly(len(data))  # its answers do not wait either
            session = wait_until(
                lambda: (found := server.sessions("feed")[0])["dropped"]["messages"] and found,
                "the session's counter", LONG_S)
            client.socket.shutdown(1)
        seqs, told, dropped = [], {"c2s": 0, "s2c": 0}, {"c2s": 0, "s2c": 0}
        while True:
            event = observer.next()
            seqs.append(event["seq"])
            if event["kind"] == "message":
                told[event["direction"]] += 1
            elif event["kind"] == "dropped":
                dropped[event["direction"]] += event["count"]
            elif event["kind"] == "closed":
                break
        first = observer.start_seq + 1
        self.assertEqual(seqs, list(range(first, first + len(seqs))))
        for direction in ("c2s", "s2c"):
            self.assertEqual(told[direction] + dropped[direction], count)
            self.assertGreater(dropped[direction], count // 2)
        self.assertEqual(session["dropped"]["messages"], sum(dropped.values()))

    def test_through_a_tap_all_passes_while_nobody_can_be_told(self):
        server = self.bridge(
            pipes=[pipe("tap", role="tap", upstream="up.sock", overflow="drop")],
            config={"events": {"queue_bytes": 1 << 19}})
        listener = PipeServer(server.path("up"))
        self.addCleanup(listener.close)
        observer = self.ndjson(server, timeout_s=LONG_S)
        count = 20_000
        with self.connect(server, "tap", timeout_s=LONG_S) as client:
            upstream = listener.accept(timeout_s=LONG_S)
            self.addCleanup(upstream.close)
            server.wait_for_sessions("tap", 1)
            with StoppedThread(server.thread("pb-http")):
                for _ in range(count // 1000):
                    data = self.lines(1000)
                    client.send(data)
                    self.assertEqual(upstream.receive_exactly(len(data)), data)
                    upstream.send(data)
                    self.assertEqual(client.receive_exactly(len(data)), data)
        said = {"c2s": 0, "s2c": 0}
        dropped = 0
        while (event := observer.next())["kind"] != "closed":
            if event["kind"] in ("message", "dropped"):
                said[event["direction"]] += event.get("count", 1)
                dropped += event.get("count", 0)
        self.assertEqual(said, {"c2s": count, "s2c": count})
        self.assertGreater(dropped, count)

    def test_a_server_of_another_program_and_messages_that_are_exact_drop_too(self):
        server = self.bridge(
            pipes=[pipe("up", mode="message", role="client", overflow="drop",
                        reconnect={"first_delay_ms": 10, "max_delay_ms": 50})],
            config={"events": {"queue_bytes": 1 << 19}})
        listener = PipeServer(server.path("up"), is_message=True)
        self.addCleanup(listener.close)
        observer = self.ndjson(server, timeout_s=LONG_S)
        end = listener.accept(timeout_s=LONG_S)
        server.wait_for_sessions("up", 1)
        count = 10_000
        with StoppedThread(server.thread("pb-http")):
            for number in range(count):
                end.send(b"%d" % number + FILLER)
        end.close()
        said = dropped = 0
        while (event := observer.next())["kind"] != "closed":
            if event["kind"] in ("message", "dropped"):
                self.assertEqual(event["direction"], "s2c")
                said += event.get("count", 1)
                dropped += event.get("count", 0)
        self.assertEqual(said, count)
        self.assertGreater(dropped, 0)

    def test_what_was_dropped_can_be_filtered_for(self):
        server = self.bridge(
            pipes=[pipe("feed", overflow="drop", limits={"max_message_bytes": 64})],
            config={"events": {"queue_bytes": 4096}})
        observer = self.ndjson(server, "?q=kind:dropped,closed", timeout_s=LONG_S)
        binary = self.binary(server)
        with self.connect(server, "feed", timeout_s=LONG_S) as client:
            client.send(self.lines(20000))
        dropped = 0
        while (event := observer.next())["kind"] != "closed":
            self.assertEqual(event["kind"], "dropped")
            dropped += event["count"]
        self.assertGreater(dropped, 0)
        events = []
        while not events or events[-1]["kind"] != "closed":
            kind, value = read_events.decode(binary.receive_message()[1])
            events += value if kind == "events" else []
        self.assertEqual(sum(event.get("count", 0) for event in events), dropped)

    def binary(self, server):
        socket = websocket.WebSocket(server.address, "/api/v1/events?q=kind:dropped,closed",
                                     protocols=["pipebridge.v1.bin"], timeout_s=LONG_S)
        self.addCleanup(socket.close)
        return socket
