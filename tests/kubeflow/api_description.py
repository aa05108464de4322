"""Kubeflow's own description of its REST API (Swagger 2.0), against which requests and answers are checked."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.kubeflow.exchange import Exchange

_TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}


class ApiDescription:
    """The description in a file.

    Args:
        path: a Swagger 2.0 document in JSON.
    """

    def __init__(self, path: Path) -> None:
        document = json.loads(path.read_text(encoding="utf-8"))
        self._definitions: Mapping[str, Any] = document["definitions"]
        # Words before placeholders, so that /pipelines/upload is not taken for the pipeline "upload".
        templates = sorted(document["paths"], key=lambda template: template.count("{"))
        self._paths = {template: document["paths"][template] for template in templates}

    def find_problems(self, exchange: Exchange) -> list[str]:
        """All that an exchange has in it that the description does not allow."""
        operation = self._find_operation(exchange)
        if operation is None:
            return [f"{exchange.method} {exchange.path} is not described"]
        problems = [*self._check_parameters(operation, exchange), *self._check_answer(operation, exchange)]
        return [f"{exchange.method} {exchange.path}: {problem}" for problem in problems]

    def _find_operation(self, exchange: Exchange) -> Mapping[str, Any] | None:
        for template, operations in self._paths.items():
            pattern = re.sub(r"\\{[^}]*\\}", "[^/:]+", re.escape(template))
            if re.fullmatch(pattern, exchange.path) and exchange.method.lower() in operations:
                return operations[exchange.method.lower()]
        return None

    def _check_parameters(self, operation: Mapping[str, Any], exchange: Exchange) -> Iterator[str]:
        parameters = operation.get("parameters", [])
        query = {parameter["name"]: parameter for parameter in parameters if parameter["in"] == "query"}
        for name, values in exchange.query.items():
            if name not in query:
                yield f"query parameter {name} is not described"
            elif query[name]["type"] == "integer" and not all(value.isdecimal() for value in values):
                yield f"query parameter {name} is no integer: {values}"
            elif name == "filter":
                yield from self._check_filter(values)
            else:
                for value in values:
                    yield from _check_text({"enum": query[name].get("enum", [value])}, value, f"query parameter {name}")
        body = next((parameter for parameter in parameters if parameter["in"] == "body"), None)
        if body is None and exchange.body is not None:
            yield "a body is not described"
        elif body is not None:
            yield from self._check_value(body["schema"], exchange.body, "body")
        described = {parameter["name"] for parameter in parameters if parameter["in"] == "formData"}
        if described != set(exchange.files):
            yield f"form fields are {sorted(exchange.files)}, not {sorted(described)}"

    def _check_filter(self, values: list[str]) -> Iterator[str]:
        for value in filter(None, values):
            content = json.loads(re.sub(r'"stringValue"', '"string_value"', value))
            for predicate in content["predicates"]:
                # In JSON, protocol buffers take the number of an enumeration's value for its name.
                names = self._definitions["v2beta1PredicateOperation"]["enum"]
                if type(predicate["operation"]) is int:
                    predicate["operation"] = names[predicate["operation"]]
            yield from self._check_value({"$ref": "#/definitions/v2beta1Filter"}, content, "filter")

    def _check_answer(self, operation: Mapping[str, Any], exchange: Exchange) -> Iterator[str]:
        if exchange.from_kubeflow:
            responses = operation["responses"]
            schema = responses.get(str(exchange.status), responses["default"])["schema"]
            yield from self._check_value(schema, exchange.answer, "answer")

    def _check_value(self, schema: Mapping[str, Any], value: Any, where: str) -> Iterator[str]:
        if "$ref" in schema:
            schema = self._definitions[schema["$ref"].rsplit("/", 1)[1]]
        kind = schema.get("type")
        if kind is None:
            return
        if schema.get("format") == "int64" and where.startswith("body") and type(value) is int:
            # Of a request, protocol buffers take a large integer as a number as well.
            return
        if type(value) is not _TYPES[kind]:
            yield f"{where} is no {kind}: {value!r}"
        elif kind == "array":
            for index, item in enumerate(value):
                yield from self._check_value(schema["items"], item, f"{where}[{index}]")
        elif kind == "object":
            yield from self._check_object(schema, value, where)
        elif kind == "string":
            yield from _check_text(schema, value, where)

    def _check_object(self, schema: Mapping[str, Any], value: Mapping[str, Any], where: str) -> Iterator[str]:
        properties = schema.get("properties", {})
        further = schema.get("additionalProperties", {} if not properties else None)
        for name, item in value.items():
            if name in properties:
                yield from self._check_value(properties[name], item, f"{where}.{name}")
            elif further is None:
                yield f"{where}.{name} is not described"
            else:
                yield from self._check_value(further, item, f"{where}.{name}")


def _check_text(schema: Mapping[str, Any], value: str, where: str) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where} is none of {schema['enum']}: {value!r}"
    if schema.get("format") == "int64" and not re.fullmatch(r"-?\d+", value):
        yield f"{where} is no integer in a text: {value!r}"
    if schema.get("format") == "date-time":
        try:
            datetime.fromisoformat(value)
        except ValueError:
            yield f"{where} is no time: {value!r}"
