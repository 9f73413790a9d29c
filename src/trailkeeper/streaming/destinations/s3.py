"""Amazon S3, and the many stores that speak its protocol: MinIO, Ceph, SeaweedFS, R2, B2.

The key needs `s3:PutObject` and `s3:GetObject` on the prefix, and for the test `s3:DeleteObject`,
too. Each request has a SHA-256 checksum, as buckets with Object Lock ask
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html); conditional
writes are those of
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Struct
from obstore.store import S3Store

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
from trailkeeper.streaming.tls import pem

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Credential

BUCKET = r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]"


class S3Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    bucket: Annotated[str, setting("Bucket")]
    region: Annotated[str, setting("Region", help="For example: eu-central-1")]
    prefix: Annotated[str, setting("Prefix", help="Stands before the names of objects.")] = ""
    endpoint: Annotated[
        str, setting("Address", "url", "Of a store that is not Amazon's, such as MinIO.")
    ] = ""
    access_key_id: Annotated[str, setting("Access key ID")]
    secret_access_key: Annotated[str, setting("Secret access key", "secret")]
    session_token: Annotated[
        str, setting("Session token", "secret", "For temporary credentials.")
    ] = ""
    path_style: Annotated[
        Literal["auto", "always", "never"],
        setting(
            "Bucket in the path",
            help="never: in the host's name, before the address. auto: so at Amazon only.",
        ),
    ] = "auto"
    server_side_encryption: Annotated[
        Literal["none", "AES256", "aws:kms"],
        setting("Encryption by the store", help="none: as the bucket has it by default."),
    ] = "none"
    kms_key_id: Annotated[str, setting("KMS key", help="For aws:kms, unless the default.")] = ""
    ca_certificate: Annotated[
        str, setting("Certificate authority", "lines", "PEM, for a store with one of its own.")
    ] = ""


def open_s3(settings: S3Settings, opening: Opening) -> ObjectStore:
    """Raises InvalidInput."""
    server, in_host = server_of(settings)
    config: S3Config = {
        "endpoint": server,
        # Otherwise one from the environment would go before.
        "aws_endpoint_url_s3": server,
        "virtual_hosted_style_request": in_host,
        "region": settings.region,
        "checksum_algorithm": "sha256",
        "conditional_put": "etag",
        "skip_signature": False,
        "unsigned_payload": False,
        "s3_express": False,
        "disable_bulk_delete": True,
    }
    if settings.server_side_encryption != "none":
        config["server_side_encryption"] = settings.server_side_encryption
    if settings.kms_key_id:
        if settings.server_side_encryption != "aws:kms":
            raise wrong("kms_key_id", "goes with the encryption aws:kms")
        config["sse_kms_key_id"] = settings.kms_key_id

    def credential() -> S3Credential:
        return {
            "access_key_id": settings.access_key_id,
            "secret_access_key": settings.secret_access_key,
            "token": settings.session_token or None,
            "expires_at": None,
        }

    def connect(client: ClientConfig, retry: RetryConfig) -> S3Store:
        return S3Store(
            settings.bucket,
            config=config,
            client_options=client,
            retry_config=retry,
            credential_provider=credential,
        )

    return ObjectStore(
        opening,
        connect,
        server=server,
        prefix=settings.prefix,
        hidden=(settings.secret_access_key, settings.session_token),
        root_certificate=pem(settings.ca_certificate),
    )


def server_of(settings: S3Settings) -> tuple[str, bool]:
    """The address that objects are below, and whether it has the bucket in the host's name. Raises
    InvalidInput."""
    bucket = checked_name(settings.bucket, BUCKET, "bucket", "is no name of a bucket")
    region = checked_name(settings.region, r"[A-Za-z0-9-]{1,64}", "region", "is no region")
    in_host = settings.path_style == "never" or (
        # A certificate for *.s3… is not good for a name with a dot.
        settings.path_style == "auto" and not settings.endpoint and "." not in bucket
    )
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    server = checked_server(settings.endpoint) or f"https://s3.{region}.{domain}"
    if in_host:
        parts = urlsplit(server)
        server = parts._replace(netloc=f"{bucket}.{parts.netloc}").geturl()
    return server, in_host


def where(settings: dict[str, str]) -> str:
    place = f"s3://{settings.get('bucket', '')}/{settings.get('prefix', '').strip('/')}"
    return f"{place} at {settings['endpoint']}" if settings.get("endpoint") else place


KIND = Kind(
    name="s3",
    label="Amazon S3 or compatible",
    settings=S3Settings,
    open=open_s3,
    where=where,
    parcel_messages=PARCEL_MESSAGES,
    parcel_bytes=PARCEL_BYTES,
    message_bytes=MESSAGE_BYTES,
    linger_s=LINGER_S,
    is_object_store=True,
)
