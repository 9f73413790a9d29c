"""Somebody who is logged in and does things, and what all of them share."""

from __future__ import annotations

import re
import secrets
from typing import Any

from trailkeeper.activity import Context
from trailkeeper.assets.asset import Asset
from trailkeeper.errors import Problem
from trailkeeper.identity.acting import By
from trailkeeper.identity.secrets import new_cookie
from trailkeeper.identity.signed_in import SignedIn
from trailkeeper.installation import Installation

_LINK = re.compile(r"https?://\S+")


class Stage:
    """The workspace in which it all happens."""

    def __init__(self, installation: Installation, workspace: int) -> None:
        self.here = installation
        self.workspace = workspace

    def link(self, to: str, start: str) -> str:
        """The token of the newest link of this kind that was mailed to an address."""
        for mail in self.here.mailer.kept():
            if mail.to == to:
                for link in _LINK.findall(mail.text):
                    if start in link:
                        return link.partition(start)[2]
        raise LookupError(f"no mail to {to} has a link {start}")


class Player:
    """Somebody who is logged in. Their password is random, and nobody knows it afterwards."""

    def __init__(self, stage: Stage, email: str, password: str, context: Context) -> None:
        self.stage = stage
        self.here = stage.here
        self.email = email
        self.password = password
        self.context = context
        self.cookie = ""

    def log_in(self) -> Player:
        """Log in with the password."""
        self.cookie, _ = self.here.log_in.with_password(self.email, self.password, self.context)
        return self

    def log_out(self) -> None:
        """End the session."""
        self.here.sessions.log_out(self.who, self.context)

    @property
    def who(self) -> SignedIn:
        """The session as it is now; it changes with what it may do."""
        found = self.here.sessions.find(self.cookie)
        if found is None:
            raise LookupError(f"the session of {self.email} has ended")
        return found

    @property
    def by(self) -> By:
        return self.who.by(self.context)

    def new_cookie(self) -> str:
        """Go on under another cookie, as after every change of what a session may do."""
        self.cookie = new_cookie()
        return self.cookie

    # --- What they do with assets

    def make(
        self,
        kind: str,
        name: str,
        *,
        folder: Asset | None = None,
        parent: Asset | None = None,
        **content: Any,
    ) -> Asset:
        """Make an asset with this content."""
        return self.here.registry.create(
            self.by,
            kind,
            name,
            folder_id=folder.id if folder else None,
            parent_id=parent.id if parent else None,
            content=content,
        ).asset

    def update(self, one: Asset, *, name: str | None = None, **content: Any) -> Asset:
        return self.here.registry.update(self.by, one.kind, one.id, name=name, content=content)

    def rename(self, one: Asset, name: str) -> Asset:
        return self.here.registry.rename(self.by, one.kind, one.id, name)

    def move(self, one: Asset, into: Asset | None) -> Asset:
        return self.here.registry.move(self.by, one.kind, one.id, into.id if into else None)

    def do(self, one: Asset, operation: str, reason: str | None = None) -> Asset:
        """Take an asset to another state."""
        return self.here.registry.transition(self.by, one.kind, one.id, operation, reason=reason)

    def delete(self, one: Asset, *, recursive: bool = False) -> None:
        self.here.registry.delete(self.by, one.kind, one.id, recursive=recursive)

    def fails(self, attempt: Any, *arguments: Any, **named: Any) -> None:
        """Try what is refused."""
        try:
            attempt(*arguments, **named)
        except Problem:
            return
        raise RuntimeError(f"{attempt} was to be refused")


def random_password() -> str:
    """A password that nobody will know."""
    return secrets.token_urlsafe(18)
