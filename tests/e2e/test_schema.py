"""config/pipebridge.schema.json says of a configuration what the program says of it."""

import copy
import json
import pathlib
import subprocess

from harness import bridge as program
from harness.case import BridgeCase
from harness.deadline import LONG_S

CONFIG = pathlib.Path(__file__).resolve().parents[2] / "config"
PIPE = {"name": "a", "path": "a.sock"}

GOOD = [
    {},
    {"$schema": "./pipebridge.schema.json"},
    {"pipes": []},
    {"pipes": [PIPE]},
    {"pipes": [PIPE | {"role": "server", "transport": "socket", "mode": "byte", "framing": "nul",
                       "reply": "echo", "limits": {"max_message_bytes": 1, "max_instances": 1},
                       "permissions": {"mode": "0660", "owner": "0", "group": "0"}}]},
    {"pipes": [PIPE | {"mode": "message"}]},
    {"pipes": [PIPE | {"framing": "headers", "oversize": "skip"}]},
    {"pipes": [PIPE | {"overflow": "drop"}, PIPE | {"name": "b", "path": "b", "overflow": "pause"}]},
    {"pipes": [PIPE | {"framing": "length16be", "limits": {"max_message_bytes": 65535}}]},
    {"pipes": [PIPE | {"limits": {"idle_timeout_ms": 1, "accept_rate": 5, "accept_burst": 9}}]},
    {"pipes": [PIPE | {"limits": {"idle_timeout_ms": 0, "accept_rate": 0, "accept_burst": 0}}]},
    {"pipes": [PIPE | {"clients": {}, "describe_clients": False}]},
    {"pipes": [PIPE | {"path": "@a", "clients": {"allow": [{"user": "root"}]}}]},
    {"pipes": [PIPE | {"path": "@a", "permissions": {}, "clients": {"allow": [
        {"user": "root", "executable": "/bin/sh"}], "deny": [{"group": "root"}]}}]},
    {"pipes": [PIPE | {"path": "@a", "role": "client"}]},
    {"pipes": [PIPE | {"path": "./@a"}]},
    {"pipes": [PIPE | {"path": "@a.fifo", "transport": "fifo", "access": "inbound"}]},
    {"pipes": [PIPE | {"clients": {"allow": [{"user": "0"}, {"group": "root"}, {
        "user": "root", "group": "0", "executable": "/bin/sh"}], "deny": [{"user": "1"}]}}]},
    {"pipes": [PIPE | {"clients": {"allow": [], "deny": []}, "describe_clients": True}]},
    {"pipes": [PIPE | {"mode": "message", "framing": "none"}]},
    {"pipes": [PIPE | {"path": "/tmp/../tmp/a.sock"}]},
    {"pipes": [PIPE | {"path": "d/..a/a..sock"}]},
    {"pipes": [PIPE | {"permissions": {"mode": "660"}}]},
    {"pipes": [PIPE | {"access": "duplex"}]},
    {"pipes": [PIPE | {"transport": "fifo", "access": "inbound", "framing": "line"}]},
    {"pipes": [PIPE | {"transport": "fifo", "access": "outbound", "mode": "byte",
                       "reply": "none"}]},
    {"pipes": [PIPE | {"role": "client"}]},
    {"pipes": [PIPE | {"role": "client", "mode": "message", "reply": "echo",
                       "limits": {"max_message_bytes": 9}, "reconnect": {
                           "first_delay_ms": 1, "max_delay_ms": 3600000,
                           "max_queued_messages": 0, "max_queued_bytes": 1024}}]},
    {"pipes": [PIPE | {"role": "tap", "upstream": "/tmp/x"}]},
    {"pipes": [PIPE | {"role": "tap", "upstream": "d/x.sock", "mode": "message",
                       "limits": {"max_instances": 3, "accept_rate": 5, "idle_timeout_ms": 9},
                       "clients": {"deny": [{"user": "1"}]}, "permissions": {"mode": "0660"}}]},
    {"http": {"listen": ["127.0.0.1:0", "[::1]:65535", "localhost:80"]}},
    {"events": {"memory_bytes": 65536, "log_bytes": 65536, "queue_bytes": 4194304}},
]

BAD = [
    [],
    {"pipe": []},
    {"pipes": {}},
    {"pipes": [{}]},
    {"pipes": [PIPE | {"colour": "red"}]},
    {"pipes": [PIPE | {"name": ""}]},
    {"pipes": [PIPE | {"name": ".a"}]},
    {"pipes": [PIPE | {"name": "a b"}]},
    {"pipes": [PIPE | {"name": "a" * 65}]},
    {"pipes": [PIPE | {"path": ""}]},
    {"pipes": [PIPE | {"path": "/tmp/"}]},
    {"pipes": [PIPE | {"path": ".."}]},
    {"pipes": [PIPE | {"path": "/tmp/.."}]},
    {"pipes": [PIPE | {"path": "../a.sock"}]},
    {"pipes": [PIPE | {"path": "d/../../a.sock"}]},
    {"pipes": [PIPE | {"role": "tap"}]},
    {"pipes": [PIPE | {"role": "tap", "upstream": ""}]},
    {"pipes": [PIPE | {"role": "tap", "upstream": "../x"}]},
    {"pipes": [PIPE | {"role": "tap", "upstream": "/tmp/x", "reply": "none"}]},
    {"pipes": [PIPE | {"role": "tap", "upstream": "/tmp/x", "oversize": "skip"}]},
    {"pipes": [PIPE | {"role": "tap", "upstream": "/tmp/x", "transport": "socket"}]},
    {"pipes": [PIPE | {"role": "tap", "upstream": "/tmp/x", "reconnect": {}}]},
    {"pipes": [PIPE | {"upstream": "/tmp/x"}]},
    {"pipes": [PIPE | {"role": "client", "permissions": {}}]},
    {"pipes": [PIPE | {"role": "client", "reply": "broadcast"}]},
    {"pipes": [PIPE | {"role": "client", "transport": "socket"}]},
    {"pipes": [PIPE | {"role": "client", "limits": {"accept_rate": 1}}]},
    {"pipes": [PIPE | {"role": "client", "reconnect": {"first_delay_ms": 0}}]},
    {"pipes": [PIPE | {"role": "client", "reconnect": {"max_queued_bytes": 1}}]},
    {"pipes": [PIPE | {"reconnect": {}}]},
    {"pipes": [PIPE | {"transport": "fifo"}]},
    {"pipes": [PIPE | {"transport": "fifo", "access": "duplex"}]},
    {"pipes": [PIPE | {"transport": "fifo", "access": "inbound", "mode": "message"}]},
    {"pipes": [PIPE | {"transport": "fifo", "access": "inbound", "reply": "echo"}]},
    {"pipes": [PIPE | {"access": "inbound"}]},
    {"pipes": [PIPE | {"framing": "header"}]},
    {"pipes": [PIPE | {"framing": None}]},
    {"pipes": [PIPE | {"mode": "message", "framing": "line"}]},
    {"pipes": [PIPE | {"reply": "all"}]},
    {"pipes": [PIPE | {"oversize": "cut"}]},
    {"pipes": [PIPE | {"overflow": "wait"}]},
    {"pipes": [PIPE | {"framing": "length16be", "limits": {"max_message_bytes": 65536}}]},
    {"pipes": [PIPE | {"limits": {"idle_timeout_ms": 86400001}}]},
    {"pipes": [PIPE | {"limits": {"accept_burst": 9}}]},
    {"pipes": [PIPE | {"limits": {"accept_burst": 9, "accept_rate": 0}}]},
    {"pipes": [PIPE | {"clients": [{"user": "root"}]}]},
    {"pipes": [PIPE | {"clients": {"allow": {"user": "root"}}}]},
    {"pipes": [PIPE | {"clients": {"allow": [{}]}}]},
    {"pipes": [PIPE | {"clients": {"deny": [{}]}}]},
    {"pipes": [PIPE | {"clients": {"allow": [{"user": ""}]}}]},
    {"pipes": [PIPE | {"clients": {"allow": [{"uid": 0}]}}]},
    {"pipes": [PIPE | {"clients": {"allow": [{"executable": "sh"}]}}]},
    {"pipes": [PIPE | {"clients": {"allow": [{"user": "root"}] * 257}}]},
    {"pipes": [PIPE | {"transport": "fifo", "access": "inbound",
                       "clients": {"deny": [{"user": "root"}]}}]},
    {"pipes": [PIPE | {"describe_clients": "yes"}]},
    {"pipes": [PIPE | {"path": "@a"}]},
    {"pipes": [PIPE | {"path": "@", "clients": {"allow": [{"user": "root"}]}}]},
    {"pipes": [PIPE | {"path": "@a", "clients": {"allow": []}}]},
    {"pipes": [PIPE | {"path": "@a", "clients": {"deny": [{"user": "root"}]}}]},
    {"pipes": [PIPE | {"path": "@a", "clients": {"allow": [{"user": "root"}, {"group": "0"}]}}]},
    {"pipes": [PIPE | {"path": "@a", "permissions": {"mode": "0600"},
                       "clients": {"allow": [{"user": "root"}]}}]},
    {"pipes": [PIPE | {"role": "client", "clients": {"deny": [{"user": "root"}]}}]},
    {"pipes": [PIPE | {"role": "client", "limits": {"accept_rate": 1}}]},
    {"pipes": [PIPE | {"limits": {"max_message_bytes": 0}}]},
    {"pipes": [PIPE | {"limits": {"max_message_bytes": 1 << 30}}]},
    {"pipes": [PIPE | {"limits": {"max_instances": "9"}}]},
    {"pipes": [PIPE | {"permissions": {"mode": "rw"}}]},
    {"pipes": [PIPE | {"permissions": {"mode": "1777"}}]},
    {"pipes": [PIPE | {"permissions": {"owner": ""}}]},
    {"http": {"listen": []}},
    {"http": {"listen": "127.0.0.1:0"}},
    {"http": {"listen": ["7117"]}},
    {"http": {"listen": ["0.0.0.0:7117"]}},
    {"http": {"listen": ["unix:/tmp/x"]}},
    {"http": {"max_connections": 0}},
    {"http": {"max_connections": 1.5}},
    {"events": {"queue_bytes": 1}},
]


class Agreement(BridgeCase):
    def setUp(self):
        super().setUp()
        try:
            import jsonschema
        except ImportError:
            self.skipTest("python3-jsonschema is not installed")
        schema = json.loads((CONFIG / "pipebridge.schema.json").read_text(encoding="utf-8"))
        # Older packages of it know no 2020-12; of what differs we use nothing.
        kind = getattr(jsonschema, "Draft202012Validator", jsonschema.Draft7Validator)
        kind.check_schema(schema)
        self.validator = kind(schema)

    def program_takes(self, document):
        path = self.folder / "c.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        done = subprocess.run([program.PROGRAM, "--check-config", "--config", path,
                               "--runtime-dir", self.folder], capture_output=True, text=True,
                              timeout=LONG_S, check=False)
        self.assertIn(done.returncode, (0, 2), done.stderr)
        return done.returncode == 0

    def test_both_take_what_is_right(self):
        for document in copy.deepcopy(GOOD):
            with self.subTest(document):
                self.assertTrue(self.program_takes(document))
                self.assertTrue(self.validator.is_valid(document))

    def test_both_refuse_what_is_wrong(self):
        for document in copy.deepcopy(BAD):
            with self.subTest(document):
                self.assertFalse(self.program_takes(document))
                self.assertFalse(self.validator.is_valid(document))

    def test_both_take_every_configuration_that_we_ship(self):
        shipped = [path for path in CONFIG.glob("*.json") if "schema" not in path.name]
        self.assertTrue(shipped)
        for path in shipped:
            with self.subTest(path.name):
                document = json.loads(path.read_text(encoding="utf-8"))
                self.assertTrue(self.program_takes(document))
                self.assertTrue(self.validator.is_valid(document))
