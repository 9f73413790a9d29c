"""What an owner sets of single sign-on, and whether it makes sense."""

from __future__ import annotations

import re
from typing import Literal

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct

from trailkeeper.errors import Conflict, FieldError, InvalidInput
from trailkeeper.identity.saml import load_certificate

VALUE_MAX = 500
DOMAINS_MAX = 50
CERTIFICATE_MAX = 20_000
RECORDED = ("enabled", "required", "kind", "issuer", "client_id", "domains", "sign_on_url")
NEEDED = {"oidc": ("issuer", "client_id"), "saml": ("issuer", "sign_on_url")}

Kind = Literal["oidc", "saml"]

_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


class SsoSettings(Struct, frozen=True):
    """A workspace's identity provider; of the client's secret, only whether it is kept."""

    enabled: bool = False
    required: bool = False
    issuer: str = ""
    client_id: str = ""
    has_secret: bool = False
    domains: list[str] = []
    kind: Kind = "oidc"
    sign_on_url: str = ""
    certificate: str = ""


class SsoInput(Struct, frozen=True, forbid_unknown_fields=True):
    """What the owner asks for. An empty secret leaves the kept one, for the same provider.

    With `kind` "oidc" client id and secret count, with "saml" the address to sign on at and the
    certificate in PEM; then `issuer` is the provider's entity id.
    """

    enabled: bool
    issuer: str
    client_id: str
    domains: list[str]
    client_secret: str = ""
    required: bool = False
    kind: Kind = "oidc"
    sign_on_url: str = ""
    certificate: str = ""


def checked(asked: SsoInput) -> SsoSettings:
    """What is asked for, tidied. Raises InvalidInput, Conflict."""
    for name, value in (
        ("issuer", asked.issuer),
        ("client_id", asked.client_id),
        ("client_secret", asked.client_secret),
        ("sign_on_url", asked.sign_on_url),
    ):
        if len(value) > VALUE_MAX or (value and not value.isprintable()):
            detail = f"must have at most {VALUE_MAX} printable characters"
            raise InvalidInput(f"{name} {detail}", FieldError(detail, f"/{name}"))
        if asked.enabled and not value.strip() and name in NEEDED[asked.kind]:
            raise InvalidInput(f"{name} is needed", FieldError("is needed", f"/{name}"))
    domains = sorted({one.strip().lower().removeprefix("@") for one in asked.domains} - {""})
    for domain in domains:
        if len(domain) > 253 or not _DOMAIN.fullmatch(domain):
            detail = f"{domain[:80]!r} is no domain, such as example.com"
            raise InvalidInput(detail, FieldError(detail, "/domains"))
    if len(domains) > DOMAINS_MAX or (asked.enabled and not domains):
        detail = f"1 to {DOMAINS_MAX} domains are needed"
        raise InvalidInput(detail, FieldError(detail, "/domains"))
    certificate = _checked_certificate(asked)
    if asked.required and not asked.enabled:
        raise Conflict("Single sign-on cannot be required while it is off")
    return SsoSettings(
        enabled=asked.enabled,
        required=asked.required,
        issuer=asked.issuer.strip(),
        client_id=asked.client_id.strip(),
        has_secret=bool(asked.client_secret),
        domains=domains,
        kind=asked.kind,
        sign_on_url=asked.sign_on_url.strip(),
        certificate=certificate,
    )


def _checked_certificate(asked: SsoInput) -> str:
    """The certificate in PEM. Raises InvalidInput."""
    if asked.kind != "saml" or not (asked.certificate or asked.enabled):
        return ""
    try:
        made = load_certificate(asked.certificate[:CERTIFICATE_MAX])
    except ValueError:
        detail = "is no certificate in PEM"
        raise InvalidInput(
            f"The certificate {detail}", FieldError(detail, "/certificate")
        ) from None
    return made.public_bytes(Encoding.PEM).decode()


def fingerprint(certificate: str) -> str | None:
    """The SHA-256 of a certificate, as its owner compares it."""
    return load_certificate(certificate).fingerprint(SHA256()).hex() if certificate else None
