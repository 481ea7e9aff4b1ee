"""websocket_talk.py websockets|websocket PLAN: what talk of tests/support/websocket_talk.mjs does, with the two libraries
of Debian, python3-websockets and python3-websocket."""

import asyncio
import hashlib
import json
import sys

UNIT = bytes((index * 7 + 13) & 255 for index in range(256))


def payload(message):
    if message["type"] == "text":
        return "aä🦀" * (message["size"] // 7)
    return (UNIT * (message["size"] // 256 + 1))[:message["size"]]


def pieces(data, count):
    """A whole, or parts of it: text is not cut inside a character here."""
    step = -(-len(data) // count) or 1
    return [data[at:at + step] for at in range(0, len(data), step)] or [data]


def told(data):
    is_text = isinstance(data, str)
    data = data.encode() if is_text else bytes(data)
    return {"type": "text" if is_text else "binary", "size": len(data),
            "digest": hashlib.sha256(data).hexdigest()}


async def talk_by_websockets(plan):
    import websockets
    heard = []
    count = plan.get("count", len(plan["messages"]))
    async with websockets.connect(plan["url"], subprotocols=plan["protocols"] or None,
                                  max_size=None) as socket:
        async def say():
            for message in plan["messages"]:
                parts = pieces(payload(message), plan.get("fragments", 1))
                await socket.send(parts[0] if len(parts) == 1 else parts)

        saying = asyncio.create_task(say())
        try:
            while len(heard) < count or not plan.get("closes", True):
                heard.append(told(await socket.recv()))
        except websockets.ConnectionClosed:
            pass
        await saying
        await socket.close(1000, "heard all")
    return {"protocol": socket.subprotocol or "", "heard": heard,
            "close": {"code": socket.close_code, "reason": socket.close_reason}}


def send_by_websocket(socket, message, count):
    from websocket import ABNF
    data = payload(message)
    opcode = ABNF.OPCODE_TEXT if isinstance(data, str) else ABNF.OPCODE_BINARY
    parts = pieces(data, count)
    for index, part in enumerate(parts):
        part = part.encode() if isinstance(part, str) else part
        frame = ABNF.create_frame(part, opcode if index == 0 else ABNF.OPCODE_CONT,
                                  int(index == len(parts) - 1))
        socket.send_frame(frame)


def talk_by_websocket(plan):
    import threading
    import websocket
    from websocket import ABNF
    socket = websocket.create_connection(plan["url"], subprotocols=plan["protocols"] or None)

    def say():
        for message in plan["messages"]:
            send_by_websocket(socket, message, plan.get("fragments", 1))

    saying = threading.Thread(target=say)
    saying.start()
    heard = []
    closes = plan.get("closes", True)
    count = plan.get("count", len(plan["messages"]))
    while len(heard) < count or not closes:
        opcode, data = socket.recv_data()
        if opcode == ABNF.OPCODE_CLOSE:
            break
        heard.append(told(data.decode() if opcode == ABNF.OPCODE_TEXT else data))
    saying.join()
    if closes:
        socket.send_close(1000, b"heard all")
        opcode, data = socket.recv_data()
    return {"protocol": socket.getsubprotocol() or "", "heard": heard,
            "close": {"code": int.from_bytes(data[:2], "big"), "reason": data[2:].decode()}}


def main():
    plan = json.loads(sys.argv[2])
    if sys.argv[1] == "websockets":
        result = asyncio.run(talk_by_websockets(plan))
    else:
        result = talk_by_websocket(plan)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
