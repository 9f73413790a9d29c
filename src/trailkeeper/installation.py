"""An installation: the data folder with its database and keys, opened for work."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from trailkeeper.assets.imports import Imports
from trailkeeper.assets.packages import Packages
from trailkeeper.assets.registry import Registry
from trailkeeper.catalogue import catalogue
from trailkeeper.clickhouse import service as clickhouse_service
from trailkeeper.clickhouse.connection import Connection, UrlError
from trailkeeper.clickhouse.joined import ClickHouseOlder
from trailkeeper.clickhouse.service import ClickHouse
from trailkeeper.followers.activities import ActivitySource
from trailkeeper.followers.places import Places
from trailkeeper.followers.presence import Presence
from trailkeeper.followers.runner import Owner, Runner
from trailkeeper.identity.accounts import Accounts
from trailkeeper.identity.confirm import PasswordConfirm
from trailkeeper.identity.later import Later
from trailkeeper.identity.log_in import LogIn
from trailkeeper.identity.oidc import Oidc
from trailkeeper.identity.passkeys import Passkeys
from trailkeeper.identity.sessions import Sessions
from trailkeeper.identity.store import Store
from trailkeeper.identity.token_check import still_holds
from trailkeeper.identity.tokens import Tokens
from trailkeeper.identity.two_factor import TwoFactor
from trailkeeper.jobs.alarm import Alarm
from trailkeeper.jobs.history import Jobs
from trailkeeper.jobs.source import JobSource
from trailkeeper.ledger.migrate import migrate
from trailkeeper.ledger.reader import Reader
from trailkeeper.ledger.recorder import Recorder
from trailkeeper.ledger.sqlite import DATABASE_FILE, reader_engine, writer_engine
from trailkeeper.ledger.writer import Writer
from trailkeeper.mail import Mailer, SmtpServer
from trailkeeper.redaction import Redactor
from trailkeeper.retention.holds import Holds
from trailkeeper.retention.rules import Rules
from trailkeeper.retention.sweeper import Sweeper
from trailkeeper.settings import Settings, SettingsError, load_settings
from trailkeeper.streaming.guard import Guard
from trailkeeper.streaming.metrics import StreamMetrics
from trailkeeper.streaming.overview import Overviews
from trailkeeper.streaming.owner import StreamOwner
from trailkeeper.streaming.stream import KINDS as STREAM_KINDS
from trailkeeper.streaming.streams import Streams
from trailkeeper.team.access import Access
from trailkeeper.team.actions import Actions
from trailkeeper.team.delegation import Delegation
from trailkeeper.team.invitations import Invitations
from trailkeeper.team.members import Members
from trailkeeper.team.notifications import Notifications
from trailkeeper.team.operators import Operators
from trailkeeper.team.roles import Roles
from trailkeeper.team.sign_in import SignIn
from trailkeeper.team.sso import Sso
from trailkeeper.team.teams import Teams
from trailkeeper.team.workspaces import Workspaces

KEY_FILE = "secret.key"
MAIL_FOLDER = "mail"
FOLLOWERS_LOCK = "followers.lock"
SERVED_AT = "http://127.0.0.1:8484"
CHECKPOINT_EVERY_UNITS = 500
CHECKPOINT_EVERY_S = 0.5

log = structlog.get_logger()


class InstallationError(RuntimeError):
    """The data folder cannot be used as asked; the message says what to do."""


@dataclass(frozen=True)
class Installation:
    """Everything below the edge, ready."""

    data: Path
    settings: Settings
    secret: bytes
    engine: Any
    writer: Writer
    reader: Reader
    recorder: Recorder
    sessions: Sessions
    log_in: LogIn
    two_factor: TwoFactor
    passkeys: Passkeys
    accounts: Accounts
    tokens: Tokens
    members: Members
    operators: Operators
    invitations: Invitations
    roles: Roles
    teams: Teams
    delegation: Delegation
    notifications: Notifications
    sign_in: SignIn
    sso: Sso
    jobs: Jobs
    streams: Streams
    stream_overviews: Overviews
    stream_metrics: StreamMetrics
    followers: Runner
    clickhouse: ClickHouse | None
    retention: Rules
    holds: Holds
    sweeper: Sweeper
    workspaces: Workspaces
    actions: Actions
    registry: Registry
    packages: Packages
    imports: Imports
    access: Access
    mailer: Mailer
    public_url: str


def create(data: Path) -> None:
    """Make a data folder with an empty database and a new key.

    Raises InstallationError when there is an installation already: it is never overwritten.
    """
    if (data / DATABASE_FILE).exists():
        raise InstallationError(f"{data} holds an installation already; it was left as it is")
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = data / KEY_FILE
        if not key.exists():
            descriptor = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(32))
    except OSError as error:
        raise InstallationError(f"{data} cannot be written: {error.strerror}") from None
    engine = writer_engine(data / DATABASE_FILE)
    migrate(engine)
    (data / DATABASE_FILE).chmod(0o600)
    engine.dispose()


@contextmanager
def opened(data: Path, served_at: str = SERVED_AT) -> Generator[Installation]:
    """Open an installation and close it in order: the writer's queue is worked off first.

    `served_at` is the address for links in mails where no `public_url` is set.

    Raises InstallationError, SettingsError, SchemaError.
    """
    # msgspec builds what it knows of a struct at first use, which must not happen in two threads
    # at once; the catalogue is the one that is read late.
    catalogue()
    with ExitStack() as stack:
        yield _open(data, served_at, stack)


def _open(data: Path, served_at: str, stack: ExitStack) -> Installation:
    """Everything, made in the order in which one needs the other; `stack` closes it in reverse."""
    path = data / DATABASE_FILE
    if not path.exists():
        raise InstallationError(
            f"{data} holds no installation; make one with `trailkeeper init --data {data} …`"
        )
    settings = load_settings(data)
    oidc = _oidc(settings)
    guard = _guard(settings)
    secret = _secret(data)
    mailer = Mailer(settings.mail_from, data / MAIL_FOLDER, _smtp_server(settings))
    reading, writer = _database(path, settings, mailer, stack)
    redactor = Redactor(settings.redact_keys)
    recorder = Recorder(reading, redactor)
    address = (settings.public_url or served_at).rstrip("/")
    later = Later()
    stack.callback(later.close)
    store = Store(reading, writer, recorder)
    sessions = Sessions(store)
    confirm = PasswordConfirm(reading)
    members = Members(store, confirm)
    two_factor = TwoFactor(store, confirm, secret)
    passkeys = Passkeys(store, confirm, secret, address)
    log_in = LogIn(store, sessions, two_factor, passkeys, secret)
    copies = _clickhouse(settings)
    reader = Reader(reading, secret, ClickHouseOlder(copies) if copies else None)
    notifications = Notifications(store, mailer, address)
    owner = StreamOwner(store, guard, secret, notifications.notify)
    owners: dict[str, Owner] = dict.fromkeys(STREAM_KINDS.values(), owner)
    clickhouse = None
    if copies:
        clickhouse = ClickHouse(store, reading, recorder, copies, settings.clickhouse_hot_days)
        stack.callback(clickhouse.close)
        owners[clickhouse_service.KIND] = clickhouse
    elif clickhouse_service.has_moved(store):
        raise InstallationError(
            "This installation's older activities stand in ClickHouse: set `clickhouse_url` as it"
            " was"
        )
    finished = JobSource(reading)
    followers = Runner(
        Places(store),
        {"activities": ActivitySource(reader), "jobs": finished},
        owners,
        Presence(data / FOLLOWERS_LOCK),
    )
    writer.listen(followers.committed)
    stack.callback(followers.close)
    elsewhere = clickhouse.remover if clickhouse else None
    sweeper = Sweeper(store, notifications.notify, elsewhere)
    stack.callback(sweeper.close)
    streams = Streams(store, guard, secret)
    overviews = Overviews(store, {"activities": reader, "jobs": finished}, streams)
    registry = Registry(store, secret)
    packages = Packages(registry, store)
    imports = Imports(packages)
    stack.callback(imports.close)
    return Installation(
        data=data,
        settings=settings,
        secret=secret,
        engine=reading,
        writer=writer,
        reader=reader,
        recorder=recorder,
        sessions=sessions,
        log_in=log_in,
        two_factor=two_factor,
        passkeys=passkeys,
        accounts=Accounts(store, log_in, confirm, mailer, later, address),
        tokens=Tokens(store),
        members=members,
        operators=Operators(store, members),
        invitations=Invitations(store, sessions, mailer, address),
        roles=Roles(store),
        teams=Teams(store, sessions),
        delegation=Delegation(store, sessions, confirm),
        notifications=notifications,
        sign_in=SignIn(store),
        sso=Sso(store, sessions, oidc, secret, address),
        jobs=Jobs(store, redactor, secret, Alarm(notifications.notify, address), later),
        streams=streams,
        stream_overviews=overviews,
        stream_metrics=StreamMetrics(store, overviews),
        followers=followers,
        clickhouse=clickhouse,
        retention=Rules(store, reader),
        holds=Holds(store),
        sweeper=sweeper,
        workspaces=Workspaces(store),
        actions=Actions(reading, writer, recorder),
        registry=registry,
        packages=packages,
        imports=imports,
        access=Access(writer, recorder),
        mailer=mailer,
        public_url=address,
    )


def _secret(data: Path) -> bytes:
    try:
        return (data / KEY_FILE).read_bytes()
    except OSError as error:
        raise InstallationError(f"{data / KEY_FILE}: {error.strerror}") from None


def _database(
    path: Path, settings: Settings, mailer: Mailer, stack: ExitStack
) -> tuple[Engine, Writer]:
    """The readers' engine, and the writer. Mails go out until the writer has done all."""
    writing = writer_engine(path)
    stack.callback(writing.dispose)
    try:
        migrate(writing)
    except OperationalError as error:
        raise InstallationError(f"The database {path} cannot be opened: {error.orig}") from None
    reading = reader_engine(path)
    stack.callback(reading.dispose)
    checkpoints = _Checkpoints(writing)
    stack.callback(checkpoints.close)
    stack.callback(mailer.close)
    writer = Writer(
        writing,
        queue_max_bytes=settings.queue_max_bytes,
        queue_max_units=settings.queue_max_units,
        after_commit=checkpoints.committed,
        still_holds=still_holds,
    )
    stack.callback(writer.close)
    return reading, writer


def _clickhouse(settings: Settings) -> Connection | None:
    if not settings.clickhouse_url:
        return None
    try:
        return Connection(settings.clickhouse_url, settings.clickhouse_cluster)
    except UrlError as error:
        raise SettingsError(f"clickhouse_url: {error}") from None
    except ValueError as error:
        raise SettingsError(f"clickhouse_cluster: {error}") from None


def _oidc(settings: Settings) -> Oidc:
    try:
        return Oidc(settings.sso_allowed_networks)
    except ValueError as error:
        raise SettingsError(f"sso_allowed_networks: {error}") from None


def _guard(settings: Settings) -> Guard:
    try:
        return Guard(settings.stream_allowed_networks, settings.stream_folders)
    except ValueError as error:
        raise SettingsError(f"stream_allowed_networks: {error}") from None


def _smtp_server(settings: Settings) -> SmtpServer | None:
    if not settings.smtp_host:
        return None
    return SmtpServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        user=settings.smtp_user or None,
        password=settings.smtp_password or None,
    )


class _Checkpoints:
    """Moves the write-ahead log into the database in a thread, so that the writer seldom must."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self._units = 0
        self._last = time.monotonic()
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._loop, name="checkpoints", daemon=True)
        self._thread.start()

    def committed(self, units: int) -> None:
        self._units += units
        now = time.monotonic()
        if self._units >= CHECKPOINT_EVERY_UNITS or now - self._last > CHECKPOINT_EVERY_S:
            self._units, self._last = 0, now
            self._wake.set()

    def close(self) -> None:
        self._closing = True
        self._wake.set()
        self._thread.join()

    def _loop(self) -> None:
        with self._engine.connect() as connection:
            raw = connection.connection.driver_connection
            while True:
                self._wake.wait()
                self._wake.clear()
                if self._closing:
                    break
                with contextlib.suppress(Exception):  # it is tried again after more commits
                    raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
