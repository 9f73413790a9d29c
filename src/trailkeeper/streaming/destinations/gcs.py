"""Google Cloud Storage, by its XML API (https://cloud.google.com/storage/docs/xml-api/overview).

A request carries a token that the service account's key has signed for an hour, without asking
another server first: https://google.aip.dev/auth/4111. The account needs
`storage.objects.create` and `storage.objects.get`, and for the test `storage.objects.delete`, too.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from msgspec import Struct
from obstore.store import GCSStore

from trailkeeper.streaming.destination import Kind, Opening
from trailkeeper.streaming.field import setting
from trailkeeper.streaming.object_settings import checked_name, checked_server, wrong
from trailkeeper.streaming.object_store import (
    LINGER_S,
    MESSAGE_BYTES,
    PARCEL_BYTES,
    PARCEL_MESSAGES,
    ObjectStore,
)

if TYPE_CHECKING:
    from obstore.store import ClientConfig, GCSConfig, GCSCredential, RetryConfig

SERVER = "https://storage.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
BUCKET = r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]"
TOKEN_S = 3_600


class GcsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    bucket: Annotated[str, setting("Bucket")]
    prefix: Annotated[str, setting("Prefix", help="Stands before the names of objects.")] = ""
    service_account_key: Annotated[
        str, setting("Service account key", "secret", "The whole file, in JSON.")
    ]
    endpoint: Annotated[str, setting("Address", "url", "Of another server than Google's.")] = ""


class Key(Struct, frozen=True):
    """A service account's key, as Google's console gives it: what is needed of it."""

    client_email: str
    private_key: str
    private_key_id: str = ""


class Signer:
    """Makes tokens of a service account. Raises InvalidInput for what is no key."""

    def __init__(self, text: str) -> None:
        try:
            self._key = msgspec.json.decode(text, type=Key)
            self._rsa = RSAKey.import_key(self._key.private_key)
        except (msgspec.MsgspecError, JoseError, ValueError, TypeError):
            raise wrong(
                "service_account_key", "must be the JSON of a service account's key"
            ) from None

    def __call__(self) -> GCSCredential:
        now = int(time.time())
        header: dict[str, Any] = {"alg": "RS256", "typ": "JWT", "kid": self._key.private_key_id}
        claims = {
            "iss": self._key.client_email,
            "sub": self._key.client_email,
            "scope": SCOPE,
            "iat": now,
            "exp": now + TOKEN_S,
        }
        return {
            "token": jwt.encode(header, claims, self._rsa),
            "expires_at": datetime.fromtimestamp(now + TOKEN_S, UTC),
        }


def open_gcs(settings: GcsSettings, opening: Opening) -> ObjectStore:
    """Raises InvalidInput."""
    checked_name(settings.bucket, BUCKET, "bucket", "is no name of a bucket")
    server = checked_server(settings.endpoint) or SERVER
    sign = Signer(settings.service_account_key)
    config: GCSConfig = {"base_url": server, "skip_signature": False}

    def connect(client: ClientConfig, retry: RetryConfig) -> GCSStore:
        return GCSStore(
            settings.bucket,
            config=config,
            client_options=client,
            retry_config=retry,
            credential_provider=sign,
        )

    return ObjectStore(
        opening,
        connect,
        server=server,
        prefix=settings.prefix,
        hidden=(settings.service_account_key,),
    )


def where(settings: dict[str, str]) -> str:
    place = f"gs://{settings.get('bucket', '')}/{settings.get('prefix', '').strip('/')}"
    return f"{place} at {settings['endpoint']}" if settings.get("endpoint") else place


KIND = Kind(
    name="gcs",
    label="Google Cloud Storage",
    settings=GcsSettings,
    open=open_gcs,
    where=where,
    parcel_messages=PARCEL_MESSAGES,
    parcel_bytes=PARCEL_BYTES,
    message_bytes=MESSAGE_BYTES,
    linger_s=LINGER_S,
    is_object_store=True,
)
