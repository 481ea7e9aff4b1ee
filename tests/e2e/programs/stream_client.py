"""The conversation of test_interop_clients.py over a byte pipe, by asyncio's streams. Argument: the path."""

import asyncio
import sys


async def converse():
    reader, writer = await asyncio.open_unix_connection(sys.argv[1], limit=4 << 20)
    writer.write(b"hello\n")
    count = size = 0
    while count < 2:
        line = await reader.readline()
        print("heard", line.decode().rstrip("\n"), flush=True)
        count += 1
        size += len(line)

    async def say():
        writer.write(b"x" * (1 << 20) + b"\n")
        for number in range(100):
            writer.write(b"line %d\n" % number)
            await writer.drain()
        writer.write_eof()

    saying = asyncio.create_task(say())
    while line := await reader.readline():
        count += 1
        size += len(line)
    await saying
    print(f"end after {count} lines, {size} bytes", flush=True)
    writer.close()
    await writer.wait_closed()


asyncio.run(converse())
