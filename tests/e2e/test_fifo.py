"""FIFOs as shells and ordinary programs use them: echo, cat, many writers, readers that come and go."""

import os
import signal
import stat
import subprocess

from harness.bridge import Bridge, pipe
from harness.case import BridgeCase
from harness.clients import need_tool
from harness.deadline import LONG_S, SHORT_S, wait_until

PIPE_BUF = 4096


def fifo(name, access, **more):
    """A FIFO of the configuration, cut into lines; it is NAME.fifo."""
    return pipe(name, transport="fifo", access=access, path=f"{name}.fifo", **more)


class FifoCase(BridgeCase):
    PIPE_THREAD = {"backend": "epoll"}

    def serve(self, *pipes):
        # What a full FIFO does not take at once is answered with 202 after half of this time.
        return self.bridge(pipes=list(pipes), config={"pipe_thread": self.PIPE_THREAD,
                                                      "http": {"request_timeout_ms": 1000}})

    @staticmethod
    def path(server, name):
        return server.runtime / f"{name}.fifo"

    def shell(self, script, *arguments):
        """Runs to its end; `arguments` are $1 and so on."""
        return subprocess.run(["sh", "-c", script, "sh", *map(str, arguments)],
                              capture_output=True, timeout=LONG_S, check=False)

    def assert_shell(self, script, *arguments):
        done = self.shell(script, *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout


class Inbound(FifoCase):
    def test_an_echo_is_one_message_of_one_session(self):
        server = self.serve(fifo("feed", "inbound"))
        observer = self.ndjson(server)
        self.assert_shell('echo hello > "$1"', self.path(server, "feed"))
        opened, message, closed = observer.take(3)
        self.assertEqual([e["kind"] for e in (opened, message, closed)],
                         ["opened", "message", "closed"])
        self.assertEqual(opened["peer"], {"pid": -1, "uid": -1, "gid": -1, "name": ""})
        self.assertEqual((message["direction"], message["text"]), ("c2s", "hello"))
        self.assertEqual((closed["reason"], closed["status"]), ("peer", "ok"))

    def test_a_file_arrives_line_by_line(self):
        server = self.serve(fifo("feed", "inbound"))
        observer = self.ndjson(server)
        lines = [f"line {number}" for number in range(5000)]
        (self.folder / "lines").write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.assert_shell('cat "$2" > "$1"; cat "$2" > "$1"', self.path(server, "feed"),
                          self.folder / "lines")
        self.assertEqual([m["text"] for m in observer.messages(10000)], lines + lines)

    def test_lines_of_many_writers_at_once_stay_whole(self):
        server = self.serve(fifo("feed", "inbound"))
        observer = self.ndjson(server)
        script = """
import sys
with open(sys.argv[1], "wb", buffering=0) as fifo:
    for number in range(50):
        line = b"%s %03d " % (sys.argv[2].encode(), number)
        fifo.write(line + sys.argv[2].encode() * (int(sys.argv[3]) - len(line) - 1) + b"\\n")
"""
        python = need_tool("python3")
        writers = [subprocess.Popen([python, "-c", script, self.path(server, "feed"), letter,
                                     str(size)])
                   for letter, size in zip("abcdefgh", [PIPE_BUF, 64, PIPE_BUF, 700] * 2)]
        texts = [m["text"] for m in observer.messages(400)]
        for writer in writers:
            self.assertEqual(writer.wait(LONG_S), 0)
        for letter, size in zip("abcdefgh", [PIPE_BUF, 64, PIPE_BUF, 700] * 2):
            theirs = [text for text in texts if text.startswith(letter)]
            self.assertEqual([text[:6] for text in theirs],
                             [f"{letter} {number:03d} "[:6] for number in range(50)])
            for text in theirs:
                self.assertEqual(text[6:].strip(), letter * (size - 7))

    def test_a_thousand_short_writers_lose_nothing(self):
        server = self.serve(fifo("feed", "inbound"))
        observer = self.ndjson(server)
        self.assert_shell('i=0; while [ $i -lt 1000 ]; do echo "w $i" > "$1"; i=$((i+1)); done',
                          self.path(server, "feed"))
        texts = [m["text"] for m in observer.messages(1000)]
        self.assertEqual(texts, [f"w {number}" for number in range(1000)])
        told = server.get("/api/v1/pipes/feed").json
        self.assertEqual(told["c2s"]["messages"], 1000)

    def test_a_killed_writer_ends_its_session_and_others_may_come(self):
        server = self.serve(fifo("feed", "inbound"))
        observer = self.ndjson(server)
        writer = self.tool("sh", "-c", 'exec 3>"$1"; printf "whole\\nhalf" >&3; read -r _', "sh",
                           self.path(server, "feed"))
        self.assertEqual(observer.messages(1)[0]["text"], "whole")
        os.killpg(writer.process.pid, signal.SIGKILL)
        half = observer.messages(1)[0]
        self.assertEqual((half["text"], half["flags"]), ("half", ["incomplete"]))
        self.assertEqual(observer.until_kind("closed")["reason"], "peer")
        self.assert_shell('echo next > "$1"', self.path(server, "feed"))
        self.assertEqual(observer.messages(1)[0]["text"], "next")

    def test_nothing_can_be_sent_into_it(self):
        server = self.serve(fifo("feed", "inbound"))
        observer = self.ndjson(server)
        self.assert_problem(server.inject("feed", b"x"), 409, "pipe_inbound")
        self.tool("sh", "-c", 'exec 3>"$1"; echo hello >&3; read -r _', "sh",
                  self.path(server, "feed"))
        session = observer.until_kind("opened")["session"]
        self.assert_problem(server.post(f"/api/v1/sessions/{session}/messages", b"x"), 409,
                            "pipe_inbound")
        told = server.get("/api/v1/pipes/feed").json
        self.assertEqual((told["transport"], told["access"], told["limits"]["max_instances"]),
                         ("fifo", "inbound", 1))


class Outbound(FifoCase):
    def test_cat_reads_what_is_sent(self):
        server = self.serve(fifo("out", "outbound"))
        self.assertEqual(server.inject("out", b"to nobody").status, 202)
        reader = self.tool(need_tool("cat"), self.path(server, "out"))
        session = server.wait_for_sessions("out", 1)[0]
        self.assertEqual(session["peer"]["pid"], -1)
        self.assertEqual(server.inject("out", b"hello").status, 201)
        self.assertEqual(server.post(f"/api/v1/sessions/{session['id']}/messages", b"you").status,
                         201)
        self.assertEqual(reader.read_until(b"you\n"), b"hello\nyou\n")
        self.assertEqual(server.request("DELETE", f"/api/v1/sessions/{session['id']}").status, 202)
        self.assertEqual(reader.wait(), 0)  # it saw the end of its input

    def test_readers_come_and_go(self):
        server = self.serve(fifo("out", "outbound"))
        observer = self.ndjson(server)
        need_tool("timeout")
        for round_ in range(2):
            reader = self.tool("timeout", "0.5", "cat", self.path(server, "out"))
            session = observer.until_kind("opened")["session"]
            self.assertEqual(server.inject("out", b"tick %d" % round_).status, 201)
            reader.read_until(b"tick %d\n" % round_)
            self.assertEqual(reader.wait(), 124)  # by the time-out
            closed = observer.until_kind("closed", session=session)
            self.assertEqual(closed["reason"], "peer")
        self.assertEqual(server.inject("out", b"to nobody").status, 202)
        self.assertTrue(server.is_running())

    def test_a_reader_that_does_not_read_fills_its_queue_and_goes_on(self):
        server = self.serve(fifo("out", "outbound", limits={"max_write_queue_bytes": 4096}))
        message = b"x" * 1000
        fd = os.open(self.path(server, "out"), os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, fd)
        server.wait_for_sessions("out", 1)
        accepted = 0
        while (status := server.inject("out", message).status) in (201, 202):
            accepted += 1
            self.assertLess(accepted, 1000)
        self.assertEqual(status, 429)
        read = b""

        def read_all():
            nonlocal read
            try:
                read += os.read(fd, 65536)
            except BlockingIOError:
                pass
            return len(read) >= accepted * 1001

        wait_until(read_all, "everything that was accepted", SHORT_S)
        self.assertEqual(read, (message + b"\n") * accepted)
        self.assertEqual(server.inject("out", b"again").status, 201)


class File(FifoCase):
    def refusal(self, entry):
        """What a bridge says that cannot start with this pipe."""
        command = Bridge(self.folder, pipes=[entry], name="refused").command()
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONG_S, check=False)
        self.assertEqual(done.returncode, 1)
        return done.stderr

    def test_it_is_private_and_gone_at_the_end(self):
        server = self.serve(fifo("feed", "inbound"),
                            fifo("shared", "inbound", permissions={"mode": "0622"}))
        self.assertEqual(stat.filemode(os.lstat(self.path(server, "feed")).st_mode), "prw-------")
        self.assertEqual(stat.filemode(os.lstat(self.path(server, "shared")).st_mode), "prw--w--w-")
        server.stop()
        self.assertEqual(os.listdir(server.runtime), [])

    def test_one_that_is_there_is_used_by_every_run_and_loses_nothing(self):
        path = self.folder / "admin.fifo"
        os.mkfifo(path)
        os.chmod(path, 0o640)
        inode = os.lstat(path).st_ino
        # Holds both ends, so that the FIFO keeps bytes also while no bridge runs.
        holder = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, holder)
        entry = pipe("feed", transport="fifo", access="inbound", path=str(path))
        for round_ in range(3):
            os.write(holder, b"before %d\n" % round_)
            server = self.serve(entry)
            observer = self.ndjson(server, "?since=0")
            self.assertEqual(observer.messages(1)[0]["text"], f"before {round_}")
            os.write(holder, b"with %d\n" % round_)
            self.assertEqual(observer.messages(1)[0]["text"], f"with {round_}")
            if round_ == 1:
                server.kill()
            else:
                server.stop()
            info = os.lstat(path)
            self.assertEqual((info.st_ino, stat.filemode(info.st_mode)), (inode, "prw-r-----"))

    def test_another_kind_of_file_is_never_touched(self):
        path = self.folder / "thing"
        target = self.folder / "target"
        entry = pipe("feed", transport="fifo", access="inbound", path=str(path))
        told = "a file that is no FIFO has this path"
        path.write_bytes(b"precious")
        self.assertIn(told, self.refusal(entry))
        self.assertEqual(path.read_bytes(), b"precious")
        path.unlink()
        path.mkdir()
        self.assertIn(told, self.refusal(entry))
        path.rmdir()
        os.mkfifo(target)
        path.symlink_to(target)
        self.assertIn(told, self.refusal(entry))
        self.assertTrue(path.is_symlink())

    def test_two_bridges_do_not_share_one(self):
        path = self.folder / "one.fifo"
        entry = pipe("feed", transport="fifo", access="inbound", path=str(path))
        server = self.serve(entry)
        self.assertIn("another server serves this path", self.refusal(entry))
        observer = self.ndjson(server)
        self.assert_shell('echo still > "$1"', path)
        self.assertEqual(observer.messages(1)[0]["text"], "still")


class InboundByIoUring(Inbound):
    PIPE_THREAD = {"backend": "io_uring"}


class OutboundByIoUring(Outbound):
    PIPE_THREAD = {"backend": "io_uring"}


class InboundOverlapped(Inbound):
    PIPE_THREAD = {"strategy": "overlapped"}


class OutboundOverlapped(Outbound):
    PIPE_THREAD = {"strategy": "overlapped"}


class InboundByThreads(Inbound):
    PIPE_THREAD = {"strategy": "threads"}


class OutboundByThreads(Outbound):
    PIPE_THREAD = {"strategy": "threads"}
