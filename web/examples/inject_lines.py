#!/usr/bin/env python3
"""Puts each line of the standard input into a pipe, a thousand with each command, and prints how they ended.

    inject_lines.py ws://127.0.0.1:7117/api/v1/events demo < lines     (needs python3-websockets)

`encode` makes the binary command that PROTOCOL.md describes.
"""

import itertools
import json
import struct
import sys

HEADER = struct.Struct("<BBBBIQQII")  # version, type, direction, 0, messages, id, session, name, 0
INJECT = 3
BATCH = 1000


def encode(number, pipe, messages):
    """The command `number`: inject all messages, in their order, into a pipe."""
    name = pipe.encode()
    head = HEADER.pack(1, INJECT, 0, 0, len(messages), number, 0, len(name), 0)
    return head + name + b"".join(struct.pack("<I", len(m)) + m for m in messages)


async def inject(url, pipe, lines):
    import websockets

    # Nothing is to be shown but the answers.
    async with websockets.connect(url + "?kind=closed&session=0") as socket:
        results = {}
        for number in itertools.count(1):
            batch = [line.rstrip(b"\n") for line in itertools.islice(lines, BATCH)]
            if not batch:
                return results
            await socket.send(encode(number, pipe, batch))
            answer = {}
            while answer.get("id") != number:
                answer = json.loads(await socket.recv())
            if answer["type"] == "error":
                raise SystemExit(answer["detail"])
            for result, count in answer["results"].items():
                results[result] = results.get(result, 0) + count


if __name__ == "__main__":
    import asyncio

    print(json.dumps(asyncio.run(inject(sys.argv[1], sys.argv[2], sys.stdin.buffer))))
