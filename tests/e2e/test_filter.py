"""`q`: the same filter for the live stream, its past, and what was said."""

import json
import os
import pwd
from urllib.parse import quote

from harness.bridge import pipe
from harness.case import BridgeCase
from harness.clients import need_tool
from harness.observer import BOTH

PIPES = [pipe("line"), pipe("other"), pipe("echo", reply="echo")]


class Filter(BridgeCase):
    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=PIPES)
        self.live = self.ndjson(self.server)
        self.clients = {name: self.connect(self.server, name) for name in ("line", "other", "echo")}

    def say(self, name, *texts):
        self.clients[name].send(b"".join(text.encode() + b"\n" for text in texts))
        return self.live.until(lambda e: e.get("text") == texts[-1])[-1]

    def observe(self, kind, query):
        observer = BOTH[kind](self.server.address, query)
        self.addCleanup(observer.close)
        return observer

    def test_q_narrows_past_and_present_alike(self):
        self.say("line", "alpha 1", "beta 2", "ALPHA 3")
        self.say("other", "alpha 4", "gamma")
        queries = {
            "alpha": ["alpha 1", "ALPHA 3", "alpha 4"],
            "alpha pipe:line": ["alpha 1", "ALPHA 3"],
            "/^alpha/ or gamma": ["alpha 1", "alpha 4", "gamma"],
            "kind:message -alpha": ["beta 2", "gamma"],
            "kind:message size<6": ["gamma"],
            "pipe:oth* kind:message": ["alpha 4", "gamma"],
            "hex:6761": ["gamma"],
        }
        for kind in BOTH:
            for query, expected in queries.items():
                with self.subTest(f"{kind} {query}"):
                    observer = self.observe(kind, f"?since=0&q={quote(query)}")
                    texts = [e["text"] for e in observer.take(len(expected))]
                    self.assertEqual(texts, expected)
                    observer.close()
        observers = {kind: self.observe(kind, f"?q={quote('late -lost')}") for kind in BOTH}
        self.say("line", "late lost", "too late", "nothing")
        for observer in observers.values():
            self.assertEqual(observer.next()["text"], "too late")

    def test_q_asks_who_the_peer_is(self):
        self.say("line", "mine")
        socat = self.tool(need_tool("socat"), "-", f"UNIX-CONNECT:{self.server.path('line')}")
        socat.write(b"theirs\n")
        session = self.live.until(lambda e: e.get("text") == "theirs")[-1]["session"]
        socat.close()
        self.live.until_kind("closed", session=session)
        self.server.inject("line", b"all")
        pid = socat.process.pid
        both = ["mine", "theirs"]
        queries = {
            f"pid:{pid}": ["opened", "theirs", "closed"],
            f"kind:message -pid:{pid}": ["mine"],
            f"kind:message pid:{pid},{os.getpid()}": both,
            "kind:message executable:socat*": ["theirs"],
            "kind:message executable:*/socat*": ["theirs"],
            "kind:message -executable:socat*": ["mine"],
            "kind:message peer:socat*": ["theirs"],
            f"kind:message uid:{os.getuid()}": both,
            f"kind:message uid:{pwd.getpwuid(os.getuid()).pw_name}": both,
            f"kind:message uid:{os.getuid() + 1}": [],
            # What is of no session has no peer.
            f"kind:message,injected uid:{os.getuid()} or session:0": ["mine", "theirs", "all"],
        }
        for query, expected in queries.items():
            with self.subTest(query):
                events = self.server.get("/api/v1/messages?order=oldest&q=" + quote(
                    f"({query}) kind:opened,message,injected,closed") +
                    "&kind=opened,message,injected,closed").json["events"]
                self.assertEqual([e.get("text", e["kind"]) for e in events], expected)
        for kind in BOTH:
            with self.subTest(kind):
                observer = self.observe(kind, "?since=0&q=" + quote("executable:socat*"))
                self.assertEqual([e["kind"] for e in observer.take(3)],
                                 ["opened", "message", "closed"])

    def test_parameters_and_q_hold_together(self):
        self.say("line", "one", "two")
        self.say("echo", "three")
        observer = self.observe("ndjson", "?since=0&pipe=line,echo&kind=message&direction=c2s"
                                          f"&q={quote('o or three')}")
        self.assertEqual([e["text"] for e in observer.take(3)], ["one", "two", "three"])

    def test_a_parenthesis_cannot_leave_its_parameter(self):
        answer = self.server.get(f"/api/v1/events?pipe=line&q={quote('a) or (b')}")
        self.assertEqual((answer.status, answer.json["code"]), (400, "bad_filter"))

    def test_what_is_wrong_is_said_with_its_place(self):
        cases = {
            "q=" + quote("a (b"): "q=a (b, at character 3",
            "q=" + quote("bogus:1"): "no key",
            "session=x": "session",
            "direction=up": "direction",
            "kind=" + quote("message or"): "kind",
        }
        for query, words in cases.items():
            for route in ("events", "messages"):
                with self.subTest(f"{route} {query}"):
                    answer = self.server.get(f"/api/v1/{route}?{query}")
                    self.assertEqual((answer.status, answer.json["code"]), (400, "bad_filter"))
                    self.assertIn(words, answer.json["detail"])
        self.assertEqual(self.server.get("/api/v1/events?pipe=none").status, 404)
        self.assertEqual(self.server.get("/api/v1/messages?pipe=none").status, 404)

    def test_an_expression_that_explodes_holds_nobody_up(self):
        greedy = self.observe("ndjson", "?q=" + quote("/^(a+)+$/"))
        self.say("line", *["a" * 60 + "b"] * 3000, "end")
        # Rather shown than hidden, and the stream of the others is whole.
        self.assertEqual(greedy.next()["text"], "a" * 60 + "b")


class Messages(BridgeCase):
    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=PIPES, config={"events": {"memory_bytes": 65536}})
        self.live = self.ndjson(self.server)
        self.client = self.connect(self.server, "line")

    def say(self, *texts):
        self.client.send(b"".join(text.encode() + b"\n" for text in texts))
        return self.live.until(lambda e: e.get("text") == texts[-1])[-1]

    def pages(self, query):
        """Follows the cursors to the end."""
        name = "since" if "order=oldest" in query else "until"
        cursor, events = "", []
        while True:
            answer = self.server.get(f"/api/v1/messages?{query}{cursor}")
            self.assertEqual(answer.status, 200)
            events += answer.json["events"]
            if answer.json["next"] is None:
                return events
            cursor = f"&{name}={answer.json['next']}"

    def test_newest_or_oldest_first_each_once(self):
        texts = [f"m{i}" for i in range(25)]
        self.say(*texts)
        for limit in (1, 7, 25, 1000):
            self.assertEqual([e["text"] for e in self.pages(f"limit={limit}&order=oldest")], texts)
            self.assertEqual([e["text"] for e in self.pages(f"limit={limit}")], texts[::-1])

    def test_a_range_begins_after_since_and_ends_with_until(self):
        last = self.say("a", "b", "c", "d")["seq"]
        get = self.server.get(f"/api/v1/messages?order=oldest&since={last - 3}&until={last - 1}")
        self.assertEqual([e["text"] for e in get.json["events"]], ["b", "c"])
        self.assertIsNone(get.json["next"])

    def test_only_what_was_said_unless_asked_otherwise(self):
        self.say("x")
        self.server.inject("line", b"y")
        self.live.until_kind("injected")
        kinds = [e["kind"] for e in self.pages("order=oldest")]
        self.assertEqual(kinds, ["message", "injected"])
        self.assertEqual([e["kind"] for e in self.pages("kind=opened")], ["opened"])

    def test_each_parameter_narrows(self):
        said = self.say("x", "y")
        self.server.inject("line", b"z")
        self.live.until_kind("injected")
        for query, texts in [("pipe=line", "xyz"), ("pipe=no*", ""), ("session=99", ""),
                             (f"session={said['session']}", "xy"), ("direction=s2c", "z"),
                             ("kind=injected", "z"), ("pipe=line&direction=c2s&limit=1", "xy")]:
            with self.subTest(query):
                told = "".join(event["text"] for event in self.pages("order=oldest&" + query))
                self.assertEqual(told, texts)

    def test_lines_on_request(self):
        self.say("x", "y")
        answer = self.server.get("/api/v1/messages?order=oldest",
                                 headers={"Accept": "application/x-ndjson"})
        self.assertEqual(answer.headers["content-type"], "application/x-ndjson")
        events = [json.loads(line) for line in answer.body.splitlines()]
        self.assertEqual([e["text"] for e in events], ["x", "y"])

    def test_what_memory_no_longer_holds_is_a_gap_in_its_place(self):
        last = self.say(*[f"{i:04}" + "x" * 1000 for i in range(2000)], "end")["seq"]
        oldest = self.pages("order=oldest&limit=1000")
        newest = self.pages("limit=50")
        self.assertEqual([e["seq"] for e in newest], [e["seq"] for e in oldest][::-1])
        gap = oldest[0]
        self.assertEqual((gap["kind"], gap["reason"], gap["from"]), ("gap", "expired", 1))
        self.assertEqual(gap["count"] + len(oldest) - 1, last)

    def test_another_run_is_told_apart(self):
        self.say("x")
        events = self.pages("order=oldest&since=00000000deadbeef:9")
        self.assertEqual([e["kind"] for e in events], ["gap", "message"])
        self.assertEqual(events[0]["reason"], "run")
        answer = self.server.get("/api/v1/messages?until=00000000deadbeef:9")
        self.assertEqual((answer.status, answer.json["code"]), (400, "other_run"))

    def test_bad_parameters_are_refused(self):
        for query in ("limit=0", "limit=1001", "limit=x", "order=up", "since=x", "until="):
            with self.subTest(query):
                self.assertEqual(self.server.get(f"/api/v1/messages?{query}").status, 400)
