"""Says back what its clients say, by asyncio's streams. Argument: the path."""

import asyncio
import sys


async def serve(reader, writer):
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.close()


async def run():
    server = await asyncio.start_unix_server(serve, sys.argv[1])
    await server.serve_forever()


asyncio.run(run())
