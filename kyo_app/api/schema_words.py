"""A JSON schema in words: fields with type and limits, and an example, for the page that people read."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]

_REFERENCE = "#/components/schemas/"
_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
    "pattern": "like {}",
}
_SAMPLES: dict[str, Any] = {
    "uuid": "0b1e6f2a-4c1d-4f7e-9a55-2f1f0c7d9e10",
    "date-time": "2026-03-01T09:30:00Z",
    "date": "2026-03-01",
    "binary": "@handbook.pdf",
    "password": "correct horse battery staple",
    "email": "maria@example.org",
}
_DEEPEST = 5


@dataclass(frozen=True)
class Field:
    """One line of a table. `name` is a path, such as `items[].id`; `limits` are phrases."""

    name: str
    type: str
    required: bool
    limits: tuple[str, ...]
    description: str


class Schemas:
    """The schemas of one document, which refer to each other by name."""

    def __init__(self, named: dict[str, Schema]) -> None:
        self._named = named

    def resolved(self, schema: Schema) -> Schema:
        """Without references and without the null of what may be null; what stands beside a reference counts too."""
        merged = dict(schema)
        while (target := merged.pop("$ref", None)) is not None:
            merged = {**self._named[target.removeprefix(_REFERENCE)], **merged}
        for several in ("allOf", "anyOf", "oneOf"):
            real = [one for one in merged.get(several, ()) if one.get("type") != "null"]
            if len(real) == 1:
                rest = {key: value for key, value in merged.items() if key != several}
                return self.resolved({**real[0], **rest})
        return merged

    def type_of(self, schema: Schema) -> str:
        """`string (uuid)`, `list of string`, `integer or null`."""
        null = " or null" if any(one.get("type") == "null" for one in schema.get("anyOf", ())) else ""
        found = self.resolved(schema)
        if several := found.get("anyOf", found.get("oneOf")):
            return " or ".join(self.type_of(one) for one in several)
        if "const" in found:
            return f"always {json.dumps(found['const'])}{null}"
        if "enum" in found:
            return f"one of {', '.join(map(str, found['enum']))}{null}"
        kind = found.get("type", "any")
        if kind == "array":
            return f"list of {self.type_of(found.get('items', {}))}{null}"
        shape = found.get("format") or ("binary" if "contentMediaType" in found else None)
        return f"{kind} ({shape}){null}" if shape else f"{kind}{null}"

    def limits_of(self, schema: Schema) -> tuple[str, ...]:
        found = self.resolved(schema)
        phrases = [words.format(found[key]) for key, words in _LIMITS.items() if key in found]
        if found.get("default") is not None:
            phrases.append(f"else {json.dumps(found['default'])}")
        return tuple(phrases)

    def fields_of(self, schema: Schema, prefix: str = "", depth: int = 0) -> Iterator[Field]:
        """Those of an object, and after each one those of what it holds."""
        found = self.resolved(schema)
        for name, one in found.get("properties", {}).items():
            inner = self.resolved(one)
            path = f"{prefix}{name}"
            required = name in found.get("required", ())
            yield Field(path, self.type_of(one), required, self.limits_of(one), inner.get("description", ""))
            if inner.get("type") == "array":
                path, inner = f"{path}[]", self.resolved(inner.get("items", {}))
            if depth < _DEEPEST and "properties" in inner:
                yield from self.fields_of(inner, f"{path}.", depth + 1)

    def example_of(self, schema: Schema, depth: int = 0) -> Any:
        """What somebody has given as one, else something of the right type."""
        found = self.resolved(schema)
        if "example" in found or found.get("examples"):
            return found.get("example", next(iter(found.get("examples", ())), None))
        for key in ("const", "default"):
            if found.get(key) is not None:
                return found[key]
        if "enum" in found:
            return found["enum"][0]
        if several := found.get("anyOf", found.get("oneOf")):
            return self.example_of(several[0], depth + 1)
        return self._made_up(found, depth)

    def _made_up(self, found: Schema, depth: int) -> Any:
        match found.get("type"):
            case "object" if depth < _DEEPEST:
                return {name: self.example_of(one, depth + 1) for name, one in found.get("properties", {}).items()}
            case "array" if depth < _DEEPEST:
                return [self.example_of(found.get("items", {}), depth + 1)]
            case "integer" | "number":
                return max(found.get("minimum", 1), 1)
            case "boolean":
                return True
            case "string":
                shape = found.get("format") or ("binary" if "contentMediaType" in found else "")
                return _SAMPLES.get(shape, "…")
            case "object":
                return {}
            case "array":
                return []
        return None
