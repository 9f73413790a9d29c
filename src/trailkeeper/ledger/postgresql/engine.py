"""How an installation's PostgreSQL database is opened.

Connections are in autocommit: whoever needs a transaction says BEGIN and COMMIT. Both engines reach
only a server that takes writes, so that what was answered is in the next read.
"""

from __future__ import annotations

import math
import select
import time
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import NullPool, QueuePool

from trailkeeper.errors import StoreUnavailable
from trailkeeper.ledger.postgresql import arrays, texts
from trailkeeper.ledger.postgresql.adapter import Adapted
from trailkeeper.ledger.postgresql.address import conninfo
from trailkeeper.ledger.postgresql.failures import RETRY_AFTER_S, as_problem

POOL_WAIT_S = 10
FAIL_AGAIN_S = 0.5

LOCK_WAIT = "10s"
"""How long a writer waits for the transaction of another process."""

IDLE_WAIT = "60s"
"""A process that hangs in a transaction must not hold up the others for ever."""

READ_MOST = "60s"

PING_AFTER_S = 1.0
"""A connection that has rested for so long is tried before it is used."""

_WRITING = (
    "SELECT set_config('jit', 'off', false),"
    f" set_config('lock_timeout', '{LOCK_WAIT}', false),"
    f" set_config('idle_in_transaction_session_timeout', '{IDLE_WAIT}', false),"
    " set_config('trailkeeper.workspace', 'all', false),"
    # Acknowledged means on disk, whatever the role's or database's own setting is.
    " set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
    " WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)"
)

_READING = (
    "SELECT set_config('jit', 'off', false),"
    f" set_config('statement_timeout', '{READ_MOST}', false),"
    f" set_config('idle_in_transaction_session_timeout', '{IDLE_WAIT}', false),"
    " set_config('default_transaction_read_only', 'on', false)"
)


class _Pool(QueuePool):
    """Says as a Problem that all its connections are in use."""

    def connect(self) -> Any:
        try:
            return super().connect()
        except PoolTimeoutError as error:
            raise StoreUnavailable(
                "All connections to the database are in use; send it again later",
                retry_after_s=RETRY_AFTER_S,
            ) from error


def writer_engine(url: str) -> Engine:
    """An engine whose connections write in all workspaces. Raises AddressError."""
    return _engine(url, NullPool, {}, _WRITING)


def reader_engine(url: str, connections: int = 48) -> Engine:
    """An engine whose connections refuse to write, pooled for threads. Raises AddressError.

    A pooled connection that has broken while it rested is replaced before it is used.
    """
    sizes = {
        "pool_size": 8,
        "max_overflow": connections - 8,
        "pool_timeout": POOL_WAIT_S,
        # After a failover, connections come back to the new server by and by.
        "pool_recycle": 1_800,
    }
    return _engine(url, _Pool, sizes, _READING)


def adapted(connection: Connection) -> Adapted:
    """The driver's connection below SQLAlchemy's, for the ledger's common statements."""
    driver: Any = connection.connection.driver_connection
    return Adapted(driver)


def connect(url: str, settings: str = _WRITING) -> psycopg.Connection[Any]:
    """One connection of its own, beside all pools. Raises AddressError, psycopg.Error."""
    return _connector(conninfo(url), settings)()


def _engine(url: str, pool: type[Any], options: dict[str, Any], settings: str) -> Engine:
    engine = create_engine(
        "postgresql+psycopg://",
        creator=_connector(conninfo(url), settings),
        poolclass=pool,
        isolation_level="AUTOCOMMIT",
        use_native_hstore=False,
        pool_reset_on_return=None,  # `_reset` does it
        **options,
    )
    event.listen(engine, "handle_error", _explained, retval=True)
    event.listen(engine, "checkout", _check)
    event.listen(engine, "reset", _reset)
    return engine


def _connector(info: str, settings: str) -> Callable[[], psycopg.Connection[Any]]:
    """Connects, and after a failure fails at once for a while: who asks must not wait each time
    until a host that is gone has not answered."""
    failed: list[tuple[float, psycopg.Error]] = []

    def connect() -> psycopg.Connection[Any]:
        if failed and time.monotonic() - failed[-1][0] < FAIL_AGAIN_S:
            raise type(failed[-1][1])(str(failed[-1][1]))
        try:
            connection = psycopg.connect(info, autocommit=True)
        except psycopg.Error as error:
            failed[:] = [(time.monotonic(), error)]
            raise
        failed.clear()
        try:
            texts.register(connection)
            arrays.register(connection)
            connection.execute(settings.encode())
        except BaseException:
            connection.close()
            raise
        return connection

    return connect


def _explained(context: ExceptionContext) -> BaseException | None:
    """What SQLAlchemy raises when the database is away is the Problem that it is."""
    return as_problem(context.original_exception)


def _check(driver: psycopg.Connection[Any], record: Any, _proxy: Any) -> None:
    """Have the pool replace a connection that has broken while it rested. One that was just used,
    and whose server has not said anything since, such as good-bye, is not asked: that would be one
    more round trip for each read."""
    has_rested = time.monotonic() - record.info.get("used_at", math.inf) > PING_AFTER_S
    if not has_rested and not _has_news(driver):
        return
    try:
        driver.execute("SELECT 1")
    except psycopg.Error as error:
        raise DisconnectionError from error


def _has_news(driver: psycopg.Connection[Any]) -> bool:
    """Whether there is something to be read, or the end, though nothing was asked."""
    if driver.closed:
        return True
    waiting = select.poll()
    waiting.register(driver.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def _reset(driver: psycopg.Connection[Any], record: Any, _state: Any) -> None:
    """A connection comes back to the pool without a transaction; a broken one does not."""
    record.info["used_at"] = time.monotonic()
    if driver.closed:
        record.invalidate()
    elif driver.info.transaction_status is not TransactionStatus.IDLE:
        driver.rollback()
