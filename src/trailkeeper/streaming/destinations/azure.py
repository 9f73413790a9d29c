"""Azure Blob Storage (https://learn.microsoft.com/rest/api/storageservices/put-blob).

With the account's access key, or a shared access signature, which needs `c` (create), `w` (write)
and `r` (read) for the container, and for the test `d` (delete), too.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct
from obstore.store import AzureStore

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
    from obstore.store import AzureConfig, AzureCredential, ClientConfig, RetryConfig

ACCOUNT = r"[a-z0-9]{3,24}"
CONTAINER = r"[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]"


class AzureSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    account: Annotated[str, setting("Storage account")]
    container: Annotated[str, setting("Container")]
    prefix: Annotated[str, setting("Prefix", help="Stands before the names of blobs.")] = ""
    access_key: Annotated[str, setting("Access key", "secret", "This, or a SAS token.")] = ""
    sas_token: Annotated[
        str, setting("SAS token", "secret", "For the container, with create, write and read.")
    ] = ""
    endpoint: Annotated[
        str, setting("Address", "url", "Where it is not https://<account>.blob.core.windows.net")
    ] = ""


def open_azure(settings: AzureSettings, opening: Opening) -> ObjectStore:
    """Raises InvalidInput."""
    account = checked_name(settings.account, ACCOUNT, "account", "is no name of an account")
    checked_name(settings.container, CONTAINER, "container", "is no name of a container")
    server = checked_server(settings.endpoint) or f"https://{account}.blob.core.windows.net"
    credential = credential_of(settings)
    config: AzureConfig = {
        "account_name": account,
        "endpoint": server,
        "skip_signature": False,
        "use_emulator": False,
        "use_fabric_endpoint": False,
    }

    def connect(client: ClientConfig, retry: RetryConfig) -> AzureStore:
        return AzureStore(
            settings.container,
            config=config,
            client_options=client,
            retry_config=retry,
            credential_provider=lambda: credential,
        )

    signature = settings.sas_token.partition("sig=")[2].partition("&")[0]
    return ObjectStore(
        opening,
        connect,
        server=server,
        prefix=settings.prefix,
        hidden=(settings.access_key, settings.sas_token, signature),
    )


def credential_of(settings: AzureSettings) -> AzureCredential:
    """Raises InvalidInput."""
    if bool(settings.access_key) == bool(settings.sas_token):
        raise wrong("access_key", "or a SAS token is needed, and not both")
    if settings.sas_token:
        return {"sas_token": settings.sas_token.lstrip("?"), "expires_at": None}
    try:
        base64.b64decode(settings.access_key, validate=True)
    except ValueError:
        raise wrong("access_key", "must be base64, as the portal shows it") from None
    return {"access_key": settings.access_key, "expires_at": None}


def where(settings: dict[str, str]) -> str:
    account, container = settings.get("account", ""), settings.get("container", "")
    return f"az://{account}/{container}/{settings.get('prefix', '').strip('/')}"


KIND = Kind(
    name="azure",
    label="Azure Blob Storage",
    settings=AzureSettings,
    open=open_azure,
    where=where,
    parcel_messages=PARCEL_MESSAGES,
    parcel_bytes=PARCEL_BYTES,
    message_bytes=MESSAGE_BYTES,
    linger_s=LINGER_S,
    is_object_store=True,
)
