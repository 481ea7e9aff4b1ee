"""Pipes that change while they have sessions: PATCH, and PUT of what is there."""

from harness import websocket
from harness.bridge import pipe
from harness.changes import ChangeCase

KEPT = pipe("kept")


class Patch(ChangeCase):
    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=[KEPT])
        self.observer = self.ndjson(self.server)

    def test_reply_framing_and_limits_change_while_a_session_is_open(self):
        client = self.connect(self.server, "kept")
        client.send(b"said\n")
        self.observer.messages(1)
        answer = self.patch(self.server, "kept", {"reply": "echo", "framing": "nul",
                                                  "limits": {"max_message_bytes": 5}})
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual((answer.json["reply"], answer.json["framing"]), ("echo", "nul"))
        self.assertEqual(answer.json["limits"]["max_message_bytes"], 5)
        self.assertEqual(self.observer.until_kind("pipe_changed")["state"]["framing"], "nul")
        client.send(b"a\nb\0")
        self.assertEqual(client.receive_exactly(4), b"a\nb\0")
        self.assertEqual(self.observer.messages(1, direction="c2s")[0]["text"], "a\nb")
        self.assert_problem(self.server.inject("kept", b"123456"), 413, "too_large")
        client.send(b"123456\0")
        self.assertEqual(self.observer.until_kind("closed")["status"], "too_big")

    def test_null_takes_a_key_back_to_its_default(self):
        self.patch(self.server, "kept", {"reply": "echo", "limits": {"idle_timeout_ms": 5000}})
        answer = self.patch(self.server, "kept", {"reply": None, "limits": None},
                            "application/json")
        self.assertEqual((answer.json["reply"], answer.json["limits"]["idle_timeout_ms"]),
                         ("none", 0))
        # What was given stays, and what is derived of it follows: 16 bits cannot say the default.
        answer = self.patch(self.server, "kept", {"framing": "length16be"})
        self.assertEqual(answer.json["limits"]["max_message_bytes"], 65535)

    def test_what_changes_nothing_is_no_event(self):
        self.assertEqual(self.patch(self.server, "kept", {}).status, 200)
        self.assertEqual(self.patch(self.server, "kept", {"reply": "none"}).status, 200)
        self.put(self.server, "next", pipe("next"))
        self.assertEqual(self.observer.next()["kind"], "pipe_added")

    def test_key_that_cannot_change_is_named_and_nothing_is_applied(self):
        self.put(self.server, "exact", pipe("exact", mode="message"))
        cases = [("kept", {"path": "other.sock"}, "path"), ("kept", {"mode": "message",
                 "framing": None}, "mode"), ("kept", {"permissions": {"mode": "0666"}},
                 "permissions.mode"), ("kept", {"clients": {"allow": [{"user": "root"}]}},
                 "clients.allow"), ("kept", {"role": "client", "limits": None}, "role"),
                 ("exact", {"limits": {"max_message_bytes": 100}}, "limits.max_message_bytes")]
        for name, patch, key in cases:
            with self.subTest(key):
                before = self.server.get(f"/api/v1/pipes/{name}").json["config"]
                answer = self.patch(self.server, name, {"reply": "echo"} | patch)
                self.assert_problem(answer, 409, "pipe_exists")
                self.assertIn(f"its {key} cannot change while it is", answer.json["detail"])
                after = self.server.get(f"/api/v1/pipes/{name}").json["config"]
                self.assertEqual(after, before)

    def test_wrong_patch_is_told_with_its_pointer(self):
        for patch, detail in (([], "the pipe: a patch must be an object, not a list"),
                              ({"limits": {"max_instance": 1}}, "/limits/max_instance: unknown "
                               'key; did you mean "max_instances"?'),
                              ({"name": "x"}, '/name: is not the name that was asked for, "kept"; '
                               "leave it out")):
            answer = self.patch(self.server, "kept", patch)
            self.assert_problem(answer, 400, "bad_pipe")
            self.assertEqual(answer.json["detail"], detail)
        self.assert_problem(self.patch(self.server, "none", {}), 404, "pipe_not_found")
        self.assert_problem(self.patch(self.server, "kept", {}, "text/plain"), 415,
                            "unsupported_type")

    def test_more_instances_let_in_who_waits(self):
        self.patch(self.server, "kept", {"limits": {"max_instances": 1}})
        self.connect(self.server, "kept")
        self.observer.until_kind("opened")
        self.connect(self.server, "kept")
        self.observer.until_kind("error")
        self.patch(self.server, "kept", {"limits": {"max_instances": 2}})
        self.observer.until_kind("opened")

    def test_put_of_what_can_change_does_it(self):
        client = self.connect(self.server, "kept")
        self.observer.until_kind("opened")
        self.assertEqual(self.put(self.server, "kept", pipe("kept", reply="echo")).status, 200)
        client.send(b"once\n")
        self.assertEqual(client.receive_exactly(5), b"once\n")

    def test_framing_of_taps_and_clients_changes_too(self):
        target = str(self.server.path("kept"))
        self.put(self.server, "tap", {"role": "tap", "path": "tap.sock", "framing": "line",
                                      "upstream": target})
        client = self.connect(self.server, "tap")
        client.send(b"one\0two")
        self.observer.until_kind("opened", pipe="tap")
        self.server.wait_for_sessions("kept", 1)
        self.assertEqual(self.patch(self.server, "tap", {"framing": "nul"}).status, 200)
        self.observer.until_kind("message", pipe="tap", text="one")
        client.send(b"\n\0")
        self.observer.until_kind("message", pipe="tap", text="two\n")
        link = {"role": "client", "path": target, "framing": "nul"}
        self.put(self.server, "link", link)
        self.server.wait_for_sessions("link", 1)
        self.assertEqual(self.patch(self.server, "link", {"framing": "line"}).status, 200)
        self.server.inject("link", b"by line")
        self.observer.until_kind("message", pipe="kept", text="by line")

    def test_private_sessions_change_with_their_pipe(self):
        link = {"role": "client", "shared": False, "framing": "nul",
                "path": str(self.server.path("kept"))}
        self.put(self.server, "link", link)
        self.assertEqual(self.patch(self.server, "link", {"framing": "none"}).status, 200)
        private = self.socket("link", "connect")
        self.assertEqual(self.patch(self.server, "link", {"framing": "length16be"}).status, 200)
        self.assertEqual(self.patch(self.server, "link", {"framing": "line"}).status, 200)
        private.send(websocket.TEXT, b"privately")
        self.observer.until_kind("message", pipe="kept", text="privately")
        self.assertEqual(self.delete(self.server, "link").status, 204)
        self.assert_removed(private)

    def test_raw_websocket_hears_of_a_change_and_of_the_end(self):
        self.put(self.server, "added", pipe("added"))
        raw = self.socket("added", "ws")
        self.patch(self.server, "added", {"limits": {"max_message_bytes": 5}})
        raw.send(websocket.TEXT, b"12345")
        self.observer.until_kind("injected", pipe="added")
        self.delete(self.server, "added")
        self.assert_removed(raw)

    def socket(self, name, route):
        socket_ = websocket.WebSocket(self.server.address, f"/api/v1/pipes/{name}/{route}",
                                      protocols=())
        self.addCleanup(socket_.close)
        return socket_

    def assert_removed(self, socket_):
        opcode, payload = socket_.receive_message()
        self.assertEqual((opcode, payload), (websocket.CLOSE, b"\x03\xe9the pipe was removed"))
