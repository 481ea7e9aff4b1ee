"""The example programs of pipecore: each is started, and clients of our own talk to it."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

from harness.clients import PipeClient
from harness.deadline import LONG_S

BUILD = os.environ.get("PIPEBRIDGE_BUILD", "")
SOURCES = pathlib.Path(__file__).resolve().parents[2] / "pipecore" / "examples"
PRINTED_LINES = 120  # on two pages


class ExampleCase(unittest.TestCase):
    def setUp(self):
        if not BUILD:
            raise unittest.SkipTest("PIPEBRIDGE_BUILD names no build folder: ctest does")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pb-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.path = self.folder / "pipe"
        self.running = []

    @staticmethod
    def program(name):
        return pathlib.Path(BUILD) / "pipecore" / "examples" / name

    def start(self, name, *arguments):
        process = subprocess.Popen([self.program(name), self.path, *arguments],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.running.append(process)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process

    def tearDown(self):
        for process in self.running:
            self.end(process)

    def end(self, process):
        """What ends it is our signal; what it said is no report of a sanitizer."""
        self.assertIsNone(process.poll(), "it ended by itself")
        process.terminate()
        _, said = process.communicate(timeout=LONG_S)
        self.assertNotIn(b"Sanitizer", said, said.decode(errors="replace"))
        self.assertEqual(process.returncode, -signal.SIGTERM, said)

    def connect(self, is_message):
        client = PipeClient(self.path, is_message, timeout_s=LONG_S)
        self.addCleanup(client.close)
        return client

    def run_client(self, *messages):
        done = subprocess.run([self.program("client"), self.path, *messages], capture_output=True,
                              timeout=LONG_S, check=False)
        self.assertNotIn(b"Sanitizer", done.stderr)
        return done


class EchoServers(ExampleCase):
    """The four servers of the documentation are one service."""

    ALL = ("simple", "threads", "overlapped", "completion")
    CONCURRENT = ALL[1:]

    def serve(self, name):
        self.path = self.folder / name
        self.start(name)

    def echo(self, client, message):
        client.send(message)
        self.assertEqual(client.receive(), message)

    def test_every_message_is_answered_by_itself(self):
        for name in self.ALL:
            with self.subTest(name):
                self.serve(name)
                client = self.connect(True)
                for size in 1, 2, 4096, 60000:
                    self.echo(client, os.urandom(size))
                client.send(b"one")
                client.send(b"two")
                self.assertEqual(client.receive(), b"one")
                self.assertEqual(client.receive(), b"two")

    def test_clients_come_one_after_the_other(self):
        for name in self.ALL:
            with self.subTest(name):
                self.serve(name)
                for number in range(30):
                    client = self.connect(True)
                    if number % 3:  # else it leaves without a word
                        self.echo(client, b"%d" % number)
                    if number % 2:
                        client.send(b"its answer is not awaited")
                    client.close()
                self.echo(self.connect(True), b"still there")

    def test_many_clients_are_served_at_once(self):
        for name in self.CONCURRENT:
            with self.subTest(name):
                self.serve(name)
                clients = [self.connect(True) for _ in range(150)]
                for round_number in range(3):
                    for number, client in enumerate(clients):
                        client.send(b"%d of %d" % (round_number, number))
                    for number, client in reversed(list(enumerate(clients))):
                        self.assertEqual(client.receive(), b"%d of %d" % (round_number, number))

    def test_second_client_of_the_simple_one_waits(self):
        self.serve("simple")
        first, second = self.connect(True), self.connect(True)
        second.send(b"second")
        self.echo(first, b"first")
        second.socket.settimeout(0.05)
        self.assertRaises(socket.timeout, second.receive)
        first.close()
        second.socket.settimeout(LONG_S)
        self.assertEqual(second.receive(), b"second")

    def test_example_client_prints_the_answers(self):
        for name in self.ALL:
            with self.subTest(name):
                self.serve(name)
                done = self.run_client("hello", "", "a longer one " * 1000)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(done.stdout, b"hello\n\n" + b"a longer one " * 1000 + b"\n")

    def test_client_without_a_server_says_so(self):
        done = self.run_client("hello")
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(self.path).encode(), done.stderr)

    def test_server_without_a_path_says_so(self):
        for name in self.ALL:
            done = subprocess.run([self.program(name)], capture_output=True, timeout=LONG_S,
                                  check=False)
            self.assertEqual(done.returncode, 1, name)
            self.assertIn(name.encode(), done.stderr)


class Game(ExampleCase):
    def join(self):
        player = self.connect(False)
        player.file = player.socket.makefile("rb")
        self.addCleanup(player.file.close)
        self.assertTrue(player.file.readline().startswith(b"you are player "))
        return player

    def test_a_move_reaches_the_others_and_not_its_player(self):
        self.start("game")
        players = [self.join()]
        for number in 2, 3, 4:
            players.append(self.join())
            for player in players[:-1]:
                line = player.file.readline()
                self.assertEqual(line, b"player %d came (process %d)\n" % (number, os.getpid()))
        for number, player in enumerate(players, start=1):
            player.send(b"e%d\n" % number)
            for other in players:
                if other is not player:
                    self.assertEqual(other.file.readline(), b"player %d: e%d\n" % (number, number))
        players[1].file.close()
        players[1].close()
        for other in players[0], players[2], players[3]:
            self.assertEqual(other.file.readline(), b"player 2 left (peer)\n")

    def test_player_who_does_not_look_has_to_leave(self):
        self.start("game")
        blind, mover, watcher = self.join(), self.join(), self.join()
        self.assertIn(b"player 3 came", mover.file.readline())
        seen = []
        thread = threading.Thread(target=lambda: seen.extend(
            iter(watcher.file.readline, b"player 1 left (local)\n")))
        thread.start()
        move = b"m" * 200 + b"\n"
        while thread.is_alive():
            mover.send(move)
        thread.join()
        self.assertEqual(set(seen), {b"player 2: " + move})
        self.assertTrue(blind.is_at_end())


class KeyValue(ExampleCase):
    def setUp(self):
        super().setUp()
        self.file = self.folder / "values"

    def ask(self, client, request):
        client.send(request.encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            answer += client.receive()
        return answer.decode().rstrip("\n")

    def test_requests_are_answered(self):
        self.start("keyvalue", self.file)
        client = self.connect(False)
        for request, answer in (("get color", "absent"), ("set color dark green", "dark green"),
                                ("get color", "dark green"), ("set color red", "red"),
                                ("get color", "red"), ("add visits 2", "2"), ("add visits -5", "-3"),
                                ("get", "set KEY VALUE, get KEY or add KEY NUMBER")):
            self.assertEqual(self.ask(client, request), answer, request)
        self.assertEqual(self.file.read_text().splitlines(),
                         ["color dark green", "color red", "visits 2", "visits -3"])

    def test_many_change_one_value_and_no_change_is_lost(self):
        self.start("keyvalue", self.file)

        def add():
            with PipeClient(self.path, timeout_s=LONG_S) as client:
                for _ in range(100):
                    self.ask(client, "add total 3")

        threads = [threading.Thread(target=add) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.ask(self.connect(False), "get total"), "2400")
        self.assertEqual(len(self.file.read_text().splitlines()), 800)

    def test_values_outlive_the_process(self):
        process = self.start("keyvalue", self.file)
        self.assertEqual(self.ask(self.connect(False), "set city Hamburg"), "Hamburg")
        self.end(process)
        self.running.remove(process)
        self.start("keyvalue", self.file)
        self.assertEqual(self.ask(self.connect(False), "get city"), "Hamburg")


class Sources(unittest.TestCase):
    def test_each_prints_on_two_pages(self):
        for source in SOURCES.glob("*.c"):
            self.assertLessEqual(len(source.read_text().splitlines()), PRINTED_LINES, source)


if __name__ == "__main__":
    unittest.main()
