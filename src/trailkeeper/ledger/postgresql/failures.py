"""What PostgreSQL's errors mean to whoever has to answer for them."""

from __future__ import annotations

import psycopg
import structlog
from psycopg import errors

from trailkeeper.errors import Problem, StorageFull, StoreUnavailable

RETRY_AFTER_S = 2

AWAY = frozenset(
    {
        "25006",  # read_only_sql_transaction: the server has become a standby
        "25P03",  # idle_in_transaction_session_timeout
        "53300",  # too_many_connections
        "55P03",  # lock_not_available
        "57014",  # query_canceled, by a timeout or an administrator
        "57P01",  # admin_shutdown
        "57P02",  # crash_shutdown
        "57P03",  # cannot_connect_now
        "57P05",  # idle_session_timeout
    }
)
"""States in which the same request may go well a little later, besides those of class 08."""

CLASHES = ("40001", "40P01")
"""The server has rolled a transaction back that stood in another's way: it is to be tried again as
a whole."""

log = structlog.get_logger()


def driver_error(error: BaseException) -> psycopg.Error | None:
    """psycopg's error, which SQLAlchemy may have wrapped."""
    found = getattr(error, "orig", error)
    return found if isinstance(found, psycopg.Error) else None


def is_clash(error: BaseException) -> bool:
    """Whether the transaction is to be tried again as a whole."""
    found = driver_error(error)
    return found is not None and found.sqlstate in CLASHES


def is_without_partition(error: BaseException) -> bool:
    """Whether a row found no partition: PostgreSQL calls that a violated check."""
    found = driver_error(error)
    return found is not None and found.sqlstate == "23514"


def is_away(error: BaseException) -> bool:
    """Whether the database is not there or takes nothing, now. A commit's outcome is unknown
    then."""
    found = driver_error(error)
    if found is None:
        return False
    state = found.sqlstate
    if state is None:
        # The connection broke, could not be made, or was closed already.
        return isinstance(found, psycopg.OperationalError | psycopg.InterfaceError)
    return state.startswith("08") or state in AWAY


def as_problem(error: BaseException) -> Problem | None:
    """The problem that an error of the database means; None for those that mean a fault of ours
    and those that are to be tried again (see `is_clash`)."""
    found = driver_error(error)
    if isinstance(found, errors.DiskFull):
        log.error("the database's disk is full", error=first_line(found))
        return StorageFull(
            "The database's disk is full; nothing was recorded. Free some space, then retry"
        )
    if not is_away(error):
        return None
    log.warning("the database does not answer", error=first_line(found))
    return StoreUnavailable(
        "The database does not answer now; nothing was done, or it is not known whether it was."
        " Send it again later, with the same ids",
        retry_after_s=RETRY_AFTER_S,
    )


def first_line(error: BaseException | None) -> str:
    """libpq's message without the further lines; it never holds a password."""
    return str(error).strip().partition("\n")[0]
