"""What a form of ours sent, whatever its fields are called."""

from __future__ import annotations

from typing import Any

from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.exceptions import ClientException
from msgspec import Struct

from trailkeeper.web.sections import check_form
from trailkeeper.web.security import WebRequest


class Upload(Struct, frozen=True):
    """A file."""

    name: str
    body: bytes


class Form(Struct, frozen=True):
    """The fields and files of a form."""

    fields: dict[str, list[str]]
    files: dict[str, Upload]

    def many(self, name: str) -> list[str]:
        return self.fields.get(name, [])

    def text(self, name: str) -> str:
        """The field's first value; empty without one. Line ends are those of Unix."""
        return next(iter(self.many(name)), "").replace("\r\n", "\n")

    def number(self, name: str) -> int | None:
        """The field as a number that is not negative."""
        text = self.text(name).strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


EMPTY = Form({}, {})
Sent = NamedDependency[Form]


async def read_form(request: WebRequest) -> Form:
    """The form of a signed-in user, its token checked. Raises ForeignRequest."""
    fields: dict[str, list[str]] = {}
    files: dict[str, Upload] = {}
    for name, value in await _pairs(request):
        if isinstance(value, UploadFile):
            files[name] = Upload(value.filename, await value.read())
            await value.close()
        else:
            fields.setdefault(name, []).append(str(value))
    form = Form(fields, files)
    check_form(request, form.text("csrf"))
    return form


async def _pairs(request: WebRequest) -> list[tuple[str, Any]]:
    try:
        form = await request.form()
    except (UnicodeDecodeError, LookupError) as error:  # the charset is the sender's to choose
        raise ClientException("The form cannot be read") from error
    return list(form.multi_items())
