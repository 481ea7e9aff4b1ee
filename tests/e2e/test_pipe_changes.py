"""Pipes that are added, changed and removed while the bridge runs."""

import socket
import threading

from harness import http
from harness.bridge import IS_SANITIZED, pipe
from harness.changes import ChangeCase
from harness.clients import PipeClient
from harness.deadline import LONG_S, wait_until

KEPT = pipe("kept")


class AddAndRemove(ChangeCase):
    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=[KEPT])

    def test_added_pipe_is_listed_and_serves_at_once(self):
        answer = self.put(self.server, "added", pipe("added"))
        self.assertEqual(answer.status, 201, answer.body)
        self.assertEqual(answer.headers["location"], "/api/v1/pipes/added")
        self.assertEqual(answer.json["path"], str(self.server.path("added")))
        self.assertEqual(self.names(self.server), ["kept", "added"])
        observer = self.ndjson(self.server, "?pipe=added")
        client = self.connect(self.server, "added")
        client.send(b"hello\n")
        self.assertEqual(observer.messages(1)[0]["text"], "hello")
        self.assertEqual(self.server.inject("added", b"back").status, 201)
        self.assertEqual(client.receive_exactly(5), b"back\n")

    def test_removed_pipe_ends_its_sessions_and_leaves_nothing(self):
        before = self.files(self.server), self.server.fd_count()
        observer = self.ndjson(self.server)
        self.put(self.server, "added", pipe("added"))
        client = self.connect(self.server, "added")
        observer.until_kind("opened")
        self.assertEqual(self.delete(self.server, "added").status, 204)
        self.assertEqual(observer.until_kind("closed")["reason"], "removed")
        self.assertEqual(observer.until_kind("pipe_removed")["pipe"], "added")
        self.assertTrue(client.is_at_end())
        client.close()
        observer.close()
        self.assertEqual(self.names(self.server), ["kept"])
        self.assert_problem(self.server.get("/api/v1/pipes/added"), 404, "pipe_not_found")
        self.assert_problem(self.delete(self.server, "added"), 404, "pipe_not_found")
        wait_until(lambda: (self.files(self.server), self.server.fd_count()) == before,
                   "nothing to be left of the pipe")

    def test_pipe_of_the_configuration_can_go_and_come_back(self):
        config = self.server.get("/api/v1/pipes/kept").json["config"]
        self.assertEqual(self.delete(self.server, "kept").status, 204)
        self.assertEqual(self.names(self.server), [])
        self.assertEqual(self.put(self.server, "kept", config).status, 201)
        self.connect(self.server, "kept")
        self.server.wait_for_sessions("kept", 1)

    def test_observers_are_told_in_the_right_place(self):
        observer = self.ndjson(self.server)
        self.put(self.server, "added", pipe("added"))
        self.connect(self.server, "added").send(b"said\n")
        told = observer.take(3)
        self.delete(self.server, "added")
        told += observer.take(2)
        self.assertEqual([event["kind"] for event in told],
                         ["pipe_added", "opened", "message", "closed", "pipe_removed"])
        added, removed = told[0], told[-1]
        self.assertEqual((added["pipe"], added["session"]), ("added", 0))
        self.assertEqual(added["state"]["framing"], "line")
        self.assertEqual(removed["state"]["c2s"], {"messages": 1, "bytes": 4})
        # Memory keeps the name of what is gone.
        (said,) = self.server.get("/api/v1/messages?q=pipe:added").json["events"]
        self.assertEqual((said["pipe"], said["text"]), ("added", "said"))

    def test_snapshot_has_the_index_of_each_and_names_the_removed(self):
        for name in ("one", "two"):
            self.put(self.server, name, pipe(name))
        self.delete(self.server, "one")
        self.put(self.server, "one", pipe("one"))
        snapshot = self.websocket(self.server).snapshot
        self.assertEqual([(entry["name"], entry["index"]) for entry in snapshot["pipes"]],
                         [("kept", 0), ("two", 2), ("one", 3)])
        self.assertEqual(snapshot["removed_pipes"], [{"name": "one", "index": 1}])

    def test_put_of_the_same_changes_nothing(self):
        observer = self.ndjson(self.server)
        first = self.put(self.server, "added", pipe("added"))
        again = self.put(self.server, "added", {"path": "./added.sock", "framing": "line"})
        self.assertEqual((first.status, again.status), (201, 200))
        whole = self.put(self.server, "added", first.json["config"])
        self.assertEqual(whole.status, 200)
        self.assertEqual(whole.json["config"], first.json["config"])
        self.connect(self.server, "added")
        self.assertEqual([event["kind"] for event in observer.take(2)], ["pipe_added", "opened"])

    def test_put_that_needs_an_end_of_sessions_is_refused(self):
        self.put(self.server, "added", pipe("added"))
        answer = self.put(self.server, "added", pipe("added") | {"path": "other.sock"})
        self.assert_problem(answer, 409, "pipe_exists")
        self.assertIn("its path cannot change", answer.json["detail"])
        self.assertEqual(self.files(self.server).count("other.sock"), 0)

    def test_who_waits_for_a_removed_pipe_is_answered(self):
        self.put(self.server, "added", pipe("added"))
        observer = self.ndjson(self.server, "?kind=injected")
        self.connect(self.server, "added")
        self.server.wait_for_sessions("added", 1)
        answers = []

        def ask(path, body):
            answers.append(self.server.post(f"/api/v1/pipes/added/{path}", body, timeout_s=LONG_S))

        asking = threading.Thread(target=ask, args=("call", b"question"))
        asking.start()
        observer.until_kind("injected")
        self.assertEqual(self.delete(self.server, "added").status, 204)
        asking.join(LONG_S)
        self.assert_problem(answers[0], 502, "closed_before_answer")
        self.assert_problem(self.server.inject("added", b"x"), 404, "pipe_not_found")

    def test_injection_into_a_removed_pipe_is_answered(self):
        self.put(self.server, "added", pipe("added"))
        self.delete(self.server, "added")
        self.assert_problem(self.server.inject("added", b"x"), 404, "pipe_not_found")


class Refusals(ChangeCase):
    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=[KEPT])
        self.before = self.server.get("/api/v1/pipes").json["pipes"], self.files(self.server)

    def assert_unchanged(self):
        self.assertEqual((self.server.get("/api/v1/pipes").json["pipes"],
                          self.files(self.server)), self.before)

    def assert_refused(self, entry, detail, name="added"):
        answer = self.put(self.server, name, entry)
        self.assert_problem(answer, 400, "bad_pipe")
        self.assertIn(detail, answer.json["detail"].split("\n"))
        self.assert_unchanged()

    def test_each_problem_is_told_with_its_pointer(self):
        self.assert_refused(b"{", "the pipe: line 1, column 1: string or '}' expected near end of "
                                  "file")
        self.assert_refused([], "the pipe: must be an object, not a list")
        self.assert_refused({}, "/path: missing")
        self.assert_refused({"path": "a", "limits": {"max_instances": 0}},
                            "/limits/max_instances: 0 is below the minimum 1")
        self.assert_refused({"path": "a", "fraiming": "line"},
                            '/fraiming: unknown key; did you mean "framing"?')
        self.assert_refused({"path": "a", "clients": {"allow": [{}]}},
                            "/clients/allow/0: must name a user, a group or an executable: as it "
                            "is it means everybody")
        self.assert_refused({"path": "a", "name": "other"},
                            '/name: is not the name that was asked for, "added"; leave it out')
        self.assert_refused({"path": "../a"}, '/path: must not leave the runtime directory by '
                                              '".."; write an absolute path instead')
        self.assert_refused({"path": "a"}, "/name: a name may have only A-Z a-z 0-9 . _ - and "
                                           "must not begin with a dot", name="a%20b")

    def test_message_larger_than_the_run_is_made_for(self):
        self.assert_refused({"path": "a", "limits": {"max_message_bytes": 65537}},
                            "/limits/max_message_bytes: 65537 is above events.max_message_bytes, "
                            "65536; raise that, or lower this")

    def test_path_in_use(self):
        answer = self.put(self.server, "added", {"path": "kept.sock"})
        self.assert_problem(answer, 409, "path_in_use")
        self.assertIn('the path of pipe "kept"', answer.json["detail"])
        foreign = self.folder / "foreign.sock"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(foreign))
            listener.listen()
            answer = self.put(self.server, "added", {"path": str(foreign)})
        self.assert_problem(answer, 409, "path_in_use")
        self.assertIn(str(foreign), answer.json["detail"])
        self.assert_unchanged()

    def test_what_the_system_refuses_leaves_nothing(self):
        count = self.server.fd_count()
        for path in ("/proc/none.sock", str(self.folder / "none" / "a.sock")):
            answer = self.put(self.server, "added", {"path": path})
            self.assert_problem(answer, 422, "pipe_refused")
            self.assertIn(path, answer.json["detail"])
        self.assert_unchanged()
        wait_until(lambda: self.server.fd_count() <= count, "descriptors to be closed")
        self.assertEqual(self.put(self.server, "added", pipe("added")).json["index"], 1)

    def test_other_content_types_and_bad_parameters(self):
        answer = self.server.request("PUT", "/api/v1/pipes/added", b"{}",
                                     {"Content-Type": "text/plain"})
        self.assert_problem(answer, 415, "unsupported_type")
        answer = self.delete(self.server, "kept", "?drain_ms=3001")
        self.assert_problem(answer, 400, "bad_drain_ms")
        self.assert_unchanged()

    def test_changes_can_be_switched_off(self):
        server = self.bridge(name="fixed", pipes=[pipe("still")],
                             config={"http": {"allow_changes": False}})
        for answer in (self.put(server, "added", pipe("added")), self.delete(server, "still"),
                       self.patch(server, "still", {"reply": "echo"})):
            self.assert_problem(answer, 403, "changes_not_allowed")
        self.assertEqual(self.names(server), ["still"])


class Kinds(ChangeCase):
    def server_errors(self, observer):
        errors = []
        while (event := observer.next())["kind"] != "pipe_removed":
            if event["kind"] == "error":
                errors.append(event["detail"])
        return errors

    def test_tap_and_client_come_and_go(self):
        server = self.bridge(pipes=[pipe("end", reply="echo")])
        target = str(server.path("end"))
        tap = {"role": "tap", "path": "tap.sock", "framing": "line", "upstream": target}
        self.assertEqual(self.put(server, "tap", tap).status, 201)
        client = self.connect(server, "tap")
        client.send(b"through\n")
        self.assertEqual(client.receive_exactly(8), b"through\n")
        self.assertEqual(self.delete(server, "tap").status, 204)
        self.assertTrue(client.is_at_end())
        link = {"role": "client", "path": target, "framing": "line"}
        self.assertEqual(self.put(server, "link", link).status, 201)
        server.wait_for_sessions("link", 1)
        self.assertEqual(server.inject("link", b"hello").status, 201)
        self.assertEqual(self.delete(server, "link").status, 204)
        server.wait_for_sessions("end", 0)

    def test_what_waits_for_a_server_that_is_away_is_told_as_lost(self):
        server = self.bridge(pipes=[])
        observer = self.ndjson(server)
        link = {"role": "client", "path": str(self.folder / "none.sock"), "framing": "line"}
        self.put(server, "link", link)
        self.assertEqual(server.inject("link", b"kept").status, 202)
        self.assertEqual(self.delete(server, "link").status, 204)
        errors = self.server_errors(observer)
        self.assertIn("1 messages of 4 bytes that waited for pipe link are lost: it is removed",
                      errors[-1])

    def test_fifo_comes_and_goes(self):
        server = self.bridge(pipes=[])
        observer = self.ndjson(server)
        entry = {"transport": "fifo", "access": "inbound", "framing": "line", "path": "in.fifo"}
        self.assertEqual(self.put(server, "in", entry).status, 201)
        path = server.runtime / "in.fifo"
        path.write_bytes(b"one\n")
        self.assertEqual(observer.messages(1)[0]["text"], "one")
        self.assertEqual(self.delete(server, "in").status, 204)
        self.assertFalse(path.exists())

    def test_every_strategy(self):
        for strategy in ("overlapped", "threads"):
            with self.subTest(strategy):
                server = self.bridge(name=strategy, pipes=[pipe("kept")],
                                     config={"pipe_thread": {"strategy": strategy}})
                for _ in range(3):
                    self.assertEqual(self.put(server, "added", pipe("added")).status, 201)
                    client = self.connect(server, "added")
                    server.wait_for_sessions("added", 1)
                    self.assertEqual(self.delete(server, "added").status, 204)
                    self.assertTrue(client.is_at_end())
                answer = self.put(server, "tap", {"role": "tap", "path": "t", "upstream": "/u"})
                self.assert_problem(answer, 400, "bad_pipe")
                self.assertEqual(server.stop(), 0)


class Races(ChangeCase):
    def test_removed_while_clients_come(self):
        server = self.bridge(pipes=[KEPT])
        ends = threading.Event()

        def come_and_go():
            while not ends.is_set():
                try:
                    with PipeClient(server.path("added")) as client:
                        client.send(b"x\n")
                except OSError:
                    pass  # not there at the moment

        threads = [threading.Thread(target=come_and_go) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(30):
                self.assertEqual(self.put(server, "added", pipe("added")).status, 201)
                self.assertEqual(self.delete(server, "added", "?drain_ms=0").status, 204)
        finally:
            ends.set()
            for thread in threads:
                thread.join()
        events = server.get("/api/v1/messages?order=oldest&limit=1000&kind=pipe_added,pipe_removed,"
                            "opened,closed&q=pipe:added").json["events"]
        is_there, open_sessions = False, set()
        for event in events:
            if event["kind"] in ("pipe_added", "pipe_removed"):
                self.assertEqual(open_sessions, set())
                self.assertEqual(event["kind"] == "pipe_removed", is_there)
                is_there = not is_there
            else:
                self.assertTrue(is_there)
                if event["kind"] == "opened":
                    open_sessions.add(event["session"])
                else:
                    open_sessions.remove(event["session"])

    def test_two_that_ask_for_the_same_name_at_once(self):
        server = self.bridge(pipes=[])
        statuses = []

        def ask():
            for _ in range(20):
                statuses.append(self.put(server, "added", pipe("added")).status)
                statuses.append(self.delete(server, "added").status)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertLessEqual(set(statuses), {200, 201, 204, 404, 409})
        self.delete(server, "added")
        self.assertEqual((self.names(server), self.files(server)), ([], []))

    def test_end_of_the_bridge_in_the_middle_of_changes(self):
        for number in range(5):
            server = self.bridge(name=f"end{number}", pipes=[KEPT])
            self.connect(server, "kept")
            is_under_way = threading.Event()

            def change():
                try:
                    for step in range(10000):
                        self.put(server, f"p{step % 7}", pipe(f"p{step % 7}"))
                        self.patch(server, "kept", {"reply": "echo" if step % 2 else "none"})
                        self.delete(server, f"p{step % 7}")
                        is_under_way.set()
                except (OSError, EOFError, http.ClosedError):
                    pass  # it has ended

            changer = threading.Thread(target=change)
            changer.start()
            is_under_way.wait(LONG_S)
            self.assertEqual(server.stop(), 0)
            changer.join(LONG_S)
            self.assertEqual([name for name in self.files(server) if "lock" not in name], [])

    def test_a_thousand_changes_cost_the_others_nothing(self):
        rounds = 200 if IS_SANITIZED else 1000
        # The rings are touched as they are used, so small ones are full size when it begins.
        small = {"memory_bytes": 1 << 16, "log_bytes": 1 << 16, "queue_bytes": 1 << 16,
                 "max_message_bytes": 1024}
        server = self.bridge(pipes=[KEPT], config={"events": small})
        observer = self.ndjson(server, "?pipe=kept&kind=message")
        client = self.connect(server, "kept")
        ends = threading.Event()
        sent, said = [], []

        def talk():
            while not ends.is_set():
                batch = range(len(sent), len(sent) + 20)
                client.send(b"".join(b"%d\n" % number for number in batch))
                sent.extend(batch)
                said.extend(int(event["text"]) for event in observer.take(20))

        talker = threading.Thread(target=talk)
        talker.start()
        try:
            for number in range(rounds):
                self.assertEqual(self.put(server, "added", pipe("added")).status, 201)
                self.assertEqual(self.delete(server, "added").status, 204)
                if number == rounds // 4:
                    before = server.rss_kib(), server.fd_count()
        finally:
            ends.set()
            talker.join(LONG_S)
        self.assertEqual(said, sent)
        self.assertGreater(len(said), rounds)
        wait_until(lambda: server.fd_count() <= before[1] + 1, "descriptors to be as before")
        if not IS_SANITIZED:
            self.assertLess(server.rss_kib() - before[0], 1024)
