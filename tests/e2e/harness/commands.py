"""Commands in the events' WebSocket, in JSON and in binary."""

import json
import struct

from . import description, websocket
from .observer import WebSocketObserver

INJECT = 3


def injections(number, messages, pipe_name="", session=0, direction=0):
    """The binary message that injects a list of messages."""
    name = pipe_name.encode()
    head = struct.pack("<BBBBIQQII", 1, INJECT, direction, 0, len(messages), number, session,
                       len(name), 0)
    return head + name + b"".join(struct.pack("<I", len(m)) + m for m in messages)


class CommandSocket(WebSocketObserver):
    """An observer that gives commands. What is shown before an answer is in `pending` when the answer comes. Ids of
    its own are numbers, each answered once; answers to texts are only read."""

    def __init__(self, *arguments, **options):
        self.number = 0
        self.told = {}  # commands by id
        self.answers = {}
        super().__init__(*arguments, **options)

    def read_more(self):
        message = self.read_json()
        if message["type"] == "events":
            assert message["run"] == self.run and message["events"], message
            self.pending.extend(message["events"])
            return
        assert message["type"] in ("answer", "error"), message
        number = message["id"]
        assert number not in self.answers or isinstance(number, str), f"answered twice: {message}"
        self.answers[message["id"]] = message
        if message["type"] == "answer" and message["id"] in self.told:
            description.check_command(self.socket.described, self.told[message["id"]])

    def tell(self, command, **members):
        """Gives a command; returns its id."""
        self.number += 1
        self.told[self.number] = {"id": self.number, "command": command} | members
        self.socket.send(websocket.TEXT, json.dumps(self.told[self.number]).encode())
        return self.number

    def answer(self, number):
        """Reads up to the answer and no further."""
        while number not in self.answers:
            self.read_more()
        return self.answers.pop(number)

    def ask(self, command, **members):
        return self.answer(self.tell(command, **members))

    def inject_binary(self, messages, **target):
        self.number += 1
        self.socket.send(websocket.BINARY, injections(self.number, messages, **target))
        return self.number

    def shown(self):
        """The events that have come and were not looked at."""
        events = list(self.pending)
        self.pending.clear()
        return events

    def say(self, opcode, data):
        """A message that may be no command; the next that is no batch of events."""
        self.socket.send(opcode, data)
        while not self.answers:
            self.read_more()
        return self.answers.popitem()[1]
