"""SAML 2.0: the web browser SSO profile, from the side of the service provider.

The request goes by redirect, the response comes by POST, signed with the certificate that the
workspace keeps. It needs the package minisaml, which the extra `saml` installs.
"""

from __future__ import annotations

import base64
import importlib
import importlib.util
import secrets
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from msgspec import Struct

from trailkeeper.identity.provider import Identity, ProviderError

RESPONSE_MAX = 256 * 1024
REMEMBERED_S = 3_600
REMEMBERED_MAX = 10_000

EMAIL_ATTRIBUTES = (
    "email",
    "mail",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
)


class SamlProvider(Struct, frozen=True):
    """A workspace's identity provider. `certificate` is PEM."""

    entity_id: str
    sign_on_url: str
    certificate: str

    @property
    def name(self) -> str:
        """The host, for people."""
        return urlsplit(self.sign_on_url).hostname or self.entity_id


class Saml:
    """Talks to providers by the browser alone; nothing is called from here."""

    def __init__(self) -> None:
        self._used: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec("minisaml") is not None

    def check_installed(self) -> None:
        """Raises ProviderError where the extra is not there."""
        if not self.installed:
            raise ProviderError("SAML needs the extra `saml`: pip install 'trailkeeper[saml]'")

    def start(self, provider: SamlProvider, entity_id: str, acs_url: str) -> tuple[str, str]:
        """The address at the provider to go to, and the request's id to remember. Raises
        ProviderError."""
        # An XML id starts with a letter or an underscore.
        request_id = f"_{secrets.token_hex(20)}"
        address = self._messages().request_address(
            provider.sign_on_url, entity_id, acs_url, request_id
        )
        return address, request_id

    def finish(
        self, provider: SamlProvider, entity_id: str, request_id: str, response: str
    ) -> Identity:
        """Who has logged in, by the provider's response to this request, which is good once.
        Raises ProviderError."""
        if not response or len(response) > RESPONSE_MAX:
            raise ProviderError("its response is empty or too long")
        certificate = load_certificate(provider.certificate)
        try:
            found = self._messages().believed(response, certificate, provider.entity_id, entity_id)
        except ValueError as error:
            raise ProviderError(f"its response is not valid ({error})") from None
        if found.in_response_to != request_id:
            raise ProviderError("its response is to another request")
        self._use(request_id)
        attributes = found.attrs
        given = next((attributes[one] for one in EMAIL_ATTRIBUTES if attributes.get(one)), None)
        email = (given or found.name_id or "").strip().lower()
        if "@" not in email:
            raise ProviderError("its response has no e-mail address")
        return Identity(found.name_id or email, email)

    def _use(self, request_id: str) -> None:
        now = time.monotonic()
        with self._lock:
            if len(self._used) > REMEMBERED_MAX:
                self._used = {id: at for id, at in self._used.items() if now - at < REMEMBERED_S}
            if request_id in self._used:
                raise ProviderError("its response was used already")
            self._used[request_id] = now

    def _messages(self) -> Any:
        self.check_installed()
        return importlib.import_module("trailkeeper.identity.saml_messages")


def load_certificate(text: str) -> x509.Certificate:
    """A certificate in PEM, or only its base64. Raises ValueError."""
    text = text.strip()
    if "BEGIN CERTIFICATE" in text:
        return x509.load_pem_x509_certificate(text.encode())
    return x509.load_der_x509_certificate(base64.b64decode("".join(text.split()), validate=True))
