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
from trailkeeper.clickhouse.service import turn_off
from trailkeeper.http_protocol import OneWriteProtocol
from trailkeeper.installation import InstallationError, opened, own_url
from trailkeeper.process import settle_memory

log = structlog.get_logger()

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
        The installation's PostgreSQL database, postgresql://USER:PASSWORD@HOST/DATABASE, if the
        setting database_url does not say it. Others on this machine see a command's options: a
        password is better in a file that TRAILKEEPER_DATABASE_URL_FILE names.
    json_
        Print {"url": …} on stdout at the start.
    """
    with opened(data, f"http://{host}:{port}", own_url(data, database_url)) as installation:
        _set_up_logging(installation.settings.log_format)
        for warning in installation.warnings:
            log.warning(warning)
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
        if installation.clickhouse is None:
            turn_off(installation.store)
        installation.followers.start()
        installation.sweeper.start()
        installation.archive_keeper.start()
        installation.export_runner.start()
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
