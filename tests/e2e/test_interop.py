"""The same WebSocket as seen by a library that others wrote."""

import json
import threading
import unittest

from harness.bridge import pipe
from harness.case import BridgeCase
from harness.deadline import SHORT_S

try:
    import asyncio

    import websockets
except ImportError:
    websockets = None


@unittest.skipUnless(websockets, "python3-websockets is not installed")
class PythonWebsockets(BridgeCase):
    def test_it_reads_pings_and_closes(self):
        server = self.bridge(pipes=[pipe("line")])

        async def observe():
            url = f"ws://127.0.0.1:{server.port}/api/v1/events"
            async with websockets.connect(url, subprotocols=["pipebridge.v1.json"]) as page:
                self.assertEqual(page.subprotocol, "pipebridge.v1.json")
                self.assertEqual(json.loads(await page.recv())["type"], "snapshot")
                await (await page.ping())
                client = self.connect(server, "line")
                writer = threading.Thread(target=client.send, args=(b"".join(
                    b"%d ok\n" % i for i in range(10000)),))
                writer.start()
                texts = []
                while len(texts) < 10000:
                    batch = json.loads(await page.recv())
                    texts += [e["text"] for e in batch["events"] if e["kind"] == "message"]
                writer.join()
                self.assertEqual(texts, [f"{i} ok" for i in range(10000)])
            self.assertEqual(page.close_code, 1000)

        asyncio.run(asyncio.wait_for(observe(), 4 * SHORT_S))
