"""Every answer that the harness reads, compared with bridge/openapi.json: status, content type, headers, body.

An answer that is not described fails the test that asked. Objects are closed here: a member that the description
does not know is an error too. Of answers that come by the thousand the first are looked at, then a few.
What was seen is kept (`seen`), so that test_description can tell what no test ever saw."""

import collections
import copy
import json
import pathlib
import re
from urllib.parse import parse_qs, unquote, urlsplit

try:
    import jsonschema
except ImportError:
    jsonschema = None

FILE = pathlib.Path(__file__).resolve().parents[3] / "bridge" / "openapi.json"
PROBLEM = "application/problem+json"
REQUEST_LINE = re.compile(rb"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (\S+) HTTP/1\.[01]\r\n")
FIRST_CHECKED = 20
THEN_CHECKED = 256  # one of so many
BATCH_CHECKED = 20  # events of a batch

ports = set()  # of the bridges that were started here
seen = set()  # (operation, status, what): see `note`
counts = collections.Counter()


class UndescribedError(AssertionError):
    """The program answered what bridge/openapi.json does not say."""


def is_due(*key):
    """Whether one more of these is to be looked at."""
    counts[key] += 1
    return counts[key] <= FIRST_CHECKED or counts[key] % THEN_CHECKED == 0


def close_objects(schema):
    """Forbids members that are not described, where the description leaves that open."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for value in schema.values():
            close_objects(value)
    elif isinstance(schema, list):
        for value in schema:
            close_objects(value)


class Description:
    def __init__(self, document):
        self.document = document
        closed = copy.deepcopy(document)
        close_objects(closed)
        self.closed = closed
        self.resolver = jsonschema and jsonschema.RefResolver.from_schema(closed)
        # Fixed segments before {…}, as the router has it.
        self.patterns = [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), path)
                         for path in sorted(document["paths"], key=lambda path: path.count("{"))]

    def path_of(self, target):
        path = urlsplit(target).path
        return next((name for pattern, name in self.patterns if pattern.fullmatch(path)), None)

    def methods(self, path):
        return {name.upper() for name in self.document["paths"][path] if name != "parameters"}

    def resolve(self, part):
        while "$ref" in part:
            value = self.closed
            for key in part["$ref"].removeprefix("#/").split("/"):
                value = value[key.replace("~1", "/")]
            part = value
        return part

    def parameters(self, path, method):
        item = self.closed["paths"][path]
        listed = item.get("parameters", []) + item[method.lower()].get("parameters", [])
        return [self.resolve(parameter) for parameter in listed]

    def is_valid(self, value, schema):
        return jsonschema is None or self.validator(schema).is_valid(value)

    def validator(self, schema):
        return jsonschema.Draft202012Validator(schema, resolver=self.resolver)

    def validate(self, value, schema, where):
        if jsonschema is None:
            return
        error = jsonschema.exceptions.best_match(self.validator(schema).iter_errors(value))
        if error:
            raise UndescribedError(f"{where}: {error.message} at {error.json_path} of "
                                   f"{json.dumps(value)[:600]}")


described = Description(json.loads(FILE.read_text(encoding="utf-8")))


def note(operation, status, what):
    seen.add((operation["operationId"], str(status), what))


class Answer:
    """What one request was answered, as far as the description goes."""

    def __init__(self, asked, response):
        self.method, self.target = asked
        self.response = response
        self.where = f"{self.method} {self.target[:200]} → {response.status}"
        self.path = described.path_of(self.target)
        self.content_type = response.headers.get("content-type", "")

    def check(self):
        """Returns the description of what follows in a stream, or None."""
        if self.path is None:
            if unquote(urlsplit(self.target).path).startswith("/api/"):
                self.check_unknown_path()
            return None
        method = "GET" if self.method == "HEAD" else self.method
        if method not in described.methods(self.path):
            self.check_wrong_method()
            return None
        return self.check_operation(described.closed["paths"][self.path][method.lower()], method)

    def fail(self, text):
        raise UndescribedError(f"{self.where}: {text}: {self.response.body[:300]!r}")

    def check_unknown_path(self):
        if self.response.status not in (400, 403, 404, 413, 503) or self.content_type != PROBLEM:
            self.fail("there is no such path in the description")

    def check_wrong_method(self):
        if self.response.status != 405:
            if self.response.status not in (400, 403, 413, 503):
                self.fail("this method is not described")
            return
        allowed = {name.strip() for name in self.response.headers.get("allow", "").split(",")}
        if allowed - {"HEAD"} != described.methods(self.path):
            self.fail(f"Allow says {sorted(allowed)}, the description "
                      f"{sorted(described.methods(self.path))}")

    def check_operation(self, operation, method):
        status = str(self.response.status)
        if status == "405" and self.method == "HEAD":
            return None  # a WebSocket cannot be opened by it
        if status not in operation["responses"]:
            self.fail("this status is not described")
        answer = described.resolve(operation["responses"][status])
        self.check_headers(answer)
        self.note_parameters(operation, method)
        if status == "101":
            protocol = self.response.headers.get("sec-websocket-protocol", "")
            if protocol and protocol not in answer["x-websocket"]:
                self.fail("this subprotocol is not described")
            note(operation, status, protocol)
            return answer["x-websocket"].get(protocol or "pipebridge.v1.json")
        content = answer.get("content")
        if content is None:
            if self.response.body:
                self.fail("no body is described")
            note(operation, status, "")
            return None
        if self.content_type not in content:
            self.fail(f"content type {self.content_type!r} is not described")
        media = content[self.content_type]
        self.check_body(operation, media)
        return media

    def check_headers(self, answer):
        for name, header in answer.get("headers", {}).items():
            header = described.resolve(header)
            value = self.response.headers.get(name.lower())
            if value is None:
                if header.get("required"):
                    self.fail(f"without the header {name}")
                continue
            is_number = header["schema"].get("type") == "integer"
            described.validate(int(value) if is_number and value.isdigit() else value,
                               header["schema"], f"{self.where}, header {name}")
        if answer.get("content") and self.content_type not in ("", "text/html") and \
                self.response.headers.get("cache-control") != "no-store" and \
                b"too_many_connections" not in self.response.body:
            self.fail("without Cache-Control: no-store")

    def note_parameters(self, operation, method):
        names = {parameter["name"] for parameter in described.parameters(self.path, method)
                 if parameter["in"] == "query"}
        for name in parse_qs(urlsplit(self.target).query, keep_blank_values=True):
            if name in names:
                note(operation, "?", name)
            elif self.response.status < 400:
                self.fail(f"the parameter {name} is not described")

    def check_body(self, operation, media):
        status = self.response.status
        if self.content_type not in ("application/json", PROBLEM):
            note(operation, status, self.content_type)
        if self.method == "HEAD" or not self.response.body:
            return
        if self.content_type == PROBLEM:
            problem = json.loads(self.response.body)
            described.validate(problem, media["schema"], self.where)
            if problem["status"] != status:
                self.fail(f"status {status} in the head")
            note(operation, status, problem["code"])
        elif self.content_type == "application/json":
            if is_due(operation["operationId"], status):
                described.validate(json.loads(self.response.body), media["schema"], self.where)
            note(operation, status, self.content_type)
        elif "x-item-schema" in media and self.content_type == "application/x-ndjson":
            for line in self.response.body.splitlines():
                check_item(media, json.loads(line))


def asked_of(data):
    """(method, target) of a request's first bytes; None: not a whole first line."""
    line = REQUEST_LINE.match(data)
    return line and tuple(part.decode("latin-1") for part in line.groups())


def check_answer(wire, response):
    """Compares an answer with the description. Returns what describes the stream behind it, for check_item."""
    if wire.asked is None or wire.port not in ports:
        return None
    # libmicrohttpd's own error pages, and what is not even a request.
    is_ours = response.status == 101 or "x-content-type-options" in response.headers \
        or response.headers.get("content-type") == PROBLEM
    return Answer(wire.asked, response).check() if is_ours else None


def check_item(media, item):
    """One line, or `data:`, of a stream."""
    if media is None:
        return
    kind = item.get("kind", "line")
    seen.add(("item", kind, item.get("reason", "")))
    if is_due("item", kind, *item):
        described.validate(item, media["x-item-schema"], f"{kind} of a stream")


def check_socket_text(protocol, payload):
    """One text message of a WebSocket, of the subprotocol that check_answer returned."""
    if not protocol or "server" not in protocol:
        return
    # Answers are short, and of many shapes; batches of events are neither.
    is_answer = "answer" in str(payload[:20])
    message = json.loads(payload) if is_answer else None
    if not is_due("socket", payload[:16], *(message or ())):
        return
    message = message or json.loads(payload)
    if isinstance(message.get("events"), list):
        message["events"] = message["events"][:BATCH_CHECKED]
    described.validate(message, protocol["server"], f"{message.get('type')} of a WebSocket")
    for option in protocol["server"]["oneOf"]:
        if described.is_valid(message, option):
            seen.add(("socket", "says", option["$ref"].rsplit("/", 1)[1]))


def check_command(protocol, command):
    """A command of the client's that was done."""
    described.validate(command, protocol["client"], "a command")
    seen.add(("socket", "does", command["command"]))


def save(path):
    """Writes what was seen, for test_description."""
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(path).write_text(json.dumps(sorted(seen), indent=0), encoding="utf-8")
