"""The main job, watching and injecting, over each strategy by which the pipe thread does its I/O."""

import os

from harness.bridge import pipe
from harness.case import BridgeCase
from harness.deadline import wait_until
from harness.observer import payload_of

STRATEGIES = ("completion", "overlapped", "threads")
ROUNDS, CLIENTS = 50, 30


class Strategy(BridgeCase):
    def serve(self, strategy):
        return self.bridge(pipes=[pipe("line"), pipe("exact", mode="message"),
                                  pipe("echo", reply="echo")],
                           config={"pipe_thread": {"strategy": strategy}})

    def watch_and_inject(self, server):
        """One session of each kind, seen by both kinds of observer."""
        page, curl = self.websocket(server), self.ndjson(server)
        for name, is_message, end in (("line", False, b"\n"), ("exact", True, b"")):
            client = self.connect(server, name, is_message)
            session = page.until_kind("opened")["session"]
            said = [b"%d\xff\x00 \xe2\x82\xac" % number for number in range(ROUNDS)]
            for data in said:
                client.send(data + end)
            self.assertEqual([payload_of(e) for e in page.messages(ROUNDS)], said)
            for target in (f"pipes/{name}", f"sessions/{session}"):
                answer = server.post(f"/api/v1/{target}/messages", b"an order")
                self.assertEqual((answer.status, answer.json["delivered"]), (201, 1))
                self.assertEqual(client.receive_exactly(8 + len(end)), b"an order" + end)
            client.close()
            self.assertEqual(page.until_kind("closed")["reason"], "peer")
        self.assertEqual(len(curl.messages(2 * ROUNDS)), 2 * ROUNDS)

    def crowd(self, server):
        clients = [self.connect(server, "echo") for _ in range(CLIENTS)]
        for number, client in enumerate(clients):
            client.send(b"client %d\n" % number)
        for number, client in enumerate(clients):
            wanted = b"client %d\n" % number
            self.assertEqual(client.receive_exactly(len(wanted)), wanted)
        return clients

    def test_each_strategy_does_the_main_job_and_says_which_it_is(self):
        for strategy in STRATEGIES:
            with self.subTest(strategy):
                server = self.serve(strategy)
                backend = server.get("/healthz").json["backend"]
                is_usual = strategy == "completion"
                self.assertIn(backend, ("epoll", "io_uring") if is_usual else (strategy,))
                self.watch_and_inject(server)
                self.crowd(server)
                self.assertEqual(server.stop(), 0)
                said = f"the pipes are served by strategy {strategy}"
                self.assertEqual(said in server.stderr(), not is_usual)

    def test_threads_come_and_go_with_the_clients(self):
        server = self.serve("threads")

        def has_instances(count):
            tasks = f"/proc/{server.process.pid}/task"
            names = []
            for task in os.listdir(tasks):
                try:
                    with open(f"{tasks}/{task}/comm", encoding="ascii") as comm:
                        names.append(comm.read().strip())
                except (FileNotFoundError, ProcessLookupError):
                    pass  # it has just ended
            return names.count("pc-instance") == count

        def wait_for(count):  # a thread has its name when it runs
            wait_until(lambda: has_instances(count), f"{count} threads of instances")

        idle = 3  # one for the next client of each pipe
        wait_for(idle)
        clients = self.crowd(server)
        wait_for(idle + CLIENTS)
        for client in clients:
            client.close()
        wait_for(idle)
