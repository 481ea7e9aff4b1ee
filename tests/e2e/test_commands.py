"""Commands in the events' WebSocket: what is shown changes exactly where the answer stands, and messages go in."""

import base64
import importlib.util
import json
import pathlib
import re
import struct
import subprocess
import sys
import threading
import time
import unittest

from harness import websocket
from harness.bridge import pipe
from harness.case import BridgeCase
from harness.commands import CommandSocket, injections
from harness.deadline import LONG_S, wait_until
from harness.observer import Ledger

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "web" / "examples" / "inject_lines.py"
PROTOCOL = pathlib.Path(__file__).resolve().parents[2] / "web" / "PROTOCOL.md"
# All that is sent in one test fits into a session's write queue.
PIPES = [pipe("line", limits={"max_write_queue_bytes": 16 << 20}), pipe("other"),
         pipe("exact", mode="message")]


class CommandCase(BridgeCase):
    config = {}

    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=PIPES, config=self.config)

    def commands(self, query="", **options):
        observer = CommandSocket(self.server.address, query, **options)
        self.addCleanup(observer.close)
        return observer

    def all_events(self):
        """Everything that memory holds."""
        events, cursor = [], "0"
        while cursor:
            answer = self.server.get(
                f"/api/v1/messages?order=oldest&limit=1000&since={cursor}"
                "&kind=opened,message,injected,closed,error").json
            events += answer["events"]
            cursor = answer["next"]
        return events

    def assert_error(self, answer, status, code):
        self.assertEqual((answer["type"], answer.get("status"), answer.get("code")),
                         ("error", status, code), answer)
        self.assertTrue(answer["detail"])


class Talker:
    """Says numbered lines into pipes, until it is told to stop."""

    def __init__(self, clients):
        self.clients = clients
        self.is_done = False
        self.thread = threading.Thread(target=self.talk)
        self.thread.start()

    def talk(self):
        number = 0
        while not self.is_done:
            for client in self.clients:
                client.send(b"".join(b"%d\n" % (number + i) for i in range(50)))
                number += 50
            time.sleep(0.001)  # a pace, not a wait: the observers must keep up

    def stop(self):
        self.is_done = True
        self.thread.join(LONG_S)


class View(CommandCase):
    config = {"events": {"memory_bytes": 256 << 20, "log_bytes": 8 << 20}}

    def talk(self):
        talker = Talker([self.connect(self.server, name) for name in ("line", "other")])
        self.addCleanup(talker.stop)
        return talker

    def test_subscribe_changes_what_is_shown_exactly_at_its_answer(self):
        observer = self.commands()
        talker = self.talk()
        filters = ["pipe:line", "pipe:other kind:message", "", "size<3", "pipe:line size>3"]
        views = [(observer.start_seq, "", [])]  # from which event on, the filter, what was shown
        for turn in range(60):
            for _ in range(turn % 7 if views[-1][1] != "size<3" else 0):  # which soon is silent
                observer.read_more()
            answer = observer.ask("subscribe", q=filters[turn % len(filters)])
            self.assertEqual((answer["type"], answer["subscribed"]), ("answer", True))
            views[-1][2].extend(observer.shown())
            views.append((answer["seq"], filters[turn % len(filters)], []))
        talker.stop()
        last = observer.ask("unsubscribe")
        views[-1][2].extend(observer.shown())
        views.append((last["seq"], None, []))
        produced = self.all_events()
        wants = {"pipe:line": lambda e: e["pipe"] == "line",
                 "pipe:other kind:message": lambda e: e["pipe"] == "other" and e["kind"] == "message",
                 "": lambda e: True, "size<3": lambda e: e.get("size", 9) < 3,
                 "pipe:line size>3": lambda e: e["pipe"] == "line" and e.get("size", 0) > 3}
        total = 0
        for (begin, text, shown), (end, _, _) in zip(views, views[1:]):
            self.assertLessEqual(begin, end)
            expected = [e["seq"] for e in produced if begin < e["seq"] <= end and wants[text](e)]
            self.assertEqual([e["seq"] for e in shown], expected, f"{text!r} in {begin}…{end}")
            total += len(shown)
        self.assertGreater(total, 1000)

    def test_pause_shows_nothing_and_resume_goes_on_exactly_there(self):
        observer = self.commands()
        ledger = Ledger(observer.start_seq)
        talker = self.talk()
        for turn in range(40):
            for _ in range(turn % 5):
                observer.read_more()
            paused = observer.ask("pause")
            self.assertTrue(paused["paused"])
            for event in observer.shown():
                ledger.enter(event)
            self.assertEqual(ledger.last, paused["seq"])
            observer.ask("pause")  # once more changes nothing
            self.assertEqual(observer.shown(), [])
            resumed = observer.ask("resume")
            self.assertEqual((resumed["seq"], resumed["paused"]), (paused["seq"], False))
            self.assertEqual(observer.shown(), [])
        talker.stop()
        end = self.server.get("/api/v1/messages?limit=1").json["events"][0]["seq"]
        while ledger.last < end:
            ledger.enter(observer.next())
        self.assertTrue(ledger.is_balanced(end))
        self.assertEqual(ledger.missed, 0)

    def test_commands_behind_many_injections_are_as_exact(self):
        observer = self.commands()
        ledger = Ledger(observer.start_seq)
        for _ in range(10):
            batch = observer.inject_binary([b"x"] * 10000, pipe_name="line")
            single = websocket.encode_frame(
                websocket.TEXT, b'{"id":"one","command":"inject","pipe":"line","text":"y"}')
            observer.socket.wire.send(single * 1500)  # more than may be under way
            places = [observer.tell(command) for command in ("pause", "resume", "pause", "resume")]
            for number in places:
                place = observer.answer(number)
                for event in observer.shown():
                    ledger.enter(event)
                self.assertEqual(ledger.last, place["seq"])
            last = observer.answer(batch)["last_seq"] + 1500
            while ledger.last < last:
                ledger.enter(observer.next())
        self.assertEqual(ledger.missed, 0)

    def test_a_paused_subscription_can_be_changed(self):
        observer = self.commands("?q=nothing")
        client = self.connect(self.server, "line")
        observer.ask("pause")
        client.send(b"one\ntwo\n")
        self.wait_for_events(3)
        place = observer.ask("subscribe", q="two", since=0)
        self.assertEqual((place["seq"], place["paused"]), (0, True))
        observer.ask("resume")
        self.assertEqual(observer.next()["text"], "two")

    def wait_for_events(self, seq):
        wait_until(lambda: any(event["seq"] >= seq for event in self.all_events()), f"event {seq}")

    def test_a_thousand_subscriptions_at_once_are_one_after_the_other(self):
        observer = self.commands()
        frames = [websocket.encode_frame(websocket.TEXT, json.dumps(
            {"id": 1000 + n, "command": "subscribe", "q": f"text:{n}"}).encode())
            for n in range(1000)]
        observer.socket.wire.send(b"".join(frames))
        for n in range(1000):
            self.assertEqual(observer.answer(1000 + n)["type"], "answer")
        self.connect(self.server, "line").send(b"998\n999\n1000\n")
        self.assertEqual(observer.next()["text"], "999")

    def test_unsubscribe_shows_nothing_until_the_next_subscription(self):
        observer = self.commands()
        client = self.connect(self.server, "line")
        observer.until_kind("opened")
        self.assertFalse(observer.ask("unsubscribe")["subscribed"])
        client.send(b"unseen\n")
        self.wait_for_events(2)
        observer.ask("resume")  # nothing to go on with
        answer = observer.ask("subscribe", pipe="line")
        self.assertEqual((answer["seq"], observer.shown()), (2, []))
        client.send(b"seen\n")
        self.assertEqual(observer.next()["text"], "seen")

    def test_a_lag_cap_is_taken_with_a_subscription(self):
        observer = self.commands(receive_buffer_bytes=4096, timeout_s=LONG_S)
        client = self.connect(self.server, "line", timeout_s=LONG_S)
        observer.until_kind("opened")
        self.assertTrue(observer.ask("subscribe", max_lag_bytes=65536)["ok"])
        total = 100_000
        for first in range(0, total, 1000):
            client.send(b"".join(b"%d\n" % (first + i) for i in range(1000)))
        self.wait_for_counter(total)
        ledger = Ledger(1)
        size_behind = 0
        while ledger.last < total + 1:
            event = observer.next()
            ledger.enter(event)
            size_behind = 0 if event["kind"] == "gap" else size_behind + 1
        self.assertTrue(ledger.is_balanced(total + 1))
        # Its log would have kept 8 MiB for it: tens of thousands.
        self.assertLess(size_behind, 5000)

    def wait_for_counter(self, count):
        wait_until(lambda: self.server.get("/api/v1/pipes/line").json["c2s"]["messages"] == count,
                   f"{count} messages", LONG_S)

    def test_since_resumes_and_another_run_is_told_apart(self):
        observer = self.commands()
        client = self.connect(self.server, "line")
        client.send(b"a\nb\nc\n")
        seqs = [event["seq"] for event in observer.take(4)]
        answer = observer.ask("subscribe", since=f"{observer.run}:{seqs[1]}", kind="message")
        self.assertEqual(answer["seq"], seqs[1])
        self.assertEqual([e["text"] for e in observer.take(2)], ["b", "c"])
        answer = observer.ask("subscribe", since="00000000deadbeef:9")
        self.assertEqual(answer["seq"], 0)
        gap, first = observer.take(2)
        self.assertEqual((gap["kind"], gap["reason"], first["seq"]), ("gap", "run", 1))

    def test_commands_in_the_handshakes_segment_are_answered_behind_the_snapshot(self):
        early = b"".join(websocket.encode_frame(websocket.TEXT, data) for data in (
            b"nonsense", b'{"id":1,"command":"subscribe","q":"kind:message"}'))
        socket = websocket.WebSocket(self.server.address, early=early)
        self.addCleanup(socket.close)
        types = [json.loads(socket.receive_message()[1])["type"] for _ in range(3)]
        self.assertEqual(types, ["snapshot", "error", "answer"])

    def test_binary_observers_command_too(self):
        socket = websocket.WebSocket(self.server.address, protocols=("pipebridge.v1.bin",))
        self.addCleanup(socket.close)
        self.assertEqual(socket.receive_message()[1][1], 1)  # snapshot
        socket.send(websocket.TEXT, b'{"id":"x","command":"subscribe","q":"kind:opened"}')
        opcode, answer = socket.receive_message()
        self.assertEqual((opcode, json.loads(answer)["id"]), (websocket.TEXT, "x"))
        client = self.connect(self.server, "line")
        client.send(b"hidden\n")
        client.close()
        opcode, batch = socket.receive_message()
        self.assertEqual((opcode, batch[1], batch[16 + 4]), (websocket.BINARY, 2, 1))


class Forgetful(CommandCase):
    config = {"events": {"memory_bytes": 65536}}

    def test_resume_tells_of_what_memory_no_longer_holds(self):
        observer = self.commands()
        ledger = Ledger(observer.start_seq)
        witness = self.ndjson(self.server)
        client = self.connect(self.server, "line")
        for _ in range(5):
            ledger.enter(observer.next())
            observer.ask("pause")
            for event in observer.shown():
                ledger.enter(event)
            client.send((b"x" * 500 + b"\n") * 5000 + b"end\n")
            end = witness.until(lambda event: event.get("text") == "end")[-1]["seq"]
            observer.ask("resume")
            while ledger.last < end:
                ledger.enter(observer.next())
            self.assertTrue(ledger.is_balanced(end))
            client.send(b"more\n")
        self.assertGreater(ledger.missed, 0)
        self.assertEqual({gap["reason"] for gap in ledger.gaps}, {"expired"})


class Inject(CommandCase):
    def setUp(self):
        super().setUp()
        self.observer = self.commands()

    def open(self, name, is_message=False):
        client = self.connect(self.server, name, is_message)
        return client, self.observer.until_kind("opened", pipe=name)["session"]

    def test_one_message_is_answered_as_a_post(self):
        client, session = self.open("exact", is_message=True)
        forms = {"text": "é\0", "base64": base64.b64encode(b"\xff\0").decode(), "hex": "00ff7F"}
        for (form, value), data in zip(forms.items(), ("é\0".encode(), b"\xff\0", b"\0\xff\x7f")):
            for target in ({"pipe": "exact"}, {"session": session}, {"session": str(session)}):
                answer = self.observer.ask("inject", **target, **{form: value})
                self.assertEqual((answer["type"], answer["result"], answer["delivered"]),
                                 ("answer", "delivered", 1))
                self.assertEqual((answer["bytes"], answer["pipe"]), (len(data), "exact"))
                event = self.observer.until_kind("injected")
                self.assertEqual(event["seq"], answer["seq"])
                self.assertEqual(event["by"]["via"], "websocket")
                self.assertEqual(client.receive(), data)

    def test_into_nobody_is_no_error(self):
        answer = self.observer.ask("inject", pipe="line", text="x")
        self.assertEqual((answer["type"], answer["result"]), ("answer", "no_receiver"))

    def test_a_list_goes_in_order_and_is_answered_with_counts(self):
        client, _ = self.open("line")
        texts = [f"m{i}" for i in range(500)]
        answer = self.observer.ask("inject", pipe="line", messages=[{"text": t} for t in texts])
        self.assertEqual((answer["messages"], answer["results"]), (500, {"delivered": 500}))
        self.assertEqual(answer["bytes"], sum(map(len, texts)))
        self.assertEqual(answer["last_seq"] - answer["first_seq"], 499)
        expected = "".join(t + "\n" for t in texts).encode()
        self.assertEqual(client.receive_exactly(len(expected)), expected)
        answer = self.observer.ask("inject", pipe="line", messages=[])
        self.assertEqual((answer["messages"], answer["results"]), (0, {}))

    def test_messages_that_are_refused_are_counted_and_the_others_go(self):
        server = self.server
        client, _ = self.open("line")
        limit = server.get("/api/v1/pipes/line").json["limits"]["max_message_bytes"]
        messages = [b"a", b"x" * (limit + 1), b"b"]
        answer = self.observer.answer(self.observer.inject_binary(messages, pipe_name="line"))
        self.assertEqual(answer["results"], {"delivered": 2, "too_large": 1})
        self.assertIn(str(limit), answer["failure"])
        self.assertEqual(client.receive_exactly(4), b"a\nb\n")

    def test_binary_injects_bytes_as_they_are(self):
        client, session = self.open("exact", is_message=True)
        messages = [b"", b"\0", bytes(range(256)), b"text"]
        for target in ({"pipe_name": "exact"}, {"session": session},
                       {"session": session, "direction": 2}):
            answer = self.observer.answer(self.observer.inject_binary(messages, **target))
            self.assertEqual(answer["results"], {"delivered": 4})
            self.assertEqual([client.receive() for _ in messages], messages)

    def test_more_than_the_queue_holds_waits_and_nothing_is_lost(self):
        client, session = self.open("line")
        self.observer.ask("subscribe", q="kind:closed")
        count, batches = 40000, 8
        numbers = [self.observer.inject_binary(
            [b"%d" % (batch * count + i) for i in range(count)], session=session)
            for batch in range(batches)]
        total = sum(len(b"%d\n" % i) for i in range(batches * count))
        received = []
        reader = threading.Thread(target=lambda: received.append(client.receive_exactly(total)))
        reader.start()
        results = {}
        for number in numbers:
            for name, amount in self.observer.answer(number)["results"].items():
                results[name] = results.get(name, 0) + amount
        reader.join(LONG_S)
        self.assertEqual(sum(results.values()), batches * count)
        self.assertLessEqual(set(results), {"delivered", "queued"})
        self.assertEqual(received[0].split(), [b"%d" % i for i in range(batches * count)])

    def test_who_leaves_in_the_middle_harms_nobody(self):
        client, session = self.open("line")
        for _ in range(5):
            leaver = self.commands("?q=kind:closed")
            leaver.inject_binary([b"x" * 8] * 80000, session=session)
            leaver.socket.wire.reset()
        received = bytearray()
        answer = self.observer.tell("inject", session=session, text="end")
        while b"end\n" not in received[-(1 << 21):]:
            received += client.receive()
        self.assertIn(self.observer.answer(answer)["result"], ("delivered", "queued"))

    def test_disconnect_ends_a_session(self):
        client, session = self.open("line")
        self.assertEqual(self.observer.ask("disconnect", session=session)["session"], session)
        self.assertTrue(client.is_at_end())
        self.assertEqual(self.observer.until_kind("closed")["session"], session)
        self.assert_error(self.observer.ask("disconnect", session=session), 409, "session_closed")
        self.assert_error(self.observer.ask("disconnect", session=99), 404, "session_not_found")
        self.assert_error(self.observer.ask("inject", session=session, text="x"), 409,
                          "session_closed")

    def test_many_commands_under_way_are_each_answered_once(self):
        client, _ = self.open("exact", is_message=True)
        self.observer.ask("subscribe", q="kind:closed")
        numbers = [self.observer.tell("inject", pipe="exact", text=str(i)) for i in range(1000)]
        for i, number in enumerate(numbers):
            self.assertEqual(self.observer.answer(number)["result"], "delivered")
            self.assertEqual(client.receive(), str(i).encode())


class Documentation(CommandCase):
    """The commands of web/PROTOCOL.md, as they stand there, and the members of their answers."""

    def dialogues(self):
        text = PROTOCOL.read_text(encoding="utf-8").split("\n# Commands\n")[1].split("\n# ")[0]
        for block in re.findall(r"```json\n(.*?)```", text, re.S):
            lines = [json.loads(line) for line in block.splitlines()]
            yield from zip(lines[::2], lines[1::2], strict=True)

    def test_each_example_is_answered_as_it_says(self):
        peers = [self.connect(self.server, "exact", True) for _ in range(2)]
        observer = self.commands()
        answered = set()
        for command, expected in self.dialogues():
            with self.subTest(command["command"]):
                if command.get("pipe") == "demo":
                    command["pipe"] = "exact"
                if isinstance(command.get("since"), str):
                    command["since"] = command["since"].replace(expected["run"], observer.run)
                observer.socket.send(websocket.TEXT, json.dumps(command).encode())
                if command["command"] == "call":
                    while peers[1].receive() != command["text"].encode():
                        pass  # what was injected before
                    peers[1].send(b"pong")
                answer = observer.answer(command["id"])
                self.assertEqual(set(answer), set(expected))
                for name in ("type", "ok", "code", "status", "result", "subscribed", "paused",
                             "results", "messages", "bytes"):
                    if name in expected and command.get("pipe") != "exact":
                        self.assertEqual(answer[name], expected[name], name)
                if "event" in expected:
                    self.assertEqual(set(answer["event"]), set(expected["event"]))
                answered.add(command["command"])
        self.assertEqual(answered, {"subscribe", "unsubscribe", "pause", "resume", "inject",
                                    "call", "disconnect"})


@unittest.skipUnless(importlib.util.find_spec("websockets"), "python3-websockets is not installed")
class Example(CommandCase):
    def test_lines_of_a_file_become_messages_of_a_pipe(self):
        client = self.connect(self.server, "line")
        self.server.wait_for_sessions("line", 1)
        lines = b"".join(b"line %d\n" % number for number in range(2500))
        url = f"ws://127.0.0.1:{self.server.port}/api/v1/events"
        done = subprocess.run([sys.executable, "-B", EXAMPLE, url, "line"], input=lines,
                              capture_output=True, check=True, timeout=LONG_S)
        self.assertEqual(json.loads(done.stdout), {"delivered": 2500})
        self.assertEqual(client.receive_exactly(len(lines)), lines)


class Call(CommandCase):
    def setUp(self):
        super().setUp()
        self.observer = self.commands()
        self.client = self.connect(self.server, "exact", True)
        self.session = self.observer.until_kind("opened")["session"]

    def call(self, reply, target=None, **members):
        number = self.observer.tell("call", **(target or {"session": self.session}), **members)
        asked = self.client.receive()
        for text in reply:
            self.client.send(text)
        return asked, self.observer.answer(number)

    def test_what_the_session_says_next_is_the_answer(self):
        for target in (None, {"pipe": "exact"}):
            asked, answer = self.call([b"pong"], target, text="ping")
            self.assertEqual((asked, answer["session"]), (b"ping", self.session))
            seen = {event["seq"]: event for event in self.observer.take(2)}
            self.assertEqual(seen[answer["injected_seq"]]["text"], "ping")
            self.assertEqual(seen[answer["event"]["seq"]], answer["event"])
            self.assertEqual(answer["event"]["text"], "pong")
        asked, answer = self.call([b"noise", b"\xff id7"], hex="00ff", answer="id7")
        self.assertEqual((asked, base64.b64decode(answer["event"]["base64"])),
                         (b"\0\xff", b"\xff id7"))

    def test_a_large_answer_is_whole(self):
        data = b"\1" * 60000
        _, answer = self.call([data], text="x")
        self.assertEqual(answer["event"]["text"].encode(), data)

    def test_what_goes_wrong_is_told_with_its_code(self):
        silent = self.observer.tell("call", session=self.session, text="x", timeout_ms=300)
        self.assert_error(self.observer.ask("call", session=self.session, text="y"), 409,
                          "call_in_progress")
        self.assert_error(self.observer.answer(silent), 504, "no_answer")
        self.assert_error(self.observer.ask("call", session=self.session, text="x", answer="("),
                          400, "bad_filter")
        self.assert_error(self.observer.ask("call", session=self.session, text="x", timeout_ms=0),
                          400, "bad_timeout")
        self.assert_error(self.observer.ask("call", pipe="line", text="x"), 409, "no_session")
        self.assert_error(self.observer.ask("call", session=99, text="x"), 404,
                          "session_not_found")
        self.assertEqual(self.client.receive(), b"x")
        number = self.observer.tell("call", session=self.session, text="x")
        self.assertEqual(self.client.receive(), b"x")
        self.client.close()
        self.assert_error(self.observer.answer(number), 502, "closed_before_answer")

    def test_a_caller_that_leaves_makes_room_for_the_next(self):
        other = self.commands()
        other.tell("call", session=self.session, text="first")
        self.assertEqual(self.client.receive(), b"first")
        other.socket.wire.reset()
        wait_until(lambda: self.observer.ask("call", session=self.session, text="probe",
                                             timeout_ms=1)["code"] == "no_answer", "a free session")


class Wrong(CommandCase):
    def test_each_is_told_with_its_id_and_changes_nothing(self):
        observer = self.commands()
        cases = [
            ("{", None, 400, "bad_json"), ("[]", None, 400, "bad_json"), ("7", None, 400, "bad_json"),
            ("", None, 400, "bad_json"), ('{"id":1,"id":2}', None, 400, "bad_json"),
            ("[" * 5000, None, 400, "bad_json"),
            ("{}", None, 400, "bad_command"), ('{"command":"pause"}', None, 400, "bad_command"),
            ('{"id":1.5,"command":"pause"}', None, 400, "bad_command"),
            ('{"id":{},"command":"pause"}', None, 400, "bad_command"),
            ('{"id":"%s","command":"pause"}' % ("x" * 65), None, 400, "bad_command"),
            ('{"id":1}', 1, 400, "unknown_command"),
            ('{"id":1,"command":7}', 1, 400, "unknown_command"),
            ('{"id":"a\\"\\u0000","command":"pau"}', 'a"\0', 400, "unknown_command"),
            ('{"id":1,"command":"pause","q":"x"}', 1, 400, "unknown_member"),
            ('{"id":1,"command":"subscribe","max_lag_bytes":0}', 1, 400, "bad_max_lag"),
            ('{"id":1,"command":"subscribe","max_lag_bytes":"1x"}', 1, 400, "bad_max_lag"),
            ('{"id":1,"command":"subscribe","text":"x"}', 1, 400, "unknown_member"),
            ('{"id":1,"command":"subscribe","q":7}', 1, 400, "bad_command"),
            ('{"id":1,"command":"subscribe","q":"a\\u0000b"}', 1, 400, "bad_command"),
            ('{"id":1,"command":"subscribe","q":"(a"}', 1, 400, "bad_filter"),
            ('{"id":1,"command":"subscribe","kind":"gap"}', 1, 400, "bad_filter"),
            ('{"id":1,"command":"subscribe","since":"x"}', 1, 400, "bad_since"),
            ('{"id":1,"command":"subscribe","since":-1}', 1, 400, "bad_since"),
            ('{"id":1,"command":"subscribe","pipe":"nobody"}', 1, 404, "pipe_not_found"),
            ('{"id":1,"command":"call","pipe":"line","messages":[]}', 1, 400, "unknown_member"),
            ('{"id":1,"command":"call","pipe":"line"}', 1, 400, "bad_payload"),
            ('{"id":1,"command":"disconnect"}', 1, 400, "bad_command"),
            ('{"id":1,"command":"disconnect","session":"x"}', 1, 404, "session_not_found"),
            ('{"id":1,"command":"inject","text":"x"}', 1, 400, "bad_command"),
            ('{"id":1,"command":"inject","pipe":"line","session":1,"text":"x"}', 1, 400,
             "bad_command"),
            ('{"id":1,"command":"inject","pipe":"line"}', 1, 400, "bad_payload"),
            ('{"id":1,"command":"inject","pipe":"line","hex":"0"}', 1, 400, "bad_payload"),
            ('{"id":1,"command":"inject","pipe":"line","text":"x","messages":[]}', 1, 400,
             "bad_command"),
            ('{"id":1,"command":"inject","pipe":"line","messages":{}}', 1, 400, "bad_command"),
            ('{"id":1,"command":"inject","pipe":"line","messages":["x"]}', 1, 400, "bad_payload"),
            ('{"id":1,"command":"inject","pipe":"line","messages":[{"text":"x","pipe":"other"}]}', 1,
             400, "unknown_member"),
            ('{"id":1,"command":"inject","pipe":"nobody","text":"x"}', 1, 404, "pipe_not_found"),
            ('{"id":1,"command":"inject","session":77,"text":"x"}', 1, 404, "session_not_found"),
            ('{"id":1,"command":"inject","pipe":"line","direction":"c2s","text":"x"}', 1, 400,
             "direction_not_possible"),
            ('{"id":9223372036854775807,"command":"x"}', 9223372036854775807, 400,
             "unknown_command"),
        ]
        for text, number, status, code in cases:
            with self.subTest(text[:80]):
                answer = observer.say(websocket.TEXT, text.encode())
                self.assert_error(answer, status, code)
                self.assertEqual(answer["id"], number)
        self.connect(self.server, "line").send(b"still shown\n")
        self.assertEqual(observer.messages(1)[0]["text"], "still shown")
        self.assertEqual(observer.start_seq + 2, self.all_events()[-1]["seq"])  # nothing was injected

    def test_binary_that_is_none(self):
        observer = self.commands()
        good = injections(7, [b"abc", b""], pipe_name="line")
        wrong = [good[:size] for size in range(len(good))] + [good + b"x"]
        for offset, value in ((0, 2), (1, 2), (2, 3), (3, 1), (4, 3), (24, 0), (24, 200), (28, 1)):
            wrong.append(good[:offset] + bytes([value]) + good[offset + 1:])
        wrong.append(injections(7, [b"x"], pipe_name="line", session=1))
        for data in wrong:
            answer = observer.say(websocket.BINARY, data)
            self.assert_error(answer, 400, "bad_command")
            self.assertIn(answer["id"], (7, None))
        self.assert_error(observer.say(websocket.BINARY, injections(7, [b"x"], pipe_name="nobody")),
                          404, "pipe_not_found")
        huge = struct.pack("<BBBBIQQII", 1, 3, 0, 0, 0xFFFFFFFF, 7, 1, 0, 0) + b"\xff" * 8
        self.assert_error(observer.say(websocket.BINARY, huge), 400, "bad_command")
        self.assertEqual(observer.say(websocket.BINARY, good)["results"], {"no_receiver": 2})

    def test_a_detail_is_whole_however_long_what_it_repeats(self):
        observer = self.commands()
        answer = observer.ask("subscribe", q="é" * 1000 + " (")
        self.assert_error(answer, 400, "bad_filter")
        self.assertIn("é" * 1000, answer["detail"])
        self.assert_error(observer.ask("subscribe", q="é" * 30000), 400, "bad_filter")
        self.assert_error(observer.ask("subscribe", pipe="é" * 30000), 404, "pipe_not_found")

    def test_who_reads_no_answers_is_closed(self):
        frame = websocket.encode_frame(websocket.TEXT, b'{"id":1,"command":"resume"}')
        socket = websocket.WebSocket(self.server.address, receive_buffer_bytes=4096)
        self.addCleanup(socket.close)
        socket.wire.send(frame * 200000)
        code = socket.receive_control(websocket.CLOSE).close_code
        self.assertEqual(code, 1008)
