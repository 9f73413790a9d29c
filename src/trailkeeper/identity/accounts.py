"""A user's own account: name, password, e-mail address, forgotten password.

What a user does in a session is recorded in that session's workspace; what is done by a link, in
the workspace that a log-in leads to.
"""

from __future__ import annotations

from sqlalchemy import select, update

from trailkeeper.activity import ActivityInput, Actor, Change, Context, Target
from trailkeeper.errors import Conflict, FieldError, InvalidInput, TooManyRequests
from trailkeeper.identity import links
from trailkeeper.identity.confirm import PasswordConfirm
from trailkeeper.identity.later import Later
from trailkeeper.identity.log_in import LogIn
from trailkeeper.identity.names import checked_email, checked_name
from trailkeeper.identity.passwords import hash_chosen
from trailkeeper.identity.sessions import end_sessions, renew
from trailkeeper.identity.signed_in import SignedIn
from trailkeeper.identity.store import Store
from trailkeeper.identity.throttle import Throttle
from trailkeeper.ledger.schema import user
from trailkeeper.ledger.writer import Transaction
from trailkeeper.mail import Mailer

RESET_MINUTES = 30
CONFIRM_MINUTES = 24 * 60


class Accounts:
    """Everything a user changes about themselves."""

    def __init__(
        self,
        store: Store,
        log_in: LogIn,
        confirm: PasswordConfirm,
        mailer: Mailer,
        later: Later,
        public_url: str,
    ) -> None:
        self._store = store
        self._log_in = log_in
        self._confirm = confirm
        self._mailer = mailer
        self._later = later
        self._url = public_url
        self._requests = Throttle()

    def rename(self, who: SignedIn, name: str, context: Context) -> None:
        """Change the user's name. Raises InvalidInput."""
        name = checked_name(name, "The name", "/name")
        if name == who.name:
            return
        sent = who.by(context).activity(
            "user.name_updated",
            who.target,
            changes=[Change(field="name", old=who.name, new=name)],
            details={"user_name": name, "previous_user_name": who.name},
        )

        def work(transaction: Transaction) -> None:
            transaction.connection.execute(
                update(user).where(user.c.key == who.user).values(name=name)
            )
            self._store.record(transaction, who.workspace, sent)

        self._store.change(work)

    def change_password(
        self, who: SignedIn, current: str, new: str, cookie: str, context: Context
    ) -> None:
        """Change the password; other sessions and links in mails end, this one goes on under
        `cookie`. Raises InvalidInput."""
        old_hash = self._confirm.check(who.user, current, "/current")
        new_hash = hash_chosen(new, "/new", who.email, who.name)
        if current == new:
            raise InvalidInput(
                "The new password is the old one", FieldError("is the one you have", "/new")
            )
        sent = who.by(context).activity(
            "user.password_changed", who.target, details={"method": "current_password"}
        )

        def work(transaction: Transaction) -> None:
            changed = transaction.connection.execute(
                update(user)
                .where(user.c.key == who.user, user.c.password_hash == old_hash)
                .values(password_hash=new_hash)
            )
            if not changed.rowcount:
                raise Conflict("The password was changed meanwhile")
            links.drop(transaction.connection, who.user)
            end_sessions(transaction, who.user, but=who.session_id)
            renew(transaction, who.session_id, cookie)
            self._store.record(transaction, who.workspace, sent)

        self._store.change(work)

    def ask_email(self, who: SignedIn, email: str, password: str, context: Context) -> None:
        """Send a link to a new address, and a notice to the present one. Nothing changes before
        the link is followed. The answer does not tell whether the address belongs to somebody
        else; then no link is sent. Raises InvalidInput."""
        email = checked_email(email, "/email")
        self._confirm.check(who.user, password, "/password")
        if email == who.email:
            raise InvalidInput("That is your address now", FieldError("is yours already", "/email"))
        sent = who.by(context).activity(
            "user.email_change_requested", who.target, details={"email": email}
        )

        def work(transaction: Transaction) -> str:
            token = links.make(
                transaction.connection, "email_change", who.user, CONFIRM_MINUTES, email
            )
            self._store.record(transaction, who.workspace, sent)
            return token

        token = self._store.change(work)
        if not self._is_taken(email):
            self._mailer.send(
                email,
                "Confirm your new e-mail address",
                f"Follow this link to use this address for your Trailkeeper account:\n\n"
                f"{self._url}/confirm-email/{token}\n\n"
                "It is good for a day and works once. If you did not ask for this, do nothing.\n",
            )
        self._mailer.send(
            who.email,
            "Your e-mail address is about to change",
            "Somebody logged in as you asked to change the e-mail address of your Trailkeeper\n"
            "account. If that was not you, change your password now:\n\n"
            f"{self._url}/settings/password\n",
        )

    def confirm_email(self, token: str, context: Context) -> None:
        """Change the address to the one that the link was sent to. Raises LinkEnded, Conflict."""

        def work(transaction: Transaction) -> None:
            connection = transaction.connection
            link = links.take(connection, "email_change", token)
            row = connection.execute(
                select(user.c.id, user.c.name, user.c.email).where(user.c.key == link.user)
            ).one()
            if connection.execute(select(user.c.key).where(user.c.email == link.email)).first():
                raise Conflict("This address belongs to another account")
            found = self._log_in.find(row.email)
            connection.execute(update(user).where(user.c.key == link.user).values(email=link.email))
            if found:
                sent = ActivityInput(
                    action="user.email_updated",
                    actor=Actor(type="user", id=row.id, name=row.name, email=link.email),
                    targets=[Target(type="user", id=row.id, name=row.name, email=link.email)],
                    context=context,
                    changes=[Change(field="email", old=row.email, new=link.email)],
                    details={"email": link.email, "previous_email": row.email},
                )
                self._store.record(transaction, found.workspace, sent)

        self._store.change(work)

    def ask_reset(self, email: str, context: Context) -> None:
        """Mail a link to reset the password, if there is such an account; the caller does not
        learn whether there is. Raises TooManyRequests."""
        account = email.strip().lower()[:320]
        address = context.ip_address or "unknown"
        if wait := self._requests.wait_s(account, address):
            raise TooManyRequests("Too many requests from here.", retry_after_s=wait)
        self._requests.failed(account, address)
        # Whether there is such an account is looked up after the answer: its time tells nothing.
        self._later.do(lambda: self._send_reset(account, context))

    def _send_reset(self, email: str, context: Context) -> None:
        found = self._log_in.find(email)
        if found is None:
            return
        sent = ActivityInput(
            action="user.password_reset_requested",
            actor=found.actor,
            targets=[found.target],
            context=context,
        )

        def work(transaction: Transaction) -> str:
            token = links.make(transaction.connection, "password_reset", found.key, RESET_MINUTES)
            self._store.record(transaction, found.workspace, sent)
            return token

        token = self._store.change(work)
        self._mailer.send(
            found.email,
            "Reset your password",
            f"Follow this link to choose a new password for your Trailkeeper account:\n\n"
            f"{self._url}/reset/{token}\n\n"
            f"It is good for {RESET_MINUTES} minutes and works once. If you did not ask for this,\n"
            "do nothing: your password stays as it is.\n",
        )

    def look_at_reset(self, token: str) -> None:
        """Raises LinkEnded for a link that resets nothing (any more)."""
        with self._store.reading() as connection:
            links.look(connection, "password_reset", token)

    def look_at_email(self, token: str) -> str:
        """The address that a link confirms. Raises LinkEnded."""
        with self._store.reading() as connection:
            return links.look(connection, "email_change", token).email or ""

    def reset(self, token: str, new: str, context: Context) -> None:
        """Set a new password by a link; all sessions end. Raises LinkEnded, InvalidInput."""
        with self._store.reading() as connection:
            link = links.look(connection, "password_reset", token)
            row = connection.execute(
                select(user.c.email, user.c.name).where(user.c.key == link.user)
            ).one()
        new_hash = hash_chosen(new, "/new", row.email, row.name)
        found = self._log_in.find(row.email)

        def work(transaction: Transaction) -> None:
            taken = links.take(transaction.connection, "password_reset", token)
            transaction.connection.execute(
                update(user).where(user.c.key == taken.user).values(password_hash=new_hash)
            )
            links.drop(transaction.connection, taken.user)
            end_sessions(transaction, taken.user)
            if found:
                sent = ActivityInput(
                    action="user.password_changed",
                    actor=found.actor,
                    targets=[found.target],
                    context=context,
                    details={"method": "reset_link"},
                )
                self._store.record(transaction, found.workspace, sent)

        self._store.change(work)

    def _is_taken(self, email: str) -> bool:
        with self._store.reading() as connection:
            row = connection.execute(select(user.c.key).where(user.c.email == email)).first()
        return row is not None
