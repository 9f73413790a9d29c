"""Headers, cookies and the proof that a form was ours."""

from __future__ import annotations

import base64
import hmac
import secrets
from urllib.parse import urlsplit

from itsdangerous import BadData, URLSafeTimedSerializer
from litestar import Request
from litestar.datastructures import Cookie, State
from litestar.exceptions import PermissionDeniedException

from trailkeeper.connection import cookie_name, is_https

WebRequest = Request[object, object, State]

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
PAGE_HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Cookie, HX-Request",
}

LOGIN_COOKIE = "trailkeeper_login"
LOGIN_FORM_MAX_AGE_S = 12 * 3_600
_SECRET_BYTES = 24


class ForeignRequest(PermissionDeniedException):
    """A form that did not come from our own page."""


def make_cookie(request: WebRequest, name: str, value: str) -> Cookie:
    """A cookie that scripts cannot read and other sites' forms do not send."""
    return Cookie(
        key=cookie_name(request, name),
        value=value,
        path="/",
        httponly=True,
        samesite="lax",
        secure=is_https(request),
    )


def drop_cookie(request: WebRequest, name: str) -> Cookie:
    cookie = make_cookie(request, name, "")
    cookie.max_age = 0
    return cookie


def check_origin(request: WebRequest) -> None:
    """Refuses what a browser says comes from another site. Raises ForeignRequest."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise ForeignRequest("This form was sent from another site.")
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise ForeignRequest("This form was sent from another site.")


def masked(secret: str) -> str:
    """A session's token in a form that differs on each page, so that compression tells nothing."""
    raw = secret.encode()
    pad = secrets.token_bytes(len(raw))
    return base64.urlsafe_b64encode(pad + _xor(pad, raw)).decode()


def check_csrf(request: WebRequest, secret: str, given: str) -> None:
    """Checks origin and token of a signed-in user's form. Raises ForeignRequest.

    The token is the form's hidden field or, for scripts, the X-CSRF-Token header.
    """
    check_origin(request)
    token = given or request.headers.get("x-csrf-token", "")
    if not hmac.compare_digest(_unmasked(token), secret.encode()):
        raise ForeignRequest("This form is out of date. Load the page again.")


class LoginForms:
    """Signed double submit: without a session yet, a cookie and a field must belong together."""

    def __init__(self, secret_key: bytes) -> None:
        self._serializer = URLSafeTimedSerializer(secret_key, salt="trailkeeper log-in form")

    def cookie_value(self, existing: str | None) -> str:
        """Keeps the one a second tab already uses."""
        usable = existing and existing.isalnum() and len(existing) == _SECRET_BYTES * 2
        return existing if existing and usable else secrets.token_hex(_SECRET_BYTES)

    def field(self, cookie: str) -> str:
        return str(self._serializer.dumps(cookie))

    def is_ours(self, cookie: str | None, field: str) -> bool:
        """Whether the field was made for this cookie, less than twelve hours ago."""
        try:
            made_for = self._serializer.loads(field, max_age=LOGIN_FORM_MAX_AGE_S)
        except BadData:
            return False
        return bool(cookie) and hmac.compare_digest(str(made_for), str(cookie))


def _unmasked(token: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(token.encode())
    except ValueError:
        return b""
    half = len(raw) // 2
    return _xor(raw[:half], raw[half:]) if len(raw) == half * 2 else b""


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))
