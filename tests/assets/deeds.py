"""The 59 activities of assets: what each is done by over HTTP, and what the log has of it then.

The table docs/reference/asset-activities.md is made from here.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from trailkeeper.assets.kind import Kind
from trailkeeper.assets.kinds import KINDS
from trailkeeper.catalogue import catalogue

PAGE = "docs/reference/asset-activities.md"

HEAD = """\
# Activities of assets

Made by `make docs` from `tests/assets/deeds.py`; do not edit it by hand.

Each of the 59 activities of the categories from Recipe to API Policy comes from an operation on an
asset: one function changes the state and records the activity in the same transaction; page, API
and command line call it. `tests/assets/test_the_59_activities.py` does each by the call named here,
finds the one new activity with actor, targets, details and changes through the API and on the Audit
page, and sees that nothing is recorded as done when it is refused. The operations are described in
[Assets](assets.md), the other 29 activities in [Account and team](account-and-team.md).

| activity | action | operation | call | test |
| --- | --- | --- | --- | --- |
"""

_numbers = itertools.count(1)
_BEFORE = {"stop": "start", "disconnect": "connect", "deactivate": "activate"}
"""What has to be done first."""


@dataclass(frozen=True)
class Expected:
    """What the one new activity has: the names of its targets, of details at least these, and the
    fields of its changes."""

    id: str
    type: str
    targets: list[str]
    details: dict[str, Any] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Deed:
    """An operation of a kind and the call that does it."""

    kind: Kind
    operation: str

    @property
    def action(self) -> str:
        return self.kind.operations[self.operation].action

    @property
    def name(self) -> str:
        return f"{self.kind.name}-{self.operation}"

    @property
    def call(self) -> str:
        path = f"/api/v1/{self.kind.path}"
        return {
            "create": f"POST {path}",
            "update": f"PATCH {path}/{{id}}",
            "delete": f"DELETE {path}/{{id}}",
            "import": f"POST {path}/import",
        }.get(self.operation, f"POST {path}/{{id}}/{self.operation}")

    def do(self, http: httpx.Client) -> Expected:
        special = _SPECIAL.get(self.operation)
        return special(http, self.kind) if special else _transition(http, self.kind, self.operation)


def deeds() -> list[Deed]:
    """One for each activity, in the order of the catalogue."""
    made = [
        Deed(kind, operation.name)
        for kind in KINDS.values()
        for operation in kind.operations.values()
        if operation.name not in ("undelete", "restore")
        and (kind.name, operation.name) != ("package", "export")
    ]
    order = {spec.action: number for number, spec in enumerate(catalogue().actions)}
    return sorted(made, key=lambda deed: order[deed.action])


def make(http: httpx.Client, kind: Kind, **given: Any) -> dict[str, Any]:
    """A new asset with a name of its own, in a parent of its own where it needs one."""
    body: dict[str, Any] = {"name": f"{kind.label} {next(_numbers)}", **given}
    if kind.parent_kind and "parent_id" not in body:
        body["parent_id"] = make(http, KINDS[kind.parent_kind])["id"]
    return answered(http.post(f"/api/v1/{kind.path}", json=body))


def answered(response: httpx.Response) -> dict[str, Any]:
    assert response.is_success, f"{response.status_code}: {response.text[:500]}"
    return response.json() if response.content else {}


def _create(http: httpx.Client, kind: Kind) -> Expected:
    made = make(http, kind, description="Made over HTTP")
    content = {"content": {"description": "Made over HTTP"}}
    return Expected(made["id"], kind.name, [made["name"]], content)


def _update(http: httpx.Client, kind: Kind) -> Expected:
    old = make(http, kind)
    answered(http.patch(f"/api/v1/{kind.path}/{old['id']}", json={"description": "Changed"}))
    return Expected(old["id"], kind.name, [old["name"]], {"version": 2}, ["/description"])


def _delete(http: httpx.Client, kind: Kind) -> Expected:
    old = make(http, kind)
    answered(http.delete(f"/api/v1/{kind.path}/{old['id']}"))
    return Expected(old["id"], kind.name, [old["name"]])


def _rename(http: httpx.Client, kind: Kind) -> Expected:
    old, new = make(http, kind), f"Renamed {next(_numbers)}"
    answered(http.post(f"/api/v1/{kind.path}/{old['id']}/rename", json={"name": new}))
    return Expected(old["id"], kind.name, [new], {"previous_name": old["name"]}, ["/name"])


def _move(http: httpx.Client, kind: Kind) -> Expected:
    """It names both folders."""
    old, folder = make(http, kind), make(http, KINDS["folder"])
    body = {"folder_id": folder["id"]}
    answered(http.post(f"/api/v1/{kind.path}/{old['id']}/move", json=body))
    details = {"folder_id": folder["id"]}
    return Expected(old["id"], kind.name, [old["name"], folder["name"], "Home"], details)


def _copy(http: httpx.Client, kind: Kind) -> Expected:
    """It names its original."""
    old = make(http, kind)
    new = answered(http.post(f"/api/v1/{kind.path}/{old['id']}/copy", json={}))
    details = {"parent_id": old["id"], "source_name": old["name"]}
    return Expected(new["id"], kind.name, [new["name"], old["name"]], details)


def _set_access_scope(http: httpx.Client, kind: Kind) -> Expected:
    old = make(http, kind)
    body = {"public": True}
    answered(http.post(f"/api/v1/{kind.path}/{old['id']}/set-access-scope", json=body))
    return Expected(old["id"], kind.name, [old["name"]], {"public": True}, ["/public"])


def _refresh_token(http: httpx.Client, kind: Kind) -> Expected:
    old = make(http, kind)
    new = answered(http.post(f"/api/v1/{kind.path}/{old['id']}/refresh-token", json={}))
    assert new["token"] != old["token"]
    return Expected(old["id"], kind.name, [old["name"]])


def _export(http: httpx.Client, kind: Kind) -> Expected:
    package = _package(http)
    details = {"file_name": package["file_name"]}
    return Expected(package["id"], "package", [package["name"]], details)


def _import(http: httpx.Client, kind: Kind) -> Expected:
    there = _package(http)
    file = http.get(f"/api/v1/packages/{there['id']}/download")
    folder = f"Imported {next(_numbers)}"
    package = answered(
        http.post(
            "/api/v1/packages/import",
            params={"folder_name": folder, "wait": "true"},
            content=file.content,
            headers={"Content-Type": "application/zip"},
        )
    )
    details = {"folder_id": package["folder_id"], "folder_path": f"Home/{folder}"}
    return Expected(package["id"], "package", [package["name"]], details)


def _package(http: httpx.Client) -> dict[str, Any]:
    folder = make(http, KINDS["folder"])
    make(http, KINDS["recipe"], folder_id=folder["id"])
    manifest = make(http, KINDS["manifest"], folder_id=folder["id"])
    return answered(http.post(f"/api/v1/manifests/{manifest['id']}/export", json={}))


def _transition(http: httpx.Client, kind: Kind, operation: str) -> Expected:
    old = make(http, kind)
    address = f"/api/v1/{kind.path}/{old['id']}"
    if first := _BEFORE.get(operation):
        answered(http.post(f"{address}/{first}", json={}))
    reason = {"stop_reason": "maintenance"} if operation == "stop" else {}
    answered(http.post(f"{address}/{operation}", json=reason))
    return Expected(old["id"], kind.name, [old["name"]], reason, ["/state"])


_SPECIAL: dict[str, Callable[[httpx.Client, Kind], Expected]] = {
    "create": _create,
    "update": _update,
    "delete": _delete,
    "rename": _rename,
    "move": _move,
    "copy": _copy,
    "set-access-scope": _set_access_scope,
    "refresh-token": _refresh_token,
    "export": _export,
    "import": _import,
}


def page() -> str:
    """The page's text."""
    lines = [
        f"| {catalogue().label_of(deed.action)} | `{deed.action}` |"
        f" {deed.kind.operations[deed.operation].label} | `{deed.call}` | `{deed.name}` |\n"
        for deed in deeds()
    ]
    return HEAD + "".join(lines)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page())
