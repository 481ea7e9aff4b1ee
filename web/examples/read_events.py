#!/usr/bin/env python3
"""Reads the event stream by pipebridge.v1.bin and prints a line for each event.

    read_events.py ws://127.0.0.1:7117/api/v1/events?pipe=demo     (needs python3-websockets)

`decode` turns one message of the socket into what PROTOCOL.md describes.
"""

import json
import struct
import sys

HEADER = struct.Struct("<BBHIQ")  # version, type, reserved, events, run
RECORD = struct.Struct("<IBBHQQQQIIII")
SNAPSHOT, EVENTS = 1, 2
KINDS = {1: "opened", 2: "message", 3: "closed", 4: "injected", 5: "error", 6: "gap",
         7: "pipe_added", 8: "pipe_changed", 9: "pipe_removed", 10: "dropped"}
DIRECTIONS = {1: "c2s", 2: "s2c"}
FLAGS = {1: "incomplete", 2: "reply"}


def decode_record(data, at):
    """One event, and where the next one begins."""
    (size, kind, direction, flags, seq, wall_ns, mono_ns, session, pipe, targets, payload_bytes,
     by_bytes) = RECORD.unpack_from(data, at)
    if size != RECORD.size + payload_bytes + by_bytes or at + size > len(data):
        raise ValueError(f"a record of {size} bytes with {payload_bytes} of payload at {at}")
    payload = data[at + RECORD.size : at + size - by_bytes]
    if KINDS.get(kind) not in ("message", "injected", "error"):
        return json.loads(payload), at + size
    event = {"seq": seq, "kind": KINDS.get(kind, kind), "wall_ns": wall_ns, "mono_ns": mono_ns,
             "pipe": pipe, "session": session}
    if KINDS.get(kind) == "error":
        event["detail"] = payload.decode()
        return event, at + size
    event["direction"] = DIRECTIONS[direction]
    event["flags"] = [name for bit, name in FLAGS.items() if flags & bit]
    event["targets"] = targets
    event["payload"] = bytes(payload)
    if by_bytes:
        event["by"] = json.loads(data[at + size - by_bytes : at + size])
    return event, at + size


def decode(message):
    """("snapshot", the object of pipebridge.v1.json) or ("events", a list of them)."""
    version, kind, _, count, _ = HEADER.unpack_from(message)
    if version != 1:
        raise ValueError(f"version {version} is not known here")
    if kind == SNAPSHOT:
        return "snapshot", json.loads(message[HEADER.size :])
    events, at = [], HEADER.size
    for _ in range(count):
        event, at = decode_record(message, at)
        events.append(event)
    if kind != EVENTS or at != len(message):
        raise ValueError(f"type {kind}, {len(message) - at} bytes too many")
    return "events", events


async def follow(url):
    import websockets

    async with websockets.connect(url, subprotocols=["pipebridge.v1.bin"]) as socket:
        pipes = {}
        async for message in socket:
            kind, value = decode(message)
            if kind == "snapshot":
                pipes = {pipe["index"]: pipe["name"]
                         for pipe in value["pipes"] + value["removed_pipes"]}
                continue
            for event in value:
                if event["kind"] == "pipe_added" and "state" in event:
                    pipes[event["state"]["index"]] = event["pipe"]
                event["pipe"] = pipes.get(event.get("pipe"), event.get("pipe"))
                print(event, flush=True)


if __name__ == "__main__":
    import asyncio

    asyncio.run(follow(sys.argv[1]))
