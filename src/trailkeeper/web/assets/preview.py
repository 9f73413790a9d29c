"""What a message template makes of sample data, as it stands in the form; nothing is saved."""

from __future__ import annotations

from msgspec import Struct

from trailkeeper.assets.templates import preview
from trailkeeper.errors import Problem
from trailkeeper.web.assets.sent import Form
from trailkeeper.web.assets.widgets import WIDGETS, Wrong
from trailkeeper.web.text import visible


class Message(Struct, frozen=True):
    """The message, or why there is none."""

    subject: str = ""
    body: str = ""
    wrong: str = ""


def message_of(form: Form) -> Message:
    """Renders the template in the form in a process of its own."""
    try:
        data = WIDGETS["json"].read({"": [form.text("data")]})
        made = preview(form.text("subject"), form.text("body"), data)
    except Wrong as wrong:
        return Message(wrong=f"The sample data {wrong}")
    except Problem as problem:
        return Message(wrong=visible(problem.detail))
    lines = (visible(line) for line in made.body.split("\n"))
    return Message(visible(made.subject), "\n".join(lines))
