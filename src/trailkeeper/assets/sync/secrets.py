"""Secrets are never in files: a file names the environment variable that has one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec
from msgspec import Struct

from trailkeeper.assets.kind import Kind
from trailkeeper.assets.sync.yaml_text import pointer

ENV = "env"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


class Variable(Struct, frozen=True):
    """An environment variable that a file names."""

    name: str


Secret = Variable | dict[str, "Secret"] | list["Secret"]
"""What a file says of a secret: where to find it, whole or part by part."""


class NotSet(LookupError):
    """The variables that are not there."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


class NotUsable(ValueError):
    """A variable that holds something else than is needed. The message does not tell its value."""


def parsed(value: Any, at: str, problems: list[tuple[str, str]]) -> Secret:
    """What a file says of a secret; what is wrong is added to `problems`, as pointer and text."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        if set(fields) == {ENV}:
            name = fields[ENV]
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                problems.append((pointer(at, ENV), "is no name of an environment variable"))
                return Variable("")
            return Variable(name)
        return {key: parsed(one, pointer(at, key), problems) for key, one in fields.items()}
    if isinstance(value, list):
        items = enumerate(cast("list[Any]", value))
        return [parsed(one, pointer(at, place), problems) for place, one in items]
    detail = "is secret, and secrets do not stand in files: write {env: NAME_OF_A_VARIABLE}"
    problems.append((at, detail))
    return Variable("")


def resolved(kind: Kind, field: str, secret: Secret, environ: Mapping[str, str]) -> Any:
    """The secret itself; where the field is a mapping and one variable has all of it, that holds
    it as JSON. Raises NotSet, NotUsable."""
    if missing := [name for name in variables(secret) if name not in environ]:
        raise NotSet(missing)
    if isinstance(getattr(kind.content(), field), dict) and isinstance(secret, Variable):
        try:
            return msgspec.json.decode(environ[secret.name], type=dict[str, Any])
        except msgspec.MsgspecError:
            detail = f"the variable {secret.name} must hold a JSON object"
            raise NotUsable(detail) from None
    return _filled(secret, environ)


def variables(secret: Secret) -> Iterator[str]:
    """The names of the variables that a secret is made of."""
    if isinstance(secret, Variable):
        yield secret.name
    else:
        for one in secret.values() if isinstance(secret, dict) else secret:
            yield from variables(one)


def _filled(secret: Secret, environ: Mapping[str, str]) -> Any:
    if isinstance(secret, Variable):
        return environ[secret.name]
    if isinstance(secret, dict):
        return {key: _filled(one, environ) for key, one in secret.items()}
    return [_filled(one, environ) for one in secret]
