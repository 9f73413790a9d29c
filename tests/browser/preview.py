"""The pages on made-up data: `python -m tests.browser.preview` prints where."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from litestar import Litestar
from litestar.datastructures import State

from trailkeeper.web.app_parts import http_error, routes
from trailkeeper.web.services import Services

from .fake import PASSWORD, fake_services


def make_app(services: Services) -> Litestar:
    return Litestar(
        routes(),
        state=State({"services": services}),
        exception_handlers={404: http_error, 405: http_error},
        openapi_config=None,
    )


@contextmanager
def serving(app: Litestar) -> Iterator[str]:
    """Serves on a free port until the block ends; gives the base URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


if __name__ == "__main__":
    with serving(make_app(fake_services())) as url:
        print(f"{url}  ada@example.com  {PASSWORD}", flush=True)
        threading.Event().wait()
