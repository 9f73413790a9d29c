"""Single sign-on of a workspace: its settings, and logging in by its identity provider.

The provider vouches for members of its own workspace only: the session is good for that workspace,
and neither for other teams nor for the account's password, address or second factor.
"""

from __future__ import annotations

from typing import Any

import msgspec
from itsdangerous import BadData, URLSafeTimedSerializer
from msgspec import Struct
from sqlalchemy import Connection, insert, select, update

from trailkeeper.activity import ActivityInput, Actor, Change, Context, Target
from trailkeeper.errors import FieldError, InvalidInput, NotFound, Unauthorized
from trailkeeper.identity.acting import By
from trailkeeper.identity.oidc import Oidc, Provider, Started
from trailkeeper.identity.provider import Identity, ProviderError
from trailkeeper.identity.saml import Saml, SamlProvider
from trailkeeper.identity.seal import Seal
from trailkeeper.identity.sessions import Sessions
from trailkeeper.identity.signed_in import SignedIn
from trailkeeper.identity.store import Store
from trailkeeper.ledger.schema import member, user, workspace, workspace_sso
from trailkeeper.ledger.writer import Transaction
from trailkeeper.team.sso_settings import (
    RECORDED,
    SsoInput,
    SsoSettings,
    checked,
    fingerprint,
)

MAX_AGE_S = 15 * 60
CALLBACK = "/sso/callback"
ENTITY = "/sso"
ACS = "/sso/saml"


class SsoFailed(Unauthorized):
    """Logging in by the provider did not work; what went wrong is in the log."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)


class _Pending(Struct, frozen=True):
    """A log-in that has started, as the browser's cookie keeps it; of SAML the request's id."""

    workspace_id: str
    next: str
    started: Started | str


class Sso:
    """Single sign-on of all workspaces."""

    def __init__(
        self, store: Store, sessions: Sessions, oidc: Oidc, secret: bytes, public_url: str
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._oidc = oidc
        self._saml = Saml()
        self._seal = Seal(secret, "single sign-on")
        self._pending = URLSafeTimedSerializer(secret, salt="trailkeeper single sign-on")
        self._redirect_uri = public_url + CALLBACK
        self._entity_id = public_url + ENTITY
        self._acs_url = public_url + ACS

    @property
    def addresses(self) -> tuple[str, str, str]:
        """What is to be registered at the provider: OpenID Connect's redirect address; SAML's
        entity id and assertion consumer service."""
        return self._redirect_uri, self._entity_id, self._acs_url

    def settings(self, workspace_key: int) -> SsoSettings:
        with self._store.reading() as connection:
            return _settings(_row(connection, workspace_key))

    def update(self, by: By, asked: SsoInput) -> None:
        """Change it, and record what changed, without the secret. Only the owner may: whoever
        names the provider decides who can come as whom. The provider is asked first whether it is
        there. Raises Forbidden, InvalidInput."""
        if not by.is_owner:
            why = "Only the owner may change single sign-on"
            self._store.refuse(by, "Change single sign-on", why)
        new = checked(asked)
        if new.enabled:
            self._check_provider(new)

        def work(transaction: Transaction) -> None:
            row = _row(transaction.connection, by.workspace)
            old = _settings(row)
            same = (old.kind, old.issuer, old.client_id) == (new.kind, new.issuer, new.client_id)
            sealed = row.secret_sealed if row is not None and same else None
            if asked.client_secret:
                sealed = self._seal.seal(asked.client_secret, str(by.workspace))
            if same and old.has_secret and not asked.client_secret and old == _kept(new):
                return
            values: dict[str, Any] = {
                "enabled": new.enabled,
                "required": new.required,
                "issuer": new.issuer,
                "client_id": new.client_id,
                "secret_sealed": sealed,
                "domains": " ".join(new.domains),
                "kind": new.kind,
                "sign_on_url": new.sign_on_url,
                "certificate": new.certificate,
            }
            if row is None:
                statement = insert(workspace_sso).values(workspace=by.workspace, **values)
            else:
                mine = workspace_sso.c.workspace == by.workspace
                statement = update(workspace_sso).where(mine).values(values)
            transaction.connection.execute(statement)
            self._record_update(transaction, by, old, new, secret=bool(asked.client_secret))

        self._store.change(work)

    def workspace_for(self, email: str) -> str | None:
        """The id of the workspace whose single sign-on is for this address: one that its user is a
        member of, else any for its domain."""
        email = email.strip().lower()
        domain = email.rpartition("@")[2]
        with self._store.reading() as connection:
            rows = connection.execute(
                select(workspace.c.key, workspace.c.id, workspace_sso.c.domains)
                .join(workspace_sso, workspace_sso.c.workspace == workspace.c.key)
                .where(workspace_sso.c.enabled)
                .order_by(workspace.c.key)
            ).all()
            fitting = [row for row in rows if domain in row.domains.split()]
            for row in fitting:
                if _member(connection, row.key, email):
                    return row.id
        return fitting[0].id if fitting else None

    def start(self, workspace_id: str, next_path: str, email: str = "") -> tuple[str, str]:
        """The provider's address to go to, and what the browser has to keep until it comes back.
        Raises NotFound, SsoFailed."""
        _, name, provider, _ = self._provider(workspace_id)
        started: Started | str
        try:
            if isinstance(provider, SamlProvider):
                address, started = self._saml.start(provider, self._entity_id, self._acs_url)
            else:
                address, started = self._oidc.start(provider, self._redirect_uri, email)
        except ProviderError as error:
            raise SsoFailed(
                f"The identity provider of {name} cannot be used now: {error}."
            ) from None
        pending = msgspec.to_builtins(_Pending(workspace_id, next_path, started))
        return address, str(self._pending.dumps(pending))

    def finish(
        self, kept: str, answer: dict[str, str], context: Context
    ) -> tuple[str, SignedIn, str]:
        """Log in by the provider's answer: the cookie's value, who it is, and where to go on.
        A failure is recorded in the workspace. Raises SsoFailed, NotFound."""
        try:
            pending = msgspec.convert(self._pending.loads(kept, max_age=MAX_AGE_S), _Pending)
        except (BadData, msgspec.ValidationError):
            raise SsoFailed("That took too long, or cookies are blocked. Start again.") from None
        key, _, provider, domains = self._provider(pending.workspace_id)
        try:
            found = self._identity(provider, pending.started, answer)
        except ProviderError as error:
            self._record_failure(key, provider, None, str(error), context)
            raise SsoFailed(f"Logging in by {provider.name} did not work: {error}.") from None
        if found.email.rpartition("@")[2] not in domains:
            self._record_failure(key, provider, found, "domain not allowed", context)
            raise SsoFailed(f"{found.email} is of no domain that this team takes.")
        with self._store.reading() as connection:
            who = _member(connection, key, found.email)
        if who is None:
            self._record_failure(key, provider, found, "no collaborator", context)
            raise SsoFailed(f"{found.email} is no collaborator here. Ask for an invitation.")

        def entered(new: SignedIn) -> ActivityInput:
            details = {"activity": "sso_login", "provider": provider.name}
            return new.by(context).activity("user.logged_in", new.target, details=details)

        cookie, signed_in = self._sessions.enter(who, key, entered, context, sso=True)
        return cookie, signed_in, pending.next

    def _identity(
        self, provider: Provider | SamlProvider, started: Started | str, answer: dict[str, str]
    ) -> Identity:
        """Raises ProviderError."""
        if isinstance(provider, SamlProvider) and isinstance(started, str):
            response = answer.get("SAMLResponse", "")
            return self._saml.finish(provider, self._entity_id, started, response)
        if isinstance(provider, Provider) and isinstance(started, Started):
            return self._oidc.finish(provider, self._redirect_uri, started, answer)
        raise ProviderError("it was changed meanwhile")

    def _provider(self, workspace_id: str) -> tuple[int, str, Provider | SamlProvider, list[str]]:
        with self._store.reading() as connection:
            row = connection.execute(
                select(workspace.c.key, workspace.c.name, workspace_sso)
                .join(workspace_sso, workspace_sso.c.workspace == workspace.c.key)
                .where(workspace.c.id == workspace_id, workspace_sso.c.enabled)
            ).first()
        if row is None:
            raise NotFound("This team has no single sign-on")
        if row.kind == "saml":
            saml = SamlProvider(row.issuer, row.sign_on_url, row.certificate)
            return row.key, row.name, saml, row.domains.split()
        secret = ""
        if row.secret_sealed is not None:
            secret = self._seal.open(row.secret_sealed, str(row.key))
        provider = Provider(row.issuer, row.client_id, secret)
        return row.key, row.name, provider, row.domains.split()

    def _check_provider(self, new: SsoSettings) -> None:
        field = "issuer" if new.kind == "oidc" else "sign_on_url"
        try:
            if new.kind == "oidc":
                self._oidc.check_reachable(Provider(new.issuer, new.client_id))
            else:
                self._saml.check_installed()
                self._oidc.check_address(new.sign_on_url)
        except ProviderError as error:
            detail = f"does not lead to an identity provider: {error}"
            raise InvalidInput(f"It {detail}", FieldError(detail, f"/{field}")) from None

    def _record_update(
        self, transaction: Transaction, by: By, old: SsoSettings, new: SsoSettings, *, secret: bool
    ) -> None:
        changes = [
            Change(field=field, old=getattr(old, field), new=getattr(new, field))
            for field in RECORDED
            if getattr(old, field) != getattr(new, field)
        ]
        if old.certificate != new.certificate:
            before, after = fingerprint(old.certificate), fingerprint(new.certificate)
            changes.append(Change(field="certificate", old=before, new=after))
        if secret:
            changes.append(Change(field="client_credentials", old=None, new="replaced"))
        sent = by.activity(
            "sso.settings_updated",
            self._store.workspace_target(transaction.connection, by.workspace),
            changes=changes,
            details={"enabled": new.enabled, "issuer": new.issuer},
        )
        self._store.record(transaction, by.workspace, sent)

    def _record_failure(
        self,
        key: int,
        provider: Provider | SamlProvider,
        found: Identity | None,
        why: str,
        context: Context,
    ) -> None:
        who = Actor(type="user", id="unknown", name="Unknown")
        if found and found.email.isprintable():
            email = found.email[:200]
            who = Actor(type="user", id=email, name=email, email=email)
        failed = ActivityInput(
            action="user.login_failed",
            actor=who,
            targets=[Target(type="user", id=who.id, name=who.name)],
            outcome="failure",
            reason=why[:300],
            context=context,
            details={"activity": "sso_login", "provider": provider.name},
        )
        self._store.append(key, failed)


def _row(connection: Connection, workspace_key: int) -> Any:
    return connection.execute(
        select(workspace_sso).where(workspace_sso.c.workspace == workspace_key)
    ).first()


def _settings(row: Any) -> SsoSettings:
    if row is None:
        return SsoSettings()
    return SsoSettings(
        enabled=bool(row.enabled),
        required=bool(row.required),
        issuer=row.issuer,
        client_id=row.client_id,
        has_secret=row.secret_sealed is not None,
        domains=row.domains.split(),
        kind=row.kind,
        sign_on_url=row.sign_on_url,
        certificate=row.certificate,
    )


def _kept(new: SsoSettings) -> SsoSettings:
    return msgspec.structs.replace(new, has_secret=True)


def _member(connection: Connection, workspace_key: int, email: str) -> int | None:
    return connection.execute(
        select(user.c.key)
        .join(member, member.c.user == user.c.key)
        .where(member.c.workspace == workspace_key, user.c.email == email)
    ).scalar()
