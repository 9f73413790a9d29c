"""Keys with less rights, TLS, locked buckets, shared access signatures: SeaweedFS and Azurite."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from tests.streaming.object_stores import (
    AZURE_ACCOUNT,
    AZURE_KEY,
    BUCKET,
    Servers,
    s3_client,
)
from tests.streaming.storing import ABC, BODY, NAME, OpenStore, parcel, refused


def test_a_key_that_may_not_write_is_told_from_a_wrong_one(
    servers: Servers, open_store: OpenStore
) -> None:
    reader = {"access_key_id": "reader", "secret_access_key": "reader-secret"}
    answer = open_store(servers.place("seaweedfs"), **reader).test()
    assert not answer.ok
    assert "403 AccessDenied" in answer.text
    assert "can be listed, but not written to" in answer.text


def test_a_key_that_may_not_read_cannot_tell_whether_an_object_is_there(
    servers: Servers, open_store: OpenStore
) -> None:
    place = servers.place("seaweedfs")
    writer = {"access_key_id": "writer", "secret_access_key": "writer-secret"}
    answer = open_store(place, **writer).test()
    assert not answer.ok
    assert "was written, but cannot be read" in answer.text
    one = open_store(place, **writer)
    one.deliver(ABC)
    why = refused(one)
    assert "is there already, and cannot be read" in why.why
    assert why.is_final


def test_tls_goes_through_to_the_store_and_is_checked(
    servers: Servers, open_store: OpenStore
) -> None:
    plain = servers.place("seaweedfs")
    place = servers.places["seaweedfs tls"]
    prefix = plain.settings["prefix"]
    one = open_store(place, prefix=prefix, ca_certificate=servers.authority.certificate)
    assert one.test().ok
    one.deliver(ABC)
    assert plain.objects() == {NAME: BODY}
    why = refused(open_store(place, prefix=prefix))
    assert why.why == "The store did not answer: its certificate is not good: UnknownIssuer"
    assert not why.is_final
    # https where http is spoken
    endpoint = plain.settings["endpoint"].replace("http:", "https:")
    assert "does not speak TLS" in refused(open_store(place, endpoint=endpoint)).why


def test_a_bucket_whose_objects_are_locked_takes_each_once(
    servers: Servers, open_store: OpenStore
) -> None:
    place = servers.place("seaweedfs")
    with s3_client(place.port) as client:
        client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
        client.put_object_lock_configuration(
            Bucket="locked",
            ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}},
            },
        )
        for _ in range(2):
            open_store(place, bucket="locked").deliver(ABC)
        assert refused(open_store(place, bucket="locked"), parcel("a", "b", "x")).is_final
        versions = client.list_object_versions(Bucket="locked")["Versions"]
        assert [one["Key"] for one in versions] == [place.prefix + NAME]
        kept = client.get_object_retention(Bucket="locked", Key=place.prefix + NAME)
        assert kept["Retention"]["Mode"] == "COMPLIANCE"
        body = client.get_object(Bucket="locked", Key=place.prefix + NAME)["Body"].read()
        assert body == BODY
        assert open_store(place, bucket="locked").test().ok


def test_a_shared_access_signature_will_do_for_azure(
    servers: Servers, open_store: OpenStore
) -> None:
    place = servers.place("azurite")
    one = open_store(place, access_key="", sas_token=signature())
    one.deliver(ABC)
    assert place.objects() == {NAME: BODY}
    assert one.test().ok
    wrong = open_store(place, access_key="", sas_token=signature("sr=b"))
    assert refused(wrong).is_final


def signature(change: str = "") -> str:
    """Of Azurite's container
    (https://learn.microsoft.com/rest/api/storageservices/create-service-sas)."""
    until = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    resource = f"/blob/{AZURE_ACCOUNT}/{BUCKET}"
    signed = ["rcwdl", "", until, resource, "", "", "", "2021-08-06", "c", *[""] * 7]
    digest = hmac.new(base64.b64decode(AZURE_KEY), "\n".join(signed).encode(), hashlib.sha256)
    sig = base64.b64encode(digest.digest()).decode().replace("+", "%2B").replace("=", "%3D")
    return f"?sv=2021-08-06&sr=c&sp=rcwdl&se={until}&sig={sig}".replace("sr=c", change or "sr=c")
