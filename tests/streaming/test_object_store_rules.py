"""What object stores must and must not do, seen at the destination itself."""

from __future__ import annotations

import gzip
import json
import socket
from typing import Any

import pytest
from tests.streaming.cutter import Cutter
from tests.streaming.object_stores import BUCKET, Place, Servers
from tests.streaming.receiver import Receiver
from tests.streaming.storing import ABC, BODY, NAME, OpenStore, parcel, refused

from trailkeeper.errors import InvalidInput
from trailkeeper.followers.follower import Poison
from trailkeeper.streaming.destinations import DESTINATIONS
from trailkeeper.streaming.destinations.s3 import S3Settings, server_of
from trailkeeper.streaming.field import KEPT, secrets_of

# --- What is there already


def test_what_is_there_with_the_same_content_is_done(place: Place, open_store: OpenStore) -> None:
    place.put(NAME, BODY)
    open_store(place).deliver(ABC)
    assert place.objects() == {NAME: BODY}


def test_what_is_there_with_other_content_is_not_overwritten(
    place: Place, open_store: OpenStore
) -> None:
    place.put(NAME, b"of somebody else\n")
    why = refused(open_store(place))
    assert why.is_final
    assert f"{place.prefix}{NAME} with other content" in why.why
    assert place.objects() == {NAME: b"of somebody else\n"}


def test_the_same_content_that_another_version_has_packed_is_done(
    place: Place, open_store: OpenStore
) -> None:
    there = gzip.compress(BODY, 1, mtime=7)
    place.put(f"{NAME}.gz", there)
    one = open_store(place, how=("batch", "gzip"))
    one.deliver(ABC)
    assert place.objects() == {f"{NAME}.gz": there}
    assert refused(one, parcel("a", "b", "x")).is_final


def test_hostile_text_and_names_are_stored_as_they_are(place: Place, open_store: OpenStore) -> None:
    text = "a\nb\r\n\x00\x1b[31m\u202e\u2028 \"'\\|=] ü😀"
    paths = ("../../x.json", "a//b\n/./ü %2F#?.json", "plain.json")
    one = open_store(place, how=("each",))
    for _ in range(2):
        one.deliver(parcel(text, text, text, paths=paths))
    objects = place.objects()
    assert set(objects) == {"%2E%2E/%2E%2E/x.json", "a/b%0A/%2E/ü %2F#?.json", "plain.json"}
    assert all(json.loads(body) == {"text": text} for body in objects.values())


def test_a_name_that_is_too_long_for_a_store_goes_to_the_dead_letters(
    place: Place, open_store: OpenStore
) -> None:
    one = open_store(place, how=("each",))
    with pytest.raises(Poison) as failed:
        one.deliver(parcel("a", "b", "c", paths=("a.json", "x" * 1_000, "c.json")))
    assert failed.value.seqs == [1]


# --- Who may be reached


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_addresses_inside_are_not_called(place: Place, open_store: OpenStore, scheme: str) -> None:
    cutter = Cutter(place.port)
    endpoint = place.through(cutter.port)["endpoint"].replace("http:", f"{scheme}:")
    for host in ("127.0.0.1", "localhost"):
        one = open_store(place, allowed="", endpoint=endpoint.replace("127.0.0.1", host))
        why = refused(one)
        assert "may not reach" in why.why
        assert not why.is_final
        assert "may not reach" in one.test().text
    assert cutter.sent == []
    cutter.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1"),
        ("AWS_SESSION_TOKEN", "of the server"),
        ("AWS_SKIP_SIGNATURE", "true"),
        ("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "true"),
        ("AWS_PROXY_URL", "http://127.0.0.1:1"),
        ("AWS_PROXY_EXCLUDES", "127.0.0.1"),
        ("NO_PROXY", "*"),
    ],
)
def test_nothing_is_taken_from_the_environment(
    servers: Servers, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    place = servers.place("seaweedfs")
    open_store(place).deliver(ABC)
    assert place.objects() == {NAME: BODY}
    assert "may not reach" in refused(open_store(place, allowed="")).why


def test_a_closed_destination_reaches_nothing(place: Place, open_store: OpenStore) -> None:
    one = open_store(place)
    one.close()
    refused(one)
    assert place.objects() == {}


def test_the_bucket_may_stand_in_the_hosts_name(
    servers: Servers, open_store: OpenStore, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = socket.getaddrinfo

    def getaddrinfo(host: str, *more: Any, **named: Any) -> Any:
        return found("127.0.0.1" if host == "logs.store.test" else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    receiver.reply = lambda _request: (200, {"ETag": '"1"'}, b"")
    place = servers.place("moto")
    endpoint = receiver.url.replace("127.0.0.1", "store.test")
    open_store(place, endpoint=endpoint, path_style="never").deliver(ABC)
    assert [one.path for one in receiver.requests] == [f"/{place.prefix}{NAME}"]
    assert receiver.requests[0].headers["host"].startswith("logs.store.test:")


@pytest.mark.parametrize(
    ("changed", "server"),
    [
        ({}, "https://logs.s3.eu-central-1.amazonaws.com"),
        ({"region": "cn-north-1"}, "https://logs.s3.cn-north-1.amazonaws.com.cn"),
        ({"bucket": "my.logs"}, "https://s3.eu-central-1.amazonaws.com"),
        ({"path_style": "always"}, "https://s3.eu-central-1.amazonaws.com"),
        ({"endpoint": "https://minio.example/"}, "https://minio.example"),
    ],
)
def test_where_amazon_is(changed: dict[str, str], server: str) -> None:
    given = {"bucket": "logs", "region": "eu-central-1", "access_key_id": "a"}
    settings = S3Settings(**{**given, "secret_access_key": "b", **changed})  # type: ignore[arg-type]
    assert server_of(settings)[0] == server


# --- Settings


@pytest.mark.parametrize(
    ("store", "changed", "pointer"),
    [
        ("moto", {"bucket": "a/b"}, "/bucket"),
        ("moto", {"bucket": "evil.example/#"}, "/bucket"),
        ("moto", {"region": "eu-1.evil.example/"}, "/region"),
        ("moto", {"prefix": "a/../b"}, "/prefix"),
        ("moto", {"prefix": "a b"}, "/prefix"),
        ("moto", {"endpoint": "http://user:password@127.0.0.1/"}, "/endpoint"),
        ("moto", {"endpoint": "http://127.0.0.1/?x=1"}, "/endpoint"),
        ("moto", {"kms_key_id": "1"}, "/kms_key_id"),
        ("moto", {"path_style": "perhaps"}, "/path_style"),
        ("gcs", {"service_account_key": "{}"}, "/service_account_key"),
        (
            "gcs",
            {"service_account_key": '{"client_email": "a", "private_key": "b"}'},
            "/service_account_key",
        ),
        ("gcs", {"bucket": "A"}, "/bucket"),
        ("azurite", {"account": "a.evil.example"}, "/account"),
        ("azurite", {"container": "a--b"}, "/container"),
        ("azurite", {"access_key": "no base64"}, "/access_key"),
        ("azurite", {"access_key": ""}, "/access_key"),
        ("azurite", {"sas_token": "sig=x"}, "/access_key"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    servers: Servers, open_store: OpenStore, store: str, changed: dict[str, str], pointer: str
) -> None:
    with pytest.raises(InvalidInput) as failed:
        open_store(servers.place(store), **changed)
    assert [one.pointer for one in failed.value.errors] == [pointer]


def test_where_a_stream_leads_is_told_without_secrets(place: Place) -> None:
    kind = DESTINATIONS[place.kind]
    kept = dict.fromkeys(secrets_of(kind.settings), KEPT)
    where = kind.where({**place.settings, **kept})
    assert BUCKET in where
    assert place.settings["prefix"] in where
    assert KEPT not in where
