"""What the structs of content.py cannot say, one function a kind; kinds.py names them.

Each yields what is wrong, with JSON pointers into the content.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from trailkeeper.assets.content import (
    ApiCollectionContent,
    ApiCustomerContent,
    ApiEndpointContent,
    CommonDataModelContent,
    LookupTableContent,
    MessageTemplateContent,
    PubsubTopicContent,
)
from trailkeeper.assets.template_language import check_template
from trailkeeper.catalogue.schema import SchemaRefusedError, compiled, encode
from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.identity.names import checked_email


def valid_schema(content: CommonDataModelContent | PubsubTopicContent) -> Iterator[FieldError]:
    """The schema is a JSON Schema that can be checked against without harm."""
    try:
        compiled(encode(content.schema))
    except SchemaRefusedError as error:
        yield FieldError(str(error), "/schema")


def rows_fit_columns(content: LookupTableContent) -> Iterator[FieldError]:
    """Columns have names of their own; every row has one value, of the right type, for each."""
    names: set[str] = set()
    for at, column in enumerate(content.columns):
        if column.name.casefold() in names:
            yield FieldError("is the name of another column", f"/columns/{at}/name")
        names.add(column.name.casefold())
    for at, row in enumerate(content.rows):
        if len(row) != len(content.columns):
            wanted = len(content.columns)
            yield FieldError(f"has {len(row)} values, there are {wanted} columns", f"/rows/{at}")
            return
        for place, (value, column) in enumerate(zip(row, content.columns, strict=True)):
            if value and not _fits(value, column.type):
                yield FieldError(f"must be of the type {column.type}", f"/rows/{at}/{place}")
                return


def template_parses(content: MessageTemplateContent) -> Iterator[FieldError]:
    """Subject and body are templates. Whether they end when they are rendered is seen there."""
    for name in ("subject", "body"):
        for wrong in check_template(getattr(content, name)):
            yield FieldError(wrong, f"/{name}")


def path_is_path(content: ApiCollectionContent | ApiEndpointContent) -> Iterator[FieldError]:
    """A path is empty or starts with a slash, and has nothing that ends it."""
    name = "path" if isinstance(content, ApiEndpointContent) else "base_path"
    path: str = getattr(content, name)
    if not path:
        return
    if not path.startswith("/"):
        yield FieldError("must start with /", f"/{name}")
    if not path.isprintable() or any(mark in path for mark in " ?#"):
        yield FieldError("must have no blanks, ?, # or control characters", f"/{name}")


def email_is_email(content: ApiCustomerContent) -> Iterator[FieldError]:
    """The address is empty or one."""
    if content.email:
        try:
            checked_email(content.email, "/email")
        except InvalidInput as error:
            yield from error.errors


def _fits(value: str, type: str) -> bool:
    if type == "date":
        try:
            return date.fromisoformat(value).isoformat() == value
        except ValueError:
            return False
    return type not in _FORMS or _FORMS[type].fullmatch(value) is not None


_FORMS = {
    "integer": re.compile(r"[+-]?[0-9]+"),
    "number": re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"),
    "boolean": re.compile(r"true|false"),
}
