#!/usr/bin/env python3
"""Looks over an OpenAPI 3.1 description: lint_openapi.py bridge/openapi.json

What its meta-schema cannot say: references that lead somewhere, components that are used, operations that are told
apart, documented and complete in their errors, examples that are what they are examples of. Prints one line for
each thing that is wrong; exit code 1 if there is any."""
import json
import pathlib
import re
import sys

import jsonschema

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# Refused before any route is looked at, so each operation can be answered with them.
EVERYWHERE = ("400", "403", "500", "503")
PROBLEM = "application/problem+json"


def walk(value, place=""):
    """(place, object) of all objects in a document."""
    if isinstance(value, dict):
        yield place, value
        for key, member in value.items():
            yield from walk(member, f"{place}/{key.replace('/', '~1')}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from walk(member, f"{place}/{index}")


class Linter:
    def __init__(self, document):
        self.document = document
        self.wrong = []
        self.resolver = jsonschema.RefResolver.from_schema(document)

    def say(self, place, text):
        self.wrong.append(f"{place}: {text}")

    def find(self, reference):
        value = self.document
        for key in reference.removeprefix("#/").split("/"):
            value = value.get(key.replace("~1", "/")) if isinstance(value, dict) else None
        return value

    def resolve(self, part):
        while isinstance(part, dict) and "$ref" in part:
            part = self.find(part["$ref"])
        return part or {}

    def operations(self):
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    yield f"{method.upper()} {path}", path, item, item[method]

    # ---- references ----
    def check_references(self):
        used = set()
        for place, part in walk(self.document):
            references = list(part.get("discriminator", {}).get("mapping", {}).values()) \
                if isinstance(part.get("discriminator"), dict) else []
            if isinstance(part.get("$ref"), str):
                references.append(part["$ref"])
            for reference in references:
                used.add(reference)
                if not reference.startswith("#/") or self.find(reference) is None:
                    self.say(place, f"{reference} leads nowhere")
        for kind, members in self.document["components"].items():
            for name in members:
                if f"#/components/{kind}/{name}" not in used:
                    self.say(f"/components/{kind}/{name}", "is not used")

    # ---- operations ----
    def check_operations(self):
        names = set()
        tags = {tag["name"] for tag in self.document["tags"]}
        for where, path, item, operation in self.operations():
            name = operation.get("operationId", "")
            if not re.fullmatch(r"[a-z][A-Za-z]+", name) or name in names:
                self.say(where, f"operationId {name!r} is missing, no camelCase, or there twice")
            names.add(name)
            if not operation.get("summary") or operation["summary"].endswith("."):
                self.say(where, "needs a summary, a line without a full stop")
            if not operation.get("tags") or set(operation["tags"]) - tags:
                self.say(where, "needs a tag, of those that are declared")
            self.check_parameters(where, path, item.get("parameters", [])
                                  + operation.get("parameters", []))
            self.check_responses(where, operation["responses"])

    def check_parameters(self, where, path, listed):
        parameters = [self.resolve(part) for part in listed]
        keys = [(part.get("in"), part.get("name")) for part in parameters]
        if len(set(keys)) != len(keys):
            self.say(where, "has a parameter twice")
        in_path = {name for place, name in keys if place == "path"}
        if in_path != set(re.findall(r"{(\w+)}", path)):
            self.say(where, f"path parameters are {sorted(in_path)}")
        for part in parameters:
            if not part.get("description") or "schema" not in part:
                self.say(where, f"parameter {part.get('name')} needs a description and a schema")
            if part.get("in") == "path" and not part.get("required"):
                self.say(where, f"parameter {part.get('name')} is of the path: it is required")

    def check_responses(self, where, responses):
        if not any(status[0] in "123" for status in responses):
            self.say(where, "has no answer that is a success")
        for status in EVERYWHERE:
            if status not in responses:
                self.say(where, f"does not describe {status}")
        for status, part in responses.items():
            answer = self.resolve(part)
            if status[0] in "45" and answer.get("content"):
                self.check_problem(f"{where} {status}", answer["content"])
            if status == "429" and "Retry-After" not in answer.get("headers", {}):
                self.say(f"{where} {status}", "needs Retry-After")

    def check_problem(self, where, content):
        codes = self.codes(content.get(PROBLEM, {}).get("schema", {}))
        if not codes:
            self.say(where, f"needs {PROBLEM} with its codes")

    def codes(self, schema):
        """The codes that an answer's schema lists, by const, enum, anyOf or reference."""
        part = schema.get("properties", {}).get("code", {}) if "properties" in schema else {}
        found, parts = set(), [part]
        while parts:
            part = parts.pop()
            found |= set(part.get("enum", [])) | ({part["const"]} if "const" in part else set())
            parts += part.get("anyOf", [])
            if "$ref" in part:
                parts.append(self.resolve(part))
        return found

    # ---- schemas and examples ----
    def check_schemas(self):
        for place, part in walk(self.document):
            if isinstance(part.get("required"), list) and isinstance(part.get("properties"), dict):
                for name in set(part["required"]) - set(part["properties"]):
                    self.say(place, f"requires {name}, which it does not describe")
            if "schema" not in part or place.endswith("/properties"):
                continue
            try:
                jsonschema.Draft202012Validator.check_schema(part["schema"])
            except jsonschema.SchemaError as error:
                self.say(f"{place}/schema", error.message)
            else:
                self.check_examples(place, part["schema"], [part["example"]] if "example" in part
                                    else [])
        for name, schema in self.document["components"]["schemas"].items():
            self.check_examples(f"/components/schemas/{name}", schema, schema.get("examples", []))

    def check_examples(self, place, schema, examples):
        validator = jsonschema.Draft202012Validator(schema, resolver=self.resolver)
        for example in examples:
            for error in validator.iter_errors(example):
                self.say(place, f"its example: {error.message}")

    def check_texts(self):
        for place, part in walk(self.document):
            text = part.get("description")
            if isinstance(text, str) and (not text.strip() or text != text.strip()):
                self.say(place, "an empty description, or space around it")
        for name, answer in self.document["components"]["responses"].items():
            if not answer.get("description", "").endswith("."):
                self.say(f"/components/responses/{name}", "a description is a sentence")


def check(document):
    """What is wrong with a description, a line each."""
    if not document.get("openapi", "").startswith("3.1."):
        return [f"openapi is {document.get('openapi')!r}, not 3.1"]
    linter = Linter(document)
    linter.check_references()
    if linter.wrong:  # whatever else would be said follows from these
        return linter.wrong
    linter.check_operations()
    linter.check_schemas()
    linter.check_texts()
    return linter.wrong


def main():
    wrong = check(json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")))
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
