"""ID tokens that must not be believed, and answers that are none."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from trailkeeper.identity.oidc import Oidc, OidcError, Provider, Started

REDIRECT = "https://audit.example.com/sso/callback"
CLIENT = "trailkeeper"


class Liar:
    """A provider whose answers a test chooses."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.answers: dict[str, bytes] = {}
        self.statuses: dict[str, int] = {}
        self.headers: dict[str, str] = {}
        liar = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                body = liar.answers.get(path, b"{}")
                self.send_response(liar.statuses.get(path, 200))
                for name, value in liar.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:
                del format, args

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.tell("/.well-known/openid-configuration", self.metadata())
        self.tell("/jwks", {"keys": [self.key.as_dict(private=False)]})

    def metadata(self, **changed: Any) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            **changed,
        }

    def tell(self, path: str, answer: Any) -> None:
        self.answers[path] = answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    def sign(self, header: dict[str, Any], key: Any, **changed: Any) -> None:
        """Answer with an ID token; claims that are None are left out, times count from now."""
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "1",
            "exp": 300,
            "iat": 0,
            "nonce": STARTED.nonce,
            "email": "Ada@Example.com",
            "email_verified": True,
            **changed,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        for name in {"exp", "iat"} & claims.keys():
            claims[name] += int(time.time())
        token = jwt.encode(header, claims, key, algorithms=[header["alg"]])
        self.tell("/token", {"id_token": token, "access_token": "x"})

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


STARTED = Started("state", "nonce", "verifier")
ANSWER = {"state": "state", "code": "code"}
RS256 = {"alg": "RS256", "kid": "one"}


@pytest.fixture(scope="module")
def shared() -> Iterator[Liar]:
    made = Liar()
    yield made
    made.close()


@pytest.fixture
def liar(shared: Liar) -> Liar:
    shared.statuses.clear()
    shared.headers.clear()
    shared.tell("/.well-known/openid-configuration", shared.metadata())
    shared.tell("/jwks", {"keys": [shared.key.as_dict(private=False)]})
    shared.sign(RS256, shared.key)
    return shared


def finish(liar: Liar, **answer: str) -> str:
    provider = Provider(liar.issuer, CLIENT, "secret")
    return Oidc(["127.0.0.0/8"]).finish(provider, REDIRECT, STARTED, {**ANSWER, **answer}).email


def test_the_truth_is_believed(liar: Liar) -> None:
    assert finish(liar) == "ada@example.com"
    assert finish(liar, iss=liar.issuer) == "ada@example.com"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"},
        {"aud": "another client"},
        {"aud": None},
        {"exp": -3_600},
        {"exp": None},
        {"iat": 3_600},
        {"nonce": "of another log-in"},
        {"nonce": None},
        {"sub": None},
        {"azp": "another client"},
        {"email": None},
        {"email": 7},
        {"email_verified": False},
        {"email_verified": "false"},
    ],
    ids=str,
)
def test_a_wrong_claim_is_not_believed(liar: Liar, changed: dict[str, Any]) -> None:
    liar.sign(RS256, liar.key, **changed)
    with pytest.raises(OidcError):
        finish(liar)


def test_a_signature_by_another_key_is_not_believed(liar: Liar) -> None:
    liar.sign(RS256, RSAKey.generate_key(2048, {"kid": "one"}))
    with pytest.raises(OidcError, match="not valid"):
        finish(liar)
    liar.sign({"alg": "ES256", "kid": "two"}, ECKey.generate_key("P-256", {"kid": "two"}))
    with pytest.raises(OidcError, match="not valid"):
        finish(liar)


def test_no_signature_and_one_by_what_everybody_knows_are_not_believed(liar: Liar) -> None:
    public = liar.key.as_pem(private=False)
    liar.sign({"alg": "HS256", "kid": "one"}, OctKey.import_key(public.hex()))
    with pytest.raises(OidcError, match="not valid"):
        finish(liar)
    token = json.loads(liar.answers["/token"])["id_token"].split(".")
    unsigned = f"eyJhbGciOiJub25lIn0.{token[1]}."
    liar.tell("/token", {"id_token": unsigned})
    with pytest.raises(OidcError, match="not valid"):
        finish(liar)


@pytest.mark.parametrize(
    "answer",
    [
        {"state": "another"},
        {"state": ""},
        {"error": "access_denied"},
        {"iss": "https://evil.example"},
    ],
    ids=str,
)
def test_a_wrong_way_back_is_not_believed(liar: Liar, answer: dict[str, str]) -> None:
    with pytest.raises(OidcError):
        finish(liar, **answer)


def _redirects(liar: Liar) -> None:
    liar.statuses["/token"] = 302
    liar.headers["Location"] = "http://169.254.169.254/"


def _other_issuer(liar: Liar) -> None:
    metadata = liar.metadata(issuer="https://evil.example")
    liar.tell("/.well-known/openid-configuration", metadata)


def _inner_token_endpoint(liar: Liar) -> None:
    metadata = liar.metadata(token_endpoint="http://169.254.169.254/token")
    liar.tell("/.well-known/openid-configuration", metadata)


@pytest.mark.parametrize(
    "lie",
    [
        lambda liar: liar.tell("/.well-known/openid-configuration", b"<html>"),
        lambda liar: liar.tell("/.well-known/openid-configuration", b"[" * 100_000),
        lambda liar: liar.tell("/.well-known/openid-configuration", b" " * 600_000),
        lambda liar: liar.tell("/token", {"id_token": 1}),
        lambda liar: liar.tell("/token", {"id_token": "a.b.c"}),
        lambda liar: liar.tell("/jwks", {"keys": [{"kty": "nonsense"}]}),
        lambda liar: liar.tell("/jwks", {"keys": "none"}),
        lambda liar: liar.tell("/jwks", {}),
        lambda liar: liar.statuses.update({"/token": 500}),
        _redirects,
        _other_issuer,
        _inner_token_endpoint,
    ],
)
def test_nonsense_is_refused_as_such(liar: Liar, lie: Callable[[Liar], None]) -> None:
    lie(liar)
    with pytest.raises(OidcError):
        finish(liar)


@pytest.mark.parametrize("address", ["javascript:alert(1)", "http://169.254.169.254/auth"])
def test_nobody_is_led_to_what_is_no_provider(liar: Liar, address: str) -> None:
    metadata = liar.metadata(authorization_endpoint=address)
    liar.tell("/.well-known/openid-configuration", metadata)
    with pytest.raises(OidcError):
        Oidc(["127.0.0.0/8"]).start(Provider(liar.issuer, CLIENT), REDIRECT)


@pytest.mark.parametrize(
    "issuer",
    [
        "http://127.0.0.1:1",
        "https://127.0.0.1:1",
        "https://[::1]",
        "https://[::ffff:127.0.0.1]",
        "http://192.0.2.1",
        "https://0.0.0.0",
        "ftp://192.0.2.1",
        "https://192.0.2.1:99999",
        "",
    ],
)
def test_without_leave_only_other_machines_are_called_and_with_tls(issuer: str) -> None:
    with pytest.raises(OidcError, match=r"not called|https|not an address"):
        Oidc().check_reachable(Provider(issuer, CLIENT))
