"""Pages that belong together: the tabs of a section, and what a page says after a form was sent.

A form that went well is answered with a redirect to a page with `?done=<slug>`; one that did not is
the page again with status 422 and what was wrong beside the fields.
"""

from __future__ import annotations

from typing import NamedTuple

from litestar import Response
from litestar.datastructures import Cookie

from trailkeeper.errors import NotFound, Problem
from trailkeeper.identity.privileges import Privilege
from trailkeeper.team.workspaces import is_first
from trailkeeper.web.render import go_to, render
from trailkeeper.web.security import WebRequest, check_csrf
from trailkeeper.web.services import SignedIn
from trailkeeper.web.session import by_of, services_of, session_of


class Tab(NamedTuple):
    """A page of a section. Without the privilege its tab is not shown; `for_self` hides it from
    delegated admins, `for_owner` from everyone but the owner, `for_first` from everyone but the
    owner of the installation's first workspace."""

    path: str
    name: str
    privilege: Privilege | None = None
    for_self: bool = False
    for_owner: bool = False
    for_first: bool = False


class Section(NamedTuple):
    """`done` has the sentence for each slug."""

    name: str
    tabs: tuple[Tab, ...]
    done: dict[str, str]

    def tabs_for(self, session: SignedIn) -> list[Tab]:
        return [tab for tab in self.tabs if _shown(tab, session)]

    def _current(self, path: str) -> str:
        """The path of the tab to which a page or form belongs."""
        above = [tab.path for tab in self.tabs if f"{path}/".startswith(f"{tab.path}/")]
        return max(above, key=len, default="")

    def page(
        self,
        request: WebRequest,
        template: str,
        heading: str,
        *,
        problem: Problem | str | None = None,
        status: int | None = None,
        cookies: list[Cookie] | None = None,
        **values: object,
    ) -> Response[str]:
        """A page; its template extends section.html. After a problem it has the problem's status,
        and `errors` maps the names of fields to what is wrong with them."""
        session = session_of(request)
        errors: dict[str, str] = {}
        text = problem if isinstance(problem, str) else ""
        if isinstance(problem, Problem):
            errors = {error.pointer.lstrip("/"): error.detail for error in problem.errors}
            text = problem.detail
            status = status or problem.status
            if isinstance(problem, NotFound) and request.method == "POST":
                services_of(request).access.record_missed(by_of(request), request.url.path)
        return render(
            request,
            template,
            session=session,
            status=status or 200,
            headers=None,
            cookies=cookies,
            heading=heading,
            section=self.name,
            tabs=self.tabs_for(session),
            current=self._current(request.url.path),
            done="" if text else self.done.get(request.query_params.get("done", ""), ""),
            problem=text,
            errors=errors,
            **values,
        )


def done(path: str, slug: str, *, cookies: list[Cookie] | None = None) -> Response[str]:
    """On to a page that says what was done."""
    return go_to(f"{path}?done={slug}", cookies=cookies)


def check_form(request: WebRequest, csrf: str) -> None:
    """For each POST of a signed-in user. Raises ForeignRequest."""
    check_csrf(request, session_of(request).csrf, csrf)


def _shown(tab: Tab, session: SignedIn) -> bool:
    if tab.for_owner and not session.is_owner:
        return False
    if tab.for_first and not (session.is_owner and is_first(session)):
        return False
    if tab.for_self and session.acting_for is not None:
        return False
    return tab.privilege is None or tab.privilege in session.privileges


ACCOUNT = Section(
    "Account",
    (
        Tab("/settings/account", "Profile", for_self=True),
        Tab("/settings/password", "Password", for_self=True),
        Tab("/settings/two-factor", "Two-factor authentication", for_self=True),
        Tab("/settings/sessions", "Sessions", for_self=True),
        Tab("/settings/api-key", "API key", for_self=True),
    ),
    {
        "name": "Your name was changed.",
        "email-asked": "Follow the link in the mail that was sent to the new address.",
        "email": "Your e-mail address was changed.",
        "password": "Your password was changed. Your other sessions have ended.",
        "two-factor-on": "Two-factor authentication is on.",
        "two-factor-off": "Two-factor authentication is off.",
        "passkey-added": "The passkey was added.",
        "passkey-removed": "The passkey was removed.",
        "sessions": "All other sessions have ended.",
        "session": "The session has ended.",
    },
)

TEAM = Section(
    "Team",
    (
        Tab("/team", "Collaborators", "team.manage"),
        Tab("/team/invitations", "Pending invitations", "team.manage"),
        Tab("/team/roles", "Roles", "roles.manage"),
    ),
    {
        "invited": "The invitation was sent.",
        "resent": "The invitation was sent again; the old link no longer works.",
        "invite-modified": "The invitation was changed.",
        "invite-canceled": "The invitation was canceled; its link no longer works.",
        "member-updated": "The collaborator's role was changed.",
        "member-deleted": "The collaborator was removed; their sessions and keys have ended.",
        "role-created": "The role was made.",
        "role-updated": "The role was changed.",
        "role-deleted": "The role was deleted.",
        "transferred": "The workspace has a new owner.",
    },
)

TEAMS = Section(
    "Teams",
    (),
    {
        "delegated-password": "Your delegated-admin password was saved.",
        "joined": "You have joined. To go there, log in through its single sign-on.",
    },
)

SETTINGS = Section(
    "Workspace settings",
    (
        Tab("/settings/jobs", "Jobs settings", "settings.manage"),
        Tab("/settings/audit-streaming", "Audit log streaming", "streams.manage"),
        Tab("/settings/archive", "Archive", "streams.manage"),
        Tab("/settings/retention", "Data retention", "settings.manage"),
        Tab("/settings/api-clients", "API clients", "api_clients.manage"),
        Tab("/settings/delegated-admins", "Delegated administrator", for_owner=True),
        Tab("/settings/sign-in", "Sign-in", "settings.manage"),
        Tab("/settings/single-sign-on", "Single sign-on", for_owner=True),
        Tab("/settings/mail", "Mail", for_first=True),
    ),
    {
        "emails": "The addresses for error notifications were changed.",
        "tested": "A test was sent.",
        "throttling": "The throttling of error notifications was changed.",
        "stream-made": "The stream was made. Say where it leads, then turn it on.",
        "stream-on": "The stream is on.",
        "stream-off": "The stream is off. It keeps its place.",
        "stream-paused": "The stream is paused. It keeps its place.",
        "stream-resumed": "The stream goes on from where it stood.",
        "stream-replayed": "The stream was set back.",
        "stream-deleted": "The stream was deleted.",
        "letters-retried": "They are sent again now; what the destination takes disappears here.",
        "named": "The stream was renamed.",
        "included": "What the stream includes was changed.",
        "destination": "The stream's destination was changed.",
        "messages": "The stream's messages were changed.",
        "archive-set": "The archive was set up. Days that are over are written from now on.",
        "archive-paused": "The archive is paused. It keeps its place.",
        "archive-resumed": "The archive goes on from where it stood.",
        "archive-deleted": "The archive was deleted. Its files stay where they are.",
        "retention": "The rules of retention were changed.",
        "held": "The legal hold was placed.",
        "released": "The legal hold was released.",
        "client-revoked": "The API client was revoked.",
        "delegated-added": "The delegated administrator was added.",
        "delegated-removed": "The delegated administrator was removed; their sessions have ended.",
        "sso": "Single sign-on was changed.",
        "sign-in": "The rules for signing in were changed.",
    },
)
