"""The forms of a page as a browser without scripts would send them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx
from tests.account.world import Person

from trailkeeper.web.assets.places import PLACES

NEW_ID = re.compile(r"/(?:recipes\?folder=|[a-z-]+/)?(\d+)")


@dataclass
class PageForm:
    """A form: where it goes, and the fields that would be sent as they are."""

    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)

    def with_(self, **changed: str | list[str]) -> dict[str, list[str]]:
        """The fields with some changed; `__` in a name stands for a dot."""
        given = {
            name.replace("__", "."): [value] if isinstance(value, str) else value
            for name, value in changed.items()
        }
        return {**self.fields, **given}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self._form: PageForm | None = None
        self._select = ""
        self._options: list[tuple[str, bool]] = []
        self._text: list[str] | None = None
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        if tag == "form":
            self._form = PageForm(has.get("action") or "", has.get("method") or "get")
            self.forms.append(self._form)
        elif tag == "input" and "name" in has:
            kind = has.get("type")
            if kind not in ("checkbox", "radio", "file") or "checked" in has:
                self._add(has["name"], has.get("value"))
        elif tag == "select":
            self._select, self._options = has.get("name") or "", []
        elif tag == "option":
            self._options.append((has.get("value") or "", "selected" in has))
            self._text = [] if "value" not in has else None
        elif tag == "textarea":
            self._area, self._text = has.get("name") or "", []

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "option" and self._text is not None:
            self._options[-1] = ("".join(self._text), self._options[-1][1])
            self._text = None
        elif tag == "select":
            chosen = [value for value, selected in self._options if selected]
            self._add(self._select, (chosen or [value for value, _ in self._options])[0])
        elif tag == "textarea":
            # HTML leaves out a line end that comes first.
            self._add(self._area, "".join(self._text or []).removeprefix("\n"))
            self._text = None

    def _add(self, name: str | None, value: str | None) -> None:
        if self._form is not None and name:
            self._form.fields.setdefault(name, []).append(value or "")


def forms_of(page: httpx.Response) -> list[PageForm]:
    reader = _Reader()
    reader.feed(page.text)
    return reader.forms


def form_to(page: httpx.Response, action: str) -> PageForm:
    """The page's form that goes there."""
    there = forms_of(page)
    found = [one for one in there if one.action == action and one.method == "post"]
    assert found, f"{page.url} has no form to {action}, but to {[one.action for one in there]}"
    return found[0]


def send(
    person: Person, path: str, action: str = "", /, **changed: str | list[str]
) -> httpx.Response:
    """Open a page and send its form with some fields changed."""
    form = form_to(person.get(path), action or path.partition("?")[0])
    return person.http.post(form.action, data=form.with_(**changed))


def make(person: Person, kind: str, name: str, /, **fields: str | list[str]) -> str:
    """Make an asset by the form for a new one; returns its id."""
    query = {n: fields.pop(n) for n in ("folder", "parent") if n in fields}
    path = f"{PLACES[kind].path}/new"
    asked = "&".join(f"{key}={value}" for key, value in query.items())
    answer = send(person, f"{path}?{asked}" if asked else path, name=name, **fields)
    if answer.status_code == 200:  # the token of an access profile, shown this once
        found = re.search(r"<code>(\d+)</code>", answer.text)
    else:
        assert answer.status_code == 303, answer.text
        found = re.search(r"(?:/|folder=)(\d+)", answer.headers["location"])
    assert found, answer.headers
    return found[1]


def uploaded(person: Person, action: str, name: str, body: bytes) -> httpx.Response:
    """Send a file by a form of its own."""
    csrf = form_to(person.get("/teams"), "/logout").fields["csrf"][0]
    return person.http.post(action, data={"csrf": csrf}, files={"file": (name, body)})
