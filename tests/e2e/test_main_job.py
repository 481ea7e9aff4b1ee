"""The main job on real input: a tool watched live, a script that talks in messages, a game."""

import json
import textwrap

from harness.bridge import pipe
from harness.case import BridgeCase
from harness.clients import need_tool
from harness.deadline import LONG_S


class Vmstat(BridgeCase):
    def test_its_lines_are_seen_as_it_writes_them(self):
        vmstat, socat, shell = need_tool("vmstat"), need_tool("socat"), need_tool("sh")
        server = self.bridge(pipes=[pipe("demo")])
        page, curl = self.websocket(server, timeout_s=LONG_S), self.ndjson(server)
        self.tool(shell, "-c", f"{vmstat} 1 | {socat} - UNIX-CONNECT:{server.path('demo')}")
        opened = page.until_kind("opened")
        self.assertEqual(opened["peer"]["name"], "socat")
        lines = page.messages(4)  # two of headings, the mean since boot, the first second
        self.assertIn("procs", lines[0]["text"])
        self.assertIn("free", lines[1]["text"])
        columns = len(lines[1]["text"].split())
        for line in lines[2:]:
            self.assertEqual(len(line["text"].split()), columns)
        later = lines[3]["wall_ns"] - lines[2]["wall_ns"]
        self.assertGreater(later, 0.5e9)  # it came when it was said, not when a buffer was full
        self.assertEqual([e["text"] for e in curl.messages(4)], [e["text"] for e in lines])


class Script(BridgeCase):
    """A measuring script: it sends a reading per message and takes orders in between."""

    SCRIPT = textwrap.dedent("""
        import json, socket, sys
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as pipe:
            pipe.connect(sys.argv[1])
            pipe.send(json.dumps({"hello": "thermometer"}).encode())
            unit, reading = "C", 20.0
            while order := pipe.recv(4096):
                order = json.loads(order)
                if order["do"] == "stop":
                    break
                if order["do"] == "unit":
                    unit = order["unit"]
                value = reading if unit == "C" else reading * 9 / 5 + 32
                pipe.send(json.dumps({"reading": value, "unit": unit}).encode())
                reading += 1
    """)

    def test_readings_come_and_orders_arrive(self):
        server = self.bridge(pipes=[pipe("meter", mode="message")])
        page = self.websocket(server)
        script = self.tool(need_tool("python3"), "-c", self.SCRIPT, server.path("meter"))
        session = page.until_kind("opened")["session"]
        self.assertEqual(json.loads(page.messages(1)[0]["text"]), {"hello": "thermometer"})

        def order(**what):
            answer = server.post(f"/api/v1/sessions/{session}/messages", json.dumps(what).encode())
            self.assertEqual(answer.status, 201)

        order(do="read")
        self.assertEqual(json.loads(page.messages(1)[0]["text"]), {"reading": 20.0, "unit": "C"})
        order(do="unit", unit="F")
        self.assertEqual(json.loads(page.messages(1)[0]["text"]), {"reading": 69.8, "unit": "F"})
        order(do="stop")
        self.assertEqual(page.until_kind("closed")["reason"], "peer")
        self.assertEqual(script.wait(), 0)


class Player:
    """Plays noughts and crosses on a message pipe; takes the first free cell that it prefers."""

    LINES = ["012", "345", "678", "036", "147", "258", "048", "246"]

    def __init__(self, mark, client, preference):
        self.mark, self.client, self.preference = mark, client, preference
        self.board = {}

    def move(self):
        cell = next(c for c in self.preference if c not in self.board)
        self.board[cell] = self.mark
        self.client.send(f"{self.mark}{cell}".encode())

    def hear(self):
        mark, cell = self.client.receive().decode()
        assert cell not in self.board, f"{cell} twice"
        self.board[cell] = mark

    def winner(self):
        for line in self.LINES:
            marks = {self.board.get(cell) for cell in line}
            if len(marks) == 1 and None not in marks:
                return marks.pop()
        return None


class Game(BridgeCase):
    """Clients whose actions concern each other."""

    def play(self, server, carry):
        """Plays to the end; `carry(mover_index, move)` brings a move across. Returns the moves."""
        page = self.websocket(server)
        clients = [self.connect(server, "game", is_message=True) for _ in range(2)]
        sessions = [e["session"] for e in page.take(2)]
        players = [Player("X", clients[0], "402681357"), Player("O", clients[1], "013572468")]
        moves = []
        for turn in range(9):
            mover, other = players[turn % 2], players[1 - turn % 2]
            mover.move()
            (event,) = page.messages(1, direction="c2s")
            self.assertEqual(event["session"], sessions[turn % 2])
            moves.append(event["text"])
            carry(sessions[1 - turn % 2], event["text"].encode())
            other.hear()
            self.assertEqual(players[0].board, players[1].board)
            if mover.winner():
                break
        self.assertEqual([p.winner() for p in players], ["X", "X"])
        return moves, page, sessions

    def test_a_move_carried_by_injection_into_the_other_session(self):
        server = self.bridge(pipes=[pipe("game", mode="message")])

        def carry(session, move):
            answer = server.post(f"/api/v1/sessions/{session}/messages", move)
            self.assertEqual(answer.status, 201)

        moves, page, _ = self.play(server, carry)
        self.assertEqual(moves[0], "X4")
        self.assertEqual(page.until_kind("injected")["targets"], 1)

    def test_a_move_carried_by_a_broadcasting_pipe(self):
        server = self.bridge(pipes=[pipe("game", mode="message", reply="broadcast")])
        moves, page, _ = self.play(server, lambda session, move: None)
        replies = [e for e in self.ndjson(server, "?since=0").take(2 + 2 * len(moves))
                   if "reply" in e.get("flags", [])]
        self.assertEqual([e["text"] for e in replies], moves)
        self.assertEqual({(e["direction"], e["session"], e["targets"]) for e in replies},
                         {("s2c", 0, 1)})
        page.close()


class Replies(BridgeCase):
    def setUp(self):
        super().setUp()
        self.server = self.bridge(pipes=[
            pipe("none"), pipe("echo", reply="echo"), pipe("cast", reply="broadcast"),
            pipe("exact", mode="message", reply="echo")])
        self.observer = self.ndjson(self.server)

    def test_echo_answers_the_speaker_alone(self):
        first, second = self.connect(self.server, "echo"), self.connect(self.server, "echo")
        sessions = [e["session"] for e in self.observer.take(2)]
        first.send(b"hello\n\xff\n")
        self.assertEqual(first.receive_exactly(8), b"hello\n\xff\n")
        second.send(b"other\n")
        self.assertEqual(second.receive_exactly(6), b"other\n")
        replies = [e for e in self.observer.take(6) if "reply" in e.get("flags", [])]
        self.assertEqual([(e["session"], e["direction"], e["size"]) for e in replies],
                         [(sessions[0], "s2c", 5), (sessions[0], "s2c", 1),
                          (sessions[1], "s2c", 5)])

    def test_echo_keeps_datagrams_apart(self):
        client = self.connect(self.server, "exact", is_message=True)
        for data in (b"one", b"", b"three"):
            client.send(data)
        self.assertEqual([client.receive() for _ in range(3)], [b"one", b"", b"three"])

    def test_broadcast_reaches_all_others(self):
        clients = [self.connect(self.server, "cast") for _ in range(3)]
        self.observer.take(3)
        clients[0].send(b"from the first\n")
        for client in clients[1:]:
            self.assertEqual(client.receive_exactly(15), b"from the first\n")
        clients[1].send(b"from the second\n")
        for client in (clients[0], clients[2]):
            self.assertEqual(client.receive_exactly(16), b"from the second\n")
        said = self.observer.take(4)
        self.assertEqual([e.get("targets") for e in said if e["direction"] == "s2c"], [2, 2])

    def test_none_says_nothing(self):
        clients = [self.connect(self.server, "none") for _ in range(2)]
        self.observer.take(2)
        clients[0].send(b"anyone?\n")
        self.observer.messages(1)
        self.server.inject("none", b"only this")
        for client in clients:
            self.assertEqual(client.receive(), b"only this\n")
