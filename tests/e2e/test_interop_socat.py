"""socat, which so many scripts talk to sockets with, in the ways that it is used: as a client by its standard streams,
by a program of its own, by a terminal, over FIFOs; half-closed, and with empty messages."""

import os
import tty

from harness.bridge import pipe
from harness.case import BridgeCase
from harness.clients import need_tool
from harness.deadline import wait_until
from harness.observer import payload_of


class SocatCase(BridgeCase):
    def setUp(self):
        super().setUp()
        self.program = need_tool("socat")

    def serve(self, entry):
        self.server = self.bridge(pipes=[entry])
        self.observer = self.ndjson(self.server)

    def heard(self, count=1):
        return [payload_of(event) for event in self.observer.messages(count, direction="c2s")]

    def say(self, session, data):
        answer = self.server.post(f"/api/v1/sessions/{session}/messages", data)
        self.assertEqual(answer.status, 201, answer.body)


class Stream(SocatCase):
    def test_half_closed_it_still_reads_its_answer(self):
        self.serve(pipe("line", reply="echo"))
        lines = b"".join(b"line %d\n" % number for number in range(1000))
        tool = self.tool(self.program, "-t10", "-", f"UNIX-CONNECT:{self.server.path('line')}")
        tool.write(lines)
        tool.end_input()
        self.assertEqual(tool.read_until(b"line 999\n"), lines)
        self.assertEqual(tool.wait(), 0)
        self.assertEqual(len(self.heard(1000)), 1000)
        self.assertEqual(self.observer.until_kind("closed")["reason"], "peer")

    def test_exec_lets_a_program_answer(self):
        self.serve(pipe("line"))
        self.tool(self.program, f"UNIX-CONNECT:{self.server.path('line')}", "EXEC:cat")
        session = self.observer.until_kind("opened")["session"]
        for text in (b"one", b"two"):
            self.say(session, text)
            self.assertEqual(self.heard(), [text])

    def test_pty_gives_the_pipe_to_programs_that_want_a_terminal(self):
        self.serve(pipe("line"))
        link = self.folder / "terminal"
        self.tool(self.program, f"UNIX-CONNECT:{self.server.path('line')}",
                  f"PTY,link={link},raw,echo=0")
        session = self.observer.until_kind("opened")["session"]
        wait_until(link.exists, "the terminal")
        terminal = os.open(link, os.O_RDWR | os.O_NOCTTY)
        self.addCleanup(os.close, terminal)
        tty.setraw(terminal)  # socat does so too, but the link may be there before
        os.write(terminal, b"typed\n")
        self.assertEqual(self.heard(), [b"typed"])
        self.say(session, b"shown")
        self.assertEqual(os.read(terminal, 100), b"shown\n")

    def test_a_shell_in_a_pty_is_driven_by_injections(self):
        self.serve(pipe("line"))
        self.tool(self.program, f"UNIX-CONNECT:{self.server.path('line')}",
                  "EXEC:sh,pty,raw,echo=0,setsid,ctty,stderr")
        session = self.observer.until_kind("opened")["session"]
        self.say(session, b"echo $((6 * 7))")
        answer = b""
        while b"42" not in answer:
            answer += self.heard()[0]


class Messages(SocatCase):
    def test_large_messages_pass_both_ways(self):
        self.serve(pipe("exact", mode="message", reply="echo"))
        tool = self.tool(self.program, "-b65536", "-",
                         f"UNIX-CONNECT:{self.server.path('exact')},type=5")
        tool.write(b"x" * 60000)
        said = b""
        while len(said) < 60000:  # as many messages as socat's reads of its standard input
            said += self.heard()[0]
        self.assertEqual(said, b"x" * 60000)
        tool.read_until(said)

    def test_shut_null_is_an_empty_message_and_not_the_end(self):
        self.serve(pipe("exact", mode="message"))
        tool = self.tool(self.program, "-t10", "-",
                         f"UNIX-CONNECT:{self.server.path('exact')},type=5,shut-null")
        session = self.observer.until_kind("opened")["session"]
        tool.write(b"request")
        self.assertEqual(self.heard(), [b"request"])
        tool.end_input()
        self.assertEqual(self.heard(), [b""])
        self.say(session, b"answer")
        tool.read_until(b"answer")

    def test_null_eof_takes_an_empty_message_for_the_end(self):
        self.serve(pipe("exact", mode="message"))
        tool = self.tool(self.program, "-u",
                         f"UNIX-CONNECT:{self.server.path('exact')},type=5,null-eof", "-")
        session = self.observer.until_kind("opened")["session"]
        self.say(session, b"last words")
        self.say(session, b"")
        tool.read_until(b"last words")
        self.assertEqual(tool.wait(), 0)
        self.assertEqual(self.observer.until_kind("closed")["reason"], "peer")


class Fifo(SocatCase):
    @staticmethod
    def fifo(access):
        return pipe("fifo", transport="fifo", access=access, path="fifo")

    def test_it_writes_to_one(self):
        self.serve(self.fifo("inbound"))
        tool = self.tool(self.program, "-u", "-", f"GOPEN:{self.server.runtime / 'fifo'}")
        tool.write(b"from socat\n")
        self.assertEqual(self.heard(), [b"from socat"])
        tool.end_input()
        self.assertEqual(tool.wait(), 0)
        self.assertEqual(self.observer.until_kind("closed")["reason"], "peer")

    def test_it_reads_one(self):
        self.serve(self.fifo("outbound"))
        tool = self.tool(self.program, "-u", f"OPEN:{self.server.runtime / 'fifo'},rdonly", "-")
        self.say(self.observer.until_kind("opened")["session"], b"to socat")
        tool.read_until(b"to socat\n")
