"""OpenID Connect: the authorization code flow with PKCE, from the side of the relying party.

After OpenID Connect Core 1.0, Discovery 1.0, RFC 7636 (PKCE) and RFC 9207 (`iss` in the answer).
Nothing of a provider's answers is believed that is not signed with a key of its key set.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import secrets
import socket
from collections.abc import Iterable
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from msgspec import Struct

from trailkeeper.identity.provider import Identity, ProviderError

TIMEOUT_S = 10
ANSWER_MAX = 512 * 1024
LEEWAY_S = 60
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
"""Signatures by private keys only: with HS256 or none, whoever knows public things could sign."""

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

T = TypeVar("T")


class OidcError(ProviderError):
    """The same, by OpenID Connect."""


class Provider(Struct, frozen=True):
    """Where a workspace's users log in."""

    issuer: str
    client_id: str
    client_secret: str = ""

    @property
    def name(self) -> str:
        """The host, for people."""
        return urlsplit(self.issuer).hostname or self.issuer


class Started(Struct, frozen=True):
    """What has to be remembered from the start to the end of one log-in."""

    state: str
    nonce: str
    verifier: str


class _Metadata(Struct, frozen=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None


class _Tokens(Struct, frozen=True):
    id_token: str
    access_token: str = ""


class Oidc:
    """Talks to providers. `allowed` are networks, such as 127.0.0.0/8, in which one may be
    without TLS, or on this machine. Raises ValueError for what is no network."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = [ipaddress.ip_network(one) for one in allowed]

    def start(self, provider: Provider, redirect_uri: str, email: str = "") -> tuple[str, Started]:
        """The address at the provider to go to, and what to remember. Raises OidcError."""
        metadata = self._discover(provider)
        started = Started(*(secrets.token_urlsafe(32) for _ in range(3)))
        challenge = hashlib.sha256(started.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": redirect_uri,
            "scope": "openid email profile",
            "state": started.state,
            "nonce": started.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        if email:
            query["login_hint"] = email
        address = metadata.authorization_endpoint
        self.check_address(address)
        return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(query)}", started

    def finish(
        self, provider: Provider, redirect_uri: str, started: Started, answer: dict[str, str]
    ) -> Identity:
        """Who has logged in, by the query with which the provider sent the user back. Raises
        OidcError."""
        if not hmac.compare_digest(answer.get("state", "").encode(), started.state.encode()):
            raise OidcError("the answer belongs to another log-in")
        if error := answer.get("error"):
            raise OidcError(f"the provider said: {error[:100]}")
        if answer.get("iss", provider.issuer) != provider.issuer:
            raise OidcError("the answer is from another provider")
        metadata = self._discover(provider)
        tokens = self._fetch_tokens(
            provider, metadata, redirect_uri, started, answer.get("code", "")
        )
        claims = self._checked_claims(provider, metadata, tokens.id_token, started.nonce)
        if "email" not in claims and metadata.userinfo_endpoint and tokens.access_token:
            claims = {
                **self._user_info(metadata.userinfo_endpoint, tokens, claims["sub"]),
                **claims,
            }
        email = claims.get("email")
        if not isinstance(email, str) or not email:
            raise OidcError("the provider gives no e-mail address")
        if claims.get("email_verified", True) not in (True, "true"):
            raise OidcError("the provider has not verified the e-mail address")
        name = claims.get("name")
        return Identity(
            str(claims["sub"]), email.strip().lower(), name if isinstance(name, str) else ""
        )

    def check_reachable(self, provider: Provider) -> None:
        """Raises OidcError when there is no such provider: better now than at the first log-in."""
        self._discover(provider)

    def _discover(self, provider: Provider) -> _Metadata:
        address = f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration"
        metadata = _read(self._call("GET", address), _Metadata, "its configuration")
        if metadata.issuer != provider.issuer:
            raise OidcError(f"it calls itself {metadata.issuer[:200]!r}: use that as the issuer")
        return metadata

    def _fetch_tokens(
        self,
        provider: Provider,
        metadata: _Metadata,
        redirect_uri: str,
        started: Started,
        code: str,
    ) -> _Tokens:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": started.verifier,
            "client_id": provider.client_id,
        }
        basic = None
        if provider.client_secret:
            # RFC 6749, 2.3.1: both parts are form-encoded before they go into the header.
            quoted = [
                urlencode({"": part})[1:] for part in (provider.client_id, provider.client_secret)
            ]
            basic = httpx.BasicAuth(*quoted)
        answer = self._call("POST", metadata.token_endpoint, data=form, auth=basic)
        return _read(answer, _Tokens, "its tokens")

    def _checked_claims(
        self, provider: Provider, metadata: _Metadata, id_token: str, nonce: str
    ) -> dict[str, Any]:
        keys: Any = _read(self._call("GET", metadata.jwks_uri), dict[str, Any], "its keys")
        rules = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": provider.issuer},
            aud={"essential": True, "value": provider.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            token = jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)
            rules.validate(token.claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise OidcError(f"its ID token is not valid: {error}") from None
        if token.claims.get("azp", provider.client_id) != provider.client_id:
            raise OidcError("its ID token is for another client")
        return token.claims

    def _user_info(self, address: str, tokens: _Tokens, subject: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {tokens.access_token}"}
        claims = _read(
            self._call("GET", address, headers=headers), dict[str, Any], "who has logged in"
        )
        if claims.get("sub") != subject:
            raise OidcError("it says two different things about who has logged in")
        return claims

    def _call(self, method: str, address: str, **more: Any) -> bytes:
        """Call the provider. No redirect is followed, so that nothing leads elsewhere."""
        self.check_address(address)
        try:
            with (
                httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client,
                client.stream(method, address, headers=more.pop("headers", None), **more) as answer,
            ):
                body = b""
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > ANSWER_MAX:
                        raise OidcError("its answer is too long")
                if answer.status_code != 200:
                    raise OidcError(f"it answered {answer.status_code} at {urlsplit(address).path}")
                return body
        except httpx.HTTPError as error:
            raise OidcError(f"it cannot be reached ({type(error).__name__})") from None

    def check_address(self, address: str) -> None:
        """Raises OidcError for an address that is not to be called: without TLS, on this machine,
        or link-local, where clouds keep their machines' credentials. In allowed networks all is
        fine."""
        try:
            parts = urlsplit(address)
            host, port = parts.hostname or "", parts.port
            found = socket.getaddrinfo(host, port or 443, type=socket.SOCK_STREAM)
        except (ValueError, OSError):
            raise OidcError(f"{address[:200]!r} is not an address that can be reached") from None
        addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
        if all(any(one in network for network in self._allowed) for one in addresses):
            return
        if not all(_may_be_called(one) for one in addresses):
            raise OidcError(f"{host} leads to an address that is not called")
        if parts.scheme != "https":
            raise OidcError(f"{address[:200]!r} must start with https://")


def _read(body: bytes, kind: type[T], what: str) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise OidcError(f"{what} cannot be read") from None


def _may_be_called(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    plain = getattr(address, "ipv4_mapped", None) or address
    if plain in NAT64:
        plain = ipaddress.IPv4Address(int(plain) & 0xFFFFFFFF)
    return not (
        plain.is_loopback or plain.is_link_local or plain.is_multicast or plain.is_unspecified
    )
