"""The base of every end-to-end test case."""

import pathlib
import shutil
import tempfile
import unittest

from .bridge import Bridge
from .clients import PipeClient, Tool
from .observer import NdjsonObserver, WebSocketObserver


class BridgeCase(unittest.TestCase):
    """Each test has a folder of its own; what it opens by these methods is closed for it."""

    maxDiff = 2000

    def setUp(self):
        # Short: a socket's path has 107 bytes.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pb-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def bridge(self, **options):
        """A started bridge, examined at the end of the test."""
        return self.unstarted_bridge(**options).start()

    def unstarted_bridge(self, **options):
        bridge = Bridge(self.folder, **options)
        self.addCleanup(bridge.examine)
        return bridge

    def connect(self, bridge, pipe_name, is_message=False, **options):
        client = PipeClient(bridge.path(pipe_name), is_message, **options)
        self.addCleanup(client.close)
        return client

    def tool(self, *arguments, **options):
        tool = Tool(arguments, self.folder, **options)
        self.addCleanup(tool.close)
        return tool

    def ndjson(self, bridge, query="", **options):
        observer = NdjsonObserver(bridge.address, query, **options)
        self.addCleanup(observer.close)
        return observer

    def websocket(self, bridge, query="", **options):
        observer = WebSocketObserver(bridge.address, query, **options)
        self.addCleanup(observer.close)
        return observer

    def assert_problem(self, response, status, code=None):
        """An error of ours: RFC 9457, with a stable code and a sentence."""
        self.assertEqual(response.status, status, response.body)
        self.assertEqual(response.headers.get("content-type"), "application/problem+json")
        problem = response.json
        self.assertEqual(problem["status"], status)
        self.assertEqual(problem["type"], "about:blank")
        self.assertTrue(problem["title"])
        self.assertTrue(problem["detail"])
        self.assertRegex(problem["code"], r"^[a-z][a-z0-9_]*$")
        if code:
            self.assertEqual(problem["code"], code)
