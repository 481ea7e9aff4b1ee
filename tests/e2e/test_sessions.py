"""The life of a session: who it was, and why it ended."""

import os
import signal

from harness.bridge import pipe
from harness.case import BridgeCase
from harness.clients import PipeClient, Tool, need_tool
from harness.deadline import LONG_S
from harness.observer import payload_of

PIPES = [pipe("line"), pipe("exact", mode="message")]


class Peer(BridgeCase):
    def test_the_opened_event_tells_who_connected(self):
        server = self.bridge(pipes=PIPES)
        observer = self.websocket(server)
        self.connect(server, "line")
        peer = observer.until_kind("opened")["peer"]
        self.assertEqual((peer["pid"], peer["uid"], peer["gid"]),
                         (os.getpid(), os.getuid(), os.getgid()))
        self.assertTrue(peer["name"])

    def test_the_endpoint_is_private(self):
        server = self.bridge(pipes=PIPES)
        self.assertEqual(os.stat(server.path("line")).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(server.runtime).st_mode & 0o077, 0)

    def test_session_numbers_are_never_used_again(self):
        server = self.bridge(pipes=PIPES)
        observer = self.ndjson(server)
        seen = []
        for _ in range(50):
            PipeClient(server.path("line")).close()
            seen.append(observer.until_kind("closed")["session"])
        self.assertEqual(len(set(seen)), 50)
        self.assertEqual(seen, sorted(seen))


class Listing(BridgeCase):
    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=PIPES)
        self.observer = self.ndjson(self.server)

    def closed_session(self, words=b"bye\n"):
        client = self.connect(self.server, "line")
        client.send(words)
        client.close()
        return self.observer.until_kind("closed")

    def listed(self, query):
        answer = self.server.get("/api/v1/sessions" + query)
        self.assertEqual(answer.status, 200)
        return answer.json["sessions"]

    def test_a_closed_session_is_told_with_its_reason_and_counters(self):
        closed = self.closed_session()
        told = self.server.get(f"/api/v1/sessions/{closed['session']}").json
        self.assertEqual((told["state"], told["reason"], told["status"], told["closed_wall_ns"]),
                         ("closed", "peer", closed["status"], closed["wall_ns"]))
        self.assertEqual(told["peer"]["pid"], os.getpid())
        self.assertEqual(told["c2s"], {"messages": 1, "bytes": 3})
        self.assert_problem(
            self.server.post(f"/api/v1/sessions/{closed['session']}/messages", b"x"), 409,
            "session_closed")

    def test_lists_are_of_open_ones_unless_asked_otherwise(self):
        first, second = (self.closed_session()["session"] for _ in range(2))
        self.connect(self.server, "exact", is_message=True)
        third = self.observer.until_kind("opened")["session"]
        def ids(query):
            return [session["id"] for session in self.listed(query)]
        self.assertEqual(ids(""), [third])
        self.assertEqual(ids("?state=open"), [third])
        self.assertEqual(ids("?state=closed"), [first, second])
        self.assertEqual(ids("?state=all"), [first, second, third])
        self.assertEqual(ids("?state=all&pipe=line"), [first, second])
        self.assertEqual(ids(f"?state=all&session={second},{third}"), [second, third])
        self.assertEqual(ids(f"?state=all&q=pid:{os.getpid()}%20-pipe:line"), [third])
        self.assertEqual(ids("?state=all&q=pid:1"), [])
        self.assertEqual(self.listed("")[0]["state"], "open")
        self.assertEqual(self.server.get("/api/v1/sessions?state=all").json["forgotten"], 0)
        self.assertNotIn("forgotten", self.server.get("/api/v1/sessions").json)

    def test_what_chooses_no_sessions_is_refused(self):
        self.assert_problem(self.server.get("/api/v1/sessions?state=ajar"), 400, "bad_state")
        for query in ("q=hello", "kind=message", "q=pid:1%20size%3E4"):
            answer = self.server.get("/api/v1/sessions?" + query)
            self.assert_problem(answer, 400, "bad_filter")
            self.assertIn("of events", answer.json["detail"])

    def test_those_that_closed_first_are_forgotten_and_that_is_told(self):
        first = self.closed_session()["session"]
        path = self.server.path("line")
        for _ in range(1000):
            PipeClient(path).close()
        last = self.observer.until_kind("closed", session=first + 1000)["session"]
        answer = self.server.get("/api/v1/sessions?state=closed").json
        self.assertEqual((len(answer["sessions"]), answer["forgotten"]), (1000, 1))
        self.assertEqual(answer["sessions"][-1]["id"], last)
        self.assert_problem(self.server.get(f"/api/v1/sessions/{first}"), 410, "session_forgotten")
        self.assertEqual(self.server.get(f"/api/v1/sessions/{first + 1}").status, 200)
        self.assert_problem(self.server.post(f"/api/v1/sessions/{first}/messages", b"x"), 409,
                            "session_closed")


class Ending(BridgeCase):
    def test_a_client_that_closes(self):
        server = self.bridge(pipes=PIPES)
        for name, is_message in (("line", False), ("exact", True)):
            observer = self.ndjson(server)
            client = self.connect(server, name, is_message)
            client.send(b"bye\n")
            client.close()
            kinds = [(e["kind"], e.get("reason")) for e in observer.take(3)]
            self.assertEqual(kinds, [("opened", None), ("message", None), ("closed", "peer")])

    def test_a_client_that_is_killed(self):
        server = self.bridge(pipes=PIPES)
        observer = self.ndjson(server)
        tool = Tool([need_tool("socat"), "-", f"UNIX-CONNECT:{server.path('line')}"], self.folder)
        self.addCleanup(tool.close)
        session = observer.until_kind("opened")["session"]
        os.kill(tool.process.pid, signal.SIGKILL)
        closed = observer.until_kind("closed")
        self.assertEqual((closed["session"], closed["reason"]), (session, "peer"))

    def test_a_client_that_writes_and_is_gone_before_anyone_looks(self):
        server = self.bridge(pipes=PIPES)
        observer = self.ndjson(server)
        for i in range(100):
            with PipeClient(server.path("line")) as client:
                client.send(b"quick %d\n" % i)
        said = [payload_of(e) for e in observer.until(lambda e: e.get("text") == "quick 99")
                if e["kind"] == "message"]
        self.assertEqual(said, [b"quick %d" % i for i in range(100)])

    def test_the_bridge_stops(self):
        server = self.bridge(pipes=PIPES)
        observer = self.websocket(server)
        client = self.connect(server, "line")
        observer.until_kind("opened")
        server.signal(signal.SIGTERM)
        closed = observer.until_kind("closed")
        self.assertEqual(closed["reason"], "stop")
        self.assertTrue(client.is_at_end())
        self.assertEqual(server.wait(LONG_S), 0)
        self.assertFalse(server.path("line").exists())


class Limits(BridgeCase):
    def test_one_client_too_many_waits_until_another_leaves(self):
        server = self.bridge(pipes=[pipe("line", limits={"max_instances": 2})])
        observer = self.ndjson(server)
        first, second, third = (self.connect(server, "line") for _ in range(3))
        third.send(b"third\n")
        second.send(b"second\n")
        told = observer.until_kind("error")
        self.assertIn("max_instances", told["detail"])
        self.assertEqual(len(server.sessions("line")), 2)
        first.close()
        events = observer.until(lambda e: e.get("text") == "third")
        kinds = [e["kind"] for e in events if e.get("text") != "second"]
        self.assertEqual(kinds, ["closed", "opened", "message"])


class BadManners(BridgeCase):
    """A client that never reads, and one that never writes, harm nobody."""

    def test_a_client_that_never_reads_stops_neither_itself_nor_others(self):
        server = self.bridge(pipes=[pipe("line", reply="echo")],
                             config={"events": {"log_bytes": 64 << 20}})  # read at leisure
        observer = self.ndjson(server, timeout_s=LONG_S)
        deaf = self.connect(server, "line", timeout_s=LONG_S)
        lively = self.connect(server, "line")
        block = b"".join(b"%06d %s\n" % (i, b"x" * 1000) for i in range(5000))
        deaf.send(block)  # 5 MB of echo that nobody takes
        lively.send(b"hello\n")
        self.assertEqual(lively.receive_exactly(6), b"hello\n")
        heard = observer.until(lambda e: e["kind"] == "message" and e["direction"] == "c2s"
                               and e["text"].startswith("004999"))
        said = [e for e in heard if e["kind"] == "message" and e["direction"] == "c2s"]
        self.assertEqual(len([e for e in said if e["size"] == 1007]), 5000)
        lively.send(b"still there\n")
        self.assertEqual(lively.receive_exactly(12), b"still there\n")
        self.assertEqual(server.get("/healthz").status, 200)

    def test_clients_that_never_write_are_only_counted(self):
        server = self.bridge(pipes=PIPES)
        observer = self.ndjson(server)
        silent = [self.connect(server, "line") for _ in range(100)]
        last = observer.take(100)[-1]
        self.assertEqual(last["kind"], "opened")
        talker = self.connect(server, "line")
        talker.send(b"a word\n")
        observer.messages(1)
        self.assertEqual(len(server.sessions("line")), 101)
        answer = server.inject("line", b"to all of you")
        self.assertEqual((answer.status, answer.json["delivered"]), (201, 101))
        for client in silent:
            self.assertEqual(client.receive(), b"to all of you\n")
