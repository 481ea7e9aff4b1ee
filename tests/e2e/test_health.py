"""/healthz says whether the pipe thread lives, and what goes on when it does not."""

from harness.bridge import pipe
from harness.case import BridgeCase
from harness.deadline import LONG_S, wait_until
from harness.trace import StoppedThread


class Health(BridgeCase):
    def test_a_stuck_pipe_thread_is_told_and_so_is_its_return(self):
        server = self.bridge(pipes=[pipe("line")])
        observer = self.websocket(server, timeout_s=LONG_S)
        self.assertEqual(server.get("/healthz").status, 200)
        with StoppedThread(server.thread("pb-pipe")):
            answer = wait_until(
                lambda: (a := server.get("/healthz", timeout_s=LONG_S)).status == 503 and a,
                "503 from /healthz", LONG_S)
            self.assertEqual(answer.json["status"], "stuck")
            self.assertEqual(server.get("/api/v1/pipes").status, 200)  # HTTP lives
            client = self.connect(server, "line")  # waits in the backlog
            client.send(b"patience\n")
        wait_until(lambda: server.get("/healthz").status == 200, "200 again", LONG_S)
        self.assertEqual(observer.messages(1)[0]["text"], "patience")

    def test_asking_often_costs_nothing_that_stays(self):
        server = self.bridge(pipes=[pipe("line")])
        for _ in range(200):
            self.assertEqual(server.get("/healthz").status, 200)
        observer = self.ndjson(server, "?since=0")
        self.assertEqual(observer.start_seq, 0)  # it is no event
