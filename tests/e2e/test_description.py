"""bridge/openapi.json: served, held against every answer, clean, and seen whole by the others."""

import copy
import importlib.util
import json
import os
import pathlib
import re
import unittest

from harness import bridge as program
from harness import description
from harness.bridge import pipe
from harness.case import BridgeCase
from harness.http import Response

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What no test can be sure to bring about, and why.
UNREACHABLE = {
    ("NoAnswer", "500", ""): "two allocations in a row must fail",
    ("UnavailableCode", "503", "no_memory"): "an allocation must fail",
    ("UnavailableCode", "503", "stopping"): "takes a request in the server's last turns",
    ("ChangesUnavailable", "503", "ending"): "takes a change in the pipe thread's last turns",
    ("NotInjected", "409", "pipe_removed"): "a pipe must go between a command and its turn",
    ("InjectionTooLarge", "413", "too_many_sessions"): "takes 10,001 clients",
    ("InjectionsFull", "429", "too_many_keys"): "takes 1,024 requests at once that all wait",
    ("CallConflictCode", "409", "pipe_removed"): "takes a removal between a call and its turn",
    ("PipeConflict", "409", "pipe_removed"): "takes a removal between a change and its answer",
}


@unittest.skipIf(description.jsonschema is None, "python3-jsonschema is not installed")
class Described(BridgeCase):
    pass


class Served(Described):
    def test_the_program_tells_the_description_with_its_own_version(self):
        server = self.bridge(pipes=[pipe("line")])
        answer = server.get("/api/v1/openapi.json")
        self.assertEqual((answer.status, answer.headers["content-type"]),
                         (200, "application/json"))
        expected = copy.deepcopy(description.described.document)
        expected["info"]["version"] = server.get("/healthz").json["version"]
        self.assertEqual(answer.json, expected)


class Harness(Described):
    """What is not described is noticed."""

    def setUp(self):
        super().setUp()
        # These answers are made up: nobody has seen them.
        for journal in (description.seen, description.counts):
            kept = journal.copy()
            self.addCleanup(journal.update, kept)
            self.addCleanup(journal.clear)
            journal.clear()

    def answer(self, method, target, status, body=b"{}", **headers):
        told = {"content-type": "application/json", "cache-control": "no-store"}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        answer = Response(status, told, body if isinstance(body, bytes)
                          else json.dumps(body).encode())
        description.Answer((method, target), answer).check()

    def assert_noticed(self, words, *arguments, **headers):
        with self.assertRaisesRegex(description.UndescribedError, words):
            self.answer(*arguments, **headers)

    def problem(self, **more):
        return {"type": "about:blank", "title": "x", "status": 404, "code": "pipe_not_found",
                "detail": "x"} | more

    def test_an_answer_as_described_passes(self):
        self.answer("DELETE", "/api/v1/sessions/7", 202, {"id": 7})
        self.answer("GET", "/api/v1/pipes/x", 404, self.problem(),
                    content_type="application/problem+json")
        self.answer("DELETE", "/api/v1/pipes", 405, allow="GET, HEAD")

    def test_paths_and_methods_are(self):
        self.assert_noticed("no such path", "GET", "/api/v1/secret", 200)
        self.assert_noticed("this method", "DELETE", "/api/v1/messages", 200)
        self.assert_noticed("Allow says", "DELETE", "/api/v1/messages", 405, allow="GET, PUT")

    def test_statuses_types_and_headers_are(self):
        target = "/api/v1/sessions/7"
        self.assert_noticed("status is not", "GET", target, 418)
        self.assert_noticed("content type", "GET", target, 200, content_type="text/plain")
        self.assert_noticed("no-store", "DELETE", target, 202, {"id": 7}, cache_control="private")
        self.assert_noticed("Retry-After", "DELETE", target, 429,
                            self.problem(status=429, code="queue_full"),
                            content_type="application/problem+json")
        self.assert_noticed("parameter limits", "GET", "/api/v1/messages?limits=5", 200,
                            {"run": "0" * 16, "events": [], "next": None})
        self.assert_noticed("subprotocol", "GET", "/api/v1/events", 101, upgrade="websocket",
                            sec_websocket_accept="x" * 28, sec_websocket_protocol="other")

    def test_bodies_are(self):
        for words, body in [("required property", {}), ("unexpected", {"id": 7, "more": 1}),
                            ("not of type", {"id": "7"}), ("less than", {"id": 0})]:
            description.counts.clear()
            self.assert_noticed(words, "DELETE", "/api/v1/sessions/7", 202, body)
        self.assert_noticed("was expected", "GET", "/api/v1/pipes/x", 404,
                            self.problem(code="gone"), content_type="application/problem+json")
        self.assert_noticed("in the head", "GET", "/api/v1/pipes/x", 404,
                            self.problem(status=410), content_type="application/problem+json")

    def test_events_are(self):
        media = {"x-item-schema": {"$ref": "#/components/schemas/Event"}}
        gap = {"seq": 7, "kind": "gap", "from": 1, "to": 7, "count": 7, "reason": "slow"}
        description.check_item(media, gap)
        for change in ({"reason": "tired"}, {"from": 0}, {"extra": 1}, {"kind": "hole"}):
            with self.assertRaises(description.UndescribedError):
                description.check_item(media, gap | change)


class Protocol(Described):
    """The JSON that web/PROTOCOL.md shows is what the description says."""

    def test_each_line_is_a_command_or_what_the_server_says(self):
        text = (ROOT / "web" / "PROTOCOL.md").read_text(encoding="utf-8")
        said = [json.loads(line) for block in re.findall(r"^```json\n(.*?)^```$", text, re.M | re.S)
                for line in block.splitlines()]
        self.assertGreater(len(said), 10)
        responses = description.described.closed["paths"]["/api/v1/events"]["get"]["responses"]
        protocol = responses["101"]["x-websocket"]["pipebridge.v1.json"]
        for message in said:
            with self.subTest(message):
                side = "client" if "command" in message else "server"
                description.described.validate(message, protocol[side], f"the {side}")


class Linter(Described):
    """config/lint_openapi.py finds what it is for."""

    def setUp(self):
        super().setUp()
        spec = importlib.util.spec_from_file_location("lint_openapi",
                                                      ROOT / "config" / "lint_openapi.py")
        self.linter = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.linter)

    def test_our_description_is_clean(self):
        self.assertEqual(self.linter.check(description.described.document), [])

    def test_each_defect_is_told(self):
        def operation(document):
            return document["paths"]["/api/v1/pipes/{pipe}"]["get"]

        def schemas(document):
            return document["components"]["schemas"]

        problem = {"description": "x", "content": {"application/problem+json": {"schema": {}}}}
        defects = {
            "leads nowhere": lambda d: operation(d)["responses"].update(
                {"404": {"$ref": "#/components/responses/Nothing"}}),
            "is not used": lambda d: schemas(d).update(Spare={}),
            "operationId": lambda d: operation(d).update(operationId="listPipes"),
            "needs a summary": lambda d: operation(d).pop("summary"),
            "needs a tag": lambda d: operation(d).update(tags=["unheard"]),
            "path parameters": lambda d: d["paths"]["/api/v1/pipes/{pipe}"].pop("parameters"),
            "needs a description": lambda d: d["components"]["parameters"]["Filter"].pop(
                "description"),
            "no answer that is a success": lambda d: operation(d)["responses"].pop("200"),
            "does not describe 403": lambda d: operation(d)["responses"].pop("403"),
            "with its codes": lambda d: operation(d)["responses"].update({"404": problem}),
            "Retry-After": lambda d: d["components"]["responses"]["QueueFull"].update(
                headers={"Age": {"$ref": "#/components/headers/RetryAfter"}}),
            "which it does not describe": lambda d: schemas(d)["Traffic"]["required"].append("x"),
            "its example": lambda d: d["components"]["parameters"]["SessionPath"].update(
                example="one"),
            "not 3.1": lambda d: d.update(openapi="3.0.3"),
        }
        for words, spoil in defects.items():
            with self.subTest(words):
                document = copy.deepcopy(description.described.document)
                spoil(document)
                self.assertIn(words, "\n".join(self.linter.check(document)))


def answers_of(names):
    """What the tests of these names saw; skips unless all of them ran with this program."""
    folder = pathlib.Path(os.environ["PIPEBRIDGE_BUILD"]) / "answers"
    built = pathlib.Path(program.PROGRAM).stat().st_mtime
    seen = set()
    for name in names:
        path = folder / f"{name}.json"
        if not path.exists() or path.stat().st_mtime < built:
            raise unittest.SkipTest(f"e2e_{name} has not run yet with this program")
        seen |= {tuple(entry) for entry in json.loads(path.read_text(encoding="utf-8"))}
    return seen


def codes_of(schema):
    """(name, code) of what a problem's schema lists: the name of the list that has it, or None."""
    part, found = schema["properties"]["code"], set()
    for option in [part] + part.get("anyOf", []):
        name = option["$ref"].rsplit("/", 1)[1] if "$ref" in option else None
        option = description.described.resolve(option)
        found |= {(name, code) for code in option.get("enum", [])}
        found |= {(name, option["const"])} if "const" in option else set()
    return found


def told_apart(answer):
    """(name, what) of all that one answer may be: subprotocols, codes, content types."""
    if "x-websocket" in answer:
        return {(None, protocol) for protocol in answer["x-websocket"]}
    found = set()
    for content_type, media in answer.get("content", {}).items():
        found |= codes_of(media["schema"]) if content_type == description.PROBLEM \
            else {(None, content_type)}
    return found or {(None, "")}


def expectations():
    """(who, status, what) of all that is described, and the operations that may answer so. What several of them share,
    an answer or a list of codes, has that name for `who`: it is seen when one of them gives it."""
    found = {}
    for item in description.described.closed["paths"].values():
        for method, operation in item.items():
            if method == "parameters":
                continue
            who = operation["operationId"]
            for status, answer in operation["responses"].items():
                shared = answer["$ref"].rsplit("/", 1)[1] if "$ref" in answer else None
                for name, what in told_apart(description.described.resolve(answer)):
                    found.setdefault((name or shared or who, status, what), set()).add(who)
    return found


class Coverage(Described):
    def setUp(self):
        super().setUp()
        names = os.environ.get("PIPEBRIDGE_ANSWERS_OF")
        if not names:
            self.skipTest("only CTest knows which tests run before this one")
        self.seen = answers_of(names.split(","))
        if reasons := [reason for group, _, reason in self.seen if group == "skipped"]:
            self.skipTest(f"some answers could not be seen: {reasons[0]}")

    def test_every_described_answer_was_seen(self):
        missing = [" ".join(key) for key, operations in sorted(expectations().items())
                   if key not in UNREACHABLE
                   and not any((who, *key[1:]) in self.seen for who in operations)]
        self.assertEqual(missing, [])

    def test_no_excuse_is_for_what_is_not_described(self):
        self.assertEqual(set(UNREACHABLE) - set(expectations()), set())

    def test_every_operation_succeeded_in_each_way(self):
        missing = []
        for item in description.described.document["paths"].values():
            for method, operation in item.items():
                if method != "parameters":
                    told = {(who, status) for who, status, _ in self.seen}
                    missing += [f"{operation['operationId']} {status}"
                                for status in operation["responses"] if status[0] in "12"
                                and (operation["operationId"], status) not in told]
        self.assertEqual(missing, [])

    def test_every_described_parameter_was_used(self):
        missing = []
        for path, item in description.described.document["paths"].items():
            for method in description.described.methods(path):
                who = item[method.lower()]["operationId"]
                missing += [f"{who} {parameter['name']}"
                            for parameter in description.described.parameters(path, method)
                            if parameter["in"] == "query"
                            and (who, "?", parameter["name"]) not in self.seen]
        self.assertEqual(missing, [])

    def test_every_command_was_done_and_every_message_of_the_socket_seen(self):
        responses = description.described.document["paths"]["/api/v1/events"]["get"]["responses"]
        protocol = responses["101"]["x-websocket"]["pipebridge.v1.json"]
        command = description.described.resolve(protocol["client"])["properties"]["command"]
        expected = {("does", name) for name in command["enum"]}
        expected |= {("says", option["$ref"].rsplit("/", 1)[1])
                     for option in protocol["server"]["oneOf"]}
        told = {entry[1:] for entry in self.seen if entry[0] == "socket"}
        self.assertEqual(expected - told, set())

    def test_every_kind_of_event_was_seen(self):
        kinds = {kind for group, kind, _ in self.seen if group == "item"}
        mapping = description.described.document["components"]["schemas"]["Event"]["discriminator"]
        self.assertEqual(set(mapping["mapping"]) - kinds, set())
