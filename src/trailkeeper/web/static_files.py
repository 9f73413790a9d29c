"""Styles, scripts and icons, from memory, under a URL that changes when any of them does."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from msgspec import Struct

from trailkeeper.web.security import WebRequest
from trailkeeper.web.session import PUBLIC

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


class Asset(Struct, frozen=True):
    body: bytes
    packed: bytes
    media_type: str


class Assets(Struct, frozen=True):
    """One version for all of them, so that scripts may import each other by relative paths."""

    version: str
    files: dict[str, Asset]

    def url(self, path: str) -> str:
        if path not in self.files:
            raise KeyError(f"no static file {path}")
        return f"/static/{self.version}/{path}"


@cache
def assets() -> Assets:
    """The static files, read once."""
    digest = hashlib.sha256()
    files: dict[str, Asset] = {}
    for path in sorted(p for p in _FOLDER.rglob("*") if p.suffix in _TYPES):
        name = path.relative_to(_FOLDER).as_posix()
        body = path.read_bytes()
        digest.update(f"{name}\0{len(body)}\0".encode() + body)
        packed = gzip.compress(body, 9, mtime=0)
        files[name] = Asset(body, packed, _TYPES[path.suffix])
    return Assets(digest.hexdigest()[:12], files)


@get(
    "/static/{version:str}/{file:path}",
    opt={"permission": PUBLIC},
    sync_to_thread=False,
    include_in_schema=False,
)
def static_file(
    request: WebRequest, version: FromPath[str], file: FromPath[str]
) -> Response[bytes]:
    """Kept for ever by browsers; a page from before an upgrade still gets today's file."""
    known = assets()
    asset = known.files.get(file.lstrip("/"))
    if asset is None:
        raise NotFoundException
    fresh = version == known.version
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if fresh else "no-cache",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept-Encoding",
    }
    body = asset.body
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = asset.packed
    return Response(body, media_type=asset.media_type, headers=headers)
