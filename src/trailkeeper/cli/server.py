"""`serve`: the HTTP server."""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import structlog
import uvicorn
from cyclopts import Parameter

from trailkeeper.app import build
from trailkeeper.http_protocol import OneWriteProtocol
from trailkeeper.installation import InstallationError, opened
from trailkeeper.ledger.sqlite import DATABASE_FILE
from trailkeeper.process import settle_memory

SHUTDOWN_S = 30

SWITCH_S = 0.001
"""How long a thread keeps the interpreter: the writer must not wait long after each fsync."""


def serve(
    *,
    data: Path,
    host: str = "127.0.0.1",
    port: int = 8484,
    database_url: str | None = None,
    json_: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Serve until SIGTERM or SIGINT, then finish what is in flight and exit 0.

    Parameters
    ----------
    data
        The installation's data folder.
    host
        The address to listen on.
    port
        The port to listen on.
    database_url
        sqlite:///PATH of the data folder's own database; other databases are not supported yet.
    json_
        Print {"url": …} on stdout at the start.
    """
    own = data / DATABASE_FILE
    if database_url and database_url not in (f"sqlite:///{own}", f"sqlite:///{own.resolve()}"):
        raise InstallationError(
            f"--database-url {database_url.partition(':')[0]}:… is not supported by this version,"
            f" which serves the SQLite database of its data folder, {own}; leave it out"
        )
    with opened(data, f"http://{host}:{port}") as installation:
        _set_up_logging(installation.settings.log_format)
        application = build(installation)
        config = uvicorn.Config(
            application,
            host=host,
            port=port,
            loop="uvloop",
            http=OneWriteProtocol,
            lifespan="off",
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=SHUTDOWN_S,
            proxy_headers=False,
            backlog=2_048,
        )
        server = uvicorn.Server(config)
        # Once it has shut down, uvicorn raises the signal again for whoever was there before it.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _already_handled)
        settle_memory()
        sys.setswitchinterval(SWITCH_S)
        url = f"http://{host}:{port}"
        if json_:
            print(json.dumps({"url": url}), flush=True)
        else:
            print(f"Trailkeeper serves {url}", file=sys.stderr, flush=True)
        installation.followers.start()
        installation.sweeper.start()
        if installation.clickhouse:
            installation.clickhouse.start()
        # uvicorn exits with a code of its own when it cannot listen.
        with contextlib.suppress(SystemExit):
            server.run()
        application.close()
        if not server.started:
            raise InstallationError(f"Cannot listen on {host}:{port}: is the port in use?")
    return 0


def _already_handled(_number: int, _frame: FrameType | None) -> None:
    """uvicorn has shut down by then."""


def _set_up_logging(form: str) -> None:
    to_console = form == "console" or (form == "auto" and sys.stderr.isatty())
    renderer = (
        structlog.dev.ConsoleRenderer() if to_console else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
