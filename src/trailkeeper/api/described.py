"""Bodies in the API's description, for handlers that read theirs themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import msgspec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody


def with_body(kind: type[Any]) -> type[Operation]:
    """An operation whose body is this struct, as the handler's `operation_class`. The body is
    required where the struct has a field that is."""
    described = msgspec.json.schema(kind)
    schema = _inlined(described, described.get("$defs", {}))
    body = RequestBody(
        {"application/json": OpenAPIMediaType(schema=schema)}, required="required" in schema
    )

    @dataclass
    class WithBody(Operation):
        def __post_init__(self) -> None:
            self.request_body = body

    return WithBody


def _inlined(value: Any, definitions: dict[str, Any]) -> Any:
    """A schema without references to its own definitions, none of which holds itself."""
    if isinstance(value, list):
        return [_inlined(one, definitions) for one in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    known = cast("dict[str, Any]", value)
    if reference := known.get("$ref"):
        return _inlined(definitions[reference.rpartition("/")[2]], definitions)
    return {key: _inlined(one, definitions) for key, one in known.items() if key != "$defs"}
