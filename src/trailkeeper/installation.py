"""An installation: the data folder with its database and keys, opened for work."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from trailkeeper.archive.archive import KIND as ARCHIVE_KIND
from trailkeeper.archive.archives import Archives
from trailkeeper.archive.cache import Cache
from trailkeeper.archive.days import ClosedDays
from trailkeeper.archive.keeper import Keeper
from trailkeeper.archive.owner import ArchiveOwner
from trailkeeper.archive.search import ArchiveSearch
from trailkeeper.assets.imports import Imports
from trailkeeper.assets.packages import Packages
from trailkeeper.assets.registry import Registry
from trailkeeper.catalogue import catalogue
from trailkeeper.clickhouse import service as clickhouse_service
from trailkeeper.clickhouse.connection import Connection, UrlError, connection_of
from trailkeeper.clickhouse.joined import ClickHouseOlder
from trailkeeper.clickhouse.service import ClickHouse
from trailkeeper.exports.exports import Exports, Limits
from trailkeeper.exports.runner import Runner as ExportRunner
from trailkeeper.followers.activities import ActivitySource
from trailkeeper.followers.places import Places
from trailkeeper.followers.presence import presence_in
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
from trailkeeper.ledger.home import Home, home_of
from trailkeeper.ledger.marker import DatabaseError
from trailkeeper.ledger.migrate import migrate
from trailkeeper.ledger.reader import Reader
from trailkeeper.ledger.recorder import Recorder
from trailkeeper.ledger.sqlite import DATABASE_FILE
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
ARCHIVE_CACHE_FOLDER = "archive-cache"
EXPORTS_FOLDER = "exports"
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
    store: Store
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
    archives: Archives
    archive_owner: ArchiveOwner
    archive_search: ArchiveSearch
    archive_keeper: Keeper
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
    exports: Exports
    export_runner: ExportRunner
    access: Access
    mailer: Mailer
    public_url: str
    warnings: list[str]
    """What an operator should know of this database, for the start of the server."""


def create(data: Path, database_url: str | None = None) -> None:
    """Make a data folder with a new key, and the tables of an empty installation: in a SQLite file
    there, or in the PostgreSQL database of the URL. Default: the setting `database_url`.

    Raises InstallationError when there is an installation already: it is never overwritten; and
    SettingsError.
    """
    url = database_url or load_settings(data).database_url
    with _one_line():
        home = home_of(data, url)
        _make_key(data)
        home.make(_secret(data))


def _make_key(data: Path) -> None:
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = data / KEY_FILE
        if not key.exists():
            descriptor = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(32))
    except OSError as error:
        raise InstallationError(f"{data} cannot be written: {error.strerror}") from None


def own_url(data: Path, database_url: str | None) -> str | None:
    """The URL of a database that is not the data folder's own SQLite file."""
    own = data / DATABASE_FILE
    if database_url in (f"sqlite:///{own}", f"sqlite:///{own.resolve()}"):
        return None
    return database_url


@contextmanager
def opened(
    data: Path, served_at: str = SERVED_AT, database_url: str | None = None
) -> Generator[Installation]:
    """Open an installation and close it in order: the writer's queue is worked off first.

    `served_at` is the address for links in mails where no `public_url` is set. Its database is that
    of `database_url`, else of the setting with this name, else the SQLite file in the folder.

    Raises InstallationError, SettingsError, SchemaError.
    """
    # msgspec builds what it knows of a struct at first use, which must not happen in two threads
    # at once; the catalogue is the one that is read late.
    catalogue()
    with ExitStack() as stack:
        yield _open(data, served_at, database_url, stack)


def _open(data: Path, served_at: str, database_url: str | None, stack: ExitStack) -> Installation:
    """Everything, made in the order in which one needs the other; `stack` closes it in reverse."""
    settings = load_settings(data)
    url = database_url or settings.database_url
    with _one_line():
        home = home_of(data, url)
        # A folder without key is most often none at all, which is what the check says.
        key_file = data / KEY_FILE
        warnings = home.check(key_file.read_bytes() if key_file.is_file() else b"")
    oidc = _oidc(settings)
    guard = _guard(settings)
    secret = _secret(data)
    mailer = Mailer(settings.mail_from, data / MAIL_FOLDER, _smtp_server(settings))
    reading, writer = _database(home, settings, mailer, stack)
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
    clickhouse = _copying(settings, copies, store, reading, recorder, stack)
    finished = JobSource(reading)
    actions = Actions(reading, writer, recorder)
    closed_days = ClosedDays(store, reader)
    archive_owner = ArchiveOwner(
        store, guard, secret, closed_days, actions.vocabulary, notifications.notify
    )
    followers = Runner(
        Places(store),
        {"activities": ActivitySource(reader), "jobs": finished, "closed_days": closed_days},
        _owners(owner, archive_owner, clickhouse),
        presence_in(data / FOLLOWERS_LOCK, url),
    )
    writer.listen(followers.committed)
    stack.callback(followers.close)
    sweeper = Sweeper(store, notifications.notify, clickhouse.remover if clickhouse else None)
    stack.callback(sweeper.close)
    archive_search = ArchiveSearch(
        store,
        archive_owner.opened,
        Cache(data / ARCHIVE_CACHE_FOLDER, settings.archive_cache_mb * 1_000_000),
        secret,
    )
    keeper = Keeper(store, reader, archive_owner.opened, archive_search, followers.look)
    stack.callback(keeper.close)
    streams = Streams(store, guard, secret)
    overviews = Overviews(store, {"activities": reader, "jobs": finished}, streams)
    registry = Registry(store, secret)
    packages = Packages(registry, store)
    imports = Imports(packages)
    stack.callback(imports.close)
    exports = Exports(store, data / EXPORTS_FOLDER, Limits.of(settings))
    export_runner = ExportRunner(store, exports, data, url, data / EXPORTS_FOLDER)
    stack.callback(export_runner.close)
    return Installation(
        data=data,
        settings=settings,
        secret=secret,
        store=store,
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
        archives=Archives(store, guard, secret, archive_owner),
        archive_owner=archive_owner,
        archive_search=archive_search,
        archive_keeper=keeper,
        followers=followers,
        clickhouse=clickhouse,
        retention=Rules(store, reader),
        holds=Holds(store),
        sweeper=sweeper,
        workspaces=Workspaces(store),
        actions=actions,
        registry=registry,
        packages=packages,
        imports=imports,
        exports=exports,
        export_runner=export_runner,
        access=Access(writer, recorder),
        mailer=mailer,
        public_url=address,
        warnings=warnings,
    )


def move_to_postgresql(data: Path, url: str | None, tell: Callable[[str], None]) -> Any:
    """Move an installation from SQLite to a new PostgreSQL database, and have the folder belong to
    that. Returns what was verified; None where only the switch was left of an earlier call.
    Default: the setting `database_url`. Raises InstallationError, SettingsError."""
    from trailkeeper.ledger.moving.move import move  # noqa: PLC0415 # psycopg takes a while

    to = url or load_settings(data).database_url
    if not to:
        raise InstallationError("Say where to: --to postgresql://…, or the setting database_url")
    secret = _secret(data)
    with _one_line():
        return move(data, to, secret, data / FOLLOWERS_LOCK, tell)


def give_up_moving(data: Path) -> None:
    """Let a folder whose moving was begun be used on SQLite again. Raises InstallationError."""
    from trailkeeper.ledger.moving.move import give_up  # noqa: PLC0415

    with _one_line():
        give_up(data, data / FOLLOWERS_LOCK)


@contextmanager
def _one_line() -> Generator[None]:
    try:
        yield
    except DatabaseError as error:
        raise InstallationError(str(error)) from None


def _secret(data: Path) -> bytes:
    try:
        return (data / KEY_FILE).read_bytes()
    except OSError as error:
        raise InstallationError(f"{data / KEY_FILE}: {error.strerror}") from None


def _database(
    home: Home, settings: Settings, mailer: Mailer, stack: ExitStack
) -> tuple[Engine, Writer]:
    """The readers' engine, and the writer. Mails go out until the writer has done all."""
    writing = home.writer_engine()
    stack.callback(writing.dispose)
    try:
        migrate(writing)
    except OperationalError as error:
        raise InstallationError(f"The database cannot be opened: {error.orig}") from None
    reading = home.reader_engine()
    stack.callback(reading.dispose)
    checkpoints = None
    if writing.dialect.name == "sqlite":
        checkpoints = _Checkpoints(writing)
        stack.callback(checkpoints.close)
    stack.callback(mailer.close)
    writer = Writer(
        writing,
        queue_max_bytes=settings.queue_max_bytes,
        queue_max_units=settings.queue_max_units,
        after_commit=checkpoints.committed if checkpoints else None,
        still_holds=still_holds,
    )
    stack.callback(writer.close)
    return reading, writer


def _clickhouse(settings: Settings) -> Connection | None:
    try:
        return connection_of(settings)
    except UrlError as error:
        raise SettingsError(f"clickhouse_url: {error}") from None
    except ValueError as error:
        raise SettingsError(f"clickhouse_cluster: {error}") from None


def _copying(
    settings: Settings,
    copies: Connection | None,
    store: Store,
    engine: Engine,
    recorder: Recorder,
    stack: ExitStack,
) -> ClickHouse | None:
    if copies is None:
        if clickhouse_service.has_moved(store):
            raise InstallationError(
                "This installation's older activities stand in ClickHouse: set `clickhouse_url` as"
                " it was"
            )
        return None
    made = ClickHouse(store, engine, recorder, copies, settings.clickhouse_hot_days)
    stack.callback(made.close)
    return made


def _owners(
    streams: StreamOwner, archives: ArchiveOwner, clickhouse: ClickHouse | None
) -> dict[str, Owner]:
    """Who does the work of each kind of follower."""
    owners: dict[str, Owner] = dict.fromkeys(STREAM_KINDS.values(), streams)
    owners[ARCHIVE_KIND] = archives
    if clickhouse:
        owners[clickhouse_service.KIND] = clickhouse
    return owners


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
