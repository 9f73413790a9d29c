"""The teams that a user belongs to, and going from one to another."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import func, select

from trailkeeper.activity import Context
from trailkeeper.errors import Forbidden, NotFound
from trailkeeper.identity.sessions import Sessions
from trailkeeper.identity.signed_in import SignedIn
from trailkeeper.identity.store import Store
from trailkeeper.ledger.schema import member, workspace


class Team(Struct, frozen=True):
    """A workspace as its members see it in the list."""

    workspace: int
    id: str
    name: str
    role: str


class Teams:
    """Belonging to several workspaces."""

    def __init__(self, store: Store, sessions: Sessions) -> None:
        self._store = store
        self._sessions = sessions

    def of(self, user_key: int) -> list[Team]:
        """The user's teams, by name."""
        with self._store.reading() as connection:
            rows = connection.execute(
                select(workspace.c.key, workspace.c.id, workspace.c.name, member.c.role)
                .join(member, member.c.workspace == workspace.c.key)
                .where(member.c.user == user_key)
                .order_by(func.lower(workspace.c.name))
            ).all()
        return [Team(*row) for row in rows]

    def switch(self, who: SignedIn, workspace_id: str, context: Context) -> tuple[str, SignedIn]:
        """Go on in another team, under a new cookie. Raises NotFound."""
        if who.through_sso:
            raise Forbidden(
                "You came by this team's single sign-on, which is good for this team only."
                " Log out, and log in to the other one."
            )
        for team in self.of(who.user):
            if team.id == workspace_id:
                return self._sessions.switch(who, team.workspace, context)
        raise NotFound("You are no member of such a team")
