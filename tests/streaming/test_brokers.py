"""NATS JetStream by a real server, and Kafka by the mock cluster of librdkafka: what they want
besides the contract of all destinations."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.streaming.delivering import Open, batch, bodies, destination, whole
from tests.streaming.kafka_cluster import KafkaCluster
from tests.streaming.kafka_door import KafkaDoor
from tests.streaming.other_players import NatsServer
from tests.streaming.players import SECRET

from trailkeeper.errors import InvalidInput
from trailkeeper.followers.follower import DeliveryFailed, Poison
from trailkeeper.streaming import kafka_producing

NOT_ENOUGH_REPLICAS, TOO_LARGE, NOT_ALLOWED = 19, 10, 29


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    made = NatsServer(tmp_path)
    yield made
    made.close()


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[KafkaCluster]:
    made = KafkaCluster(tmp_path)
    yield made
    made.close()


@pytest.fixture
def door(tmp_path: Path, kafka: KafkaCluster) -> Iterator[KafkaDoor]:
    """TLS and log-in in front of the cluster, which knows neither."""
    made = KafkaDoor(tmp_path, kafka.port, "audit", SECRET)
    kafka.advertise("127.0.0.1", made.port)
    yield made
    made.close()


def test_jetstream_keeps_once_what_comes_twice_also_from_another_process(
    nats: NatsServer, opened: Open
) -> None:
    opened(nats).do(batch(20))
    opened(nats).do(batch(30))
    assert whole(nats.took) == whole(bodies(batch(30)))


def test_a_wrong_password_waits_for_somebody_and_is_not_shown(
    nats: NatsServer, opened: Open
) -> None:
    wrong = "wr0ng-password"
    work = opened(nats, password=wrong)
    with pytest.raises(DeliveryFailed, match="Authorization Violation") as failed:
        work.do(batch(1))
    assert failed.value.is_final
    assert wrong not in failed.value.why
    assert not work._destination.test().ok


def test_a_server_without_tls_is_told_nothing_where_tls_is_wanted(
    nats: NatsServer, opened: Open
) -> None:
    with pytest.raises(DeliveryFailed, match="secure connection") as failed:
        opened(nats, without_tls="").do(batch(1))
    assert failed.value.is_final
    assert not any(SECRET.encode() in sent for sent in nats.sent)


def test_nats_goes_over_tls_with_a_certificate_of_its_own_authority(tmp_path: Path) -> None:
    server = NatsServer(tmp_path, tls=True)
    opened = destination("nats", server.settings)
    answer = opened.test()
    opened.close()
    server.close()
    assert answer.ok, answer.text


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"subject": "elsewhere", "stream": ""}, "No JetStream stream takes the subject elsewhere"),
        ({"stream": "OTHER"}, "expected stream does not match"),
    ],
)
def test_a_subject_that_no_stream_takes_is_a_failure_that_says_so(
    nats: NatsServer, opened: Open, changed: dict[str, str], why: str
) -> None:
    work = opened(nats, **changed)
    with pytest.raises(DeliveryFailed, match=why):
        work.do(batch(1))
    assert not work._destination.test().ok


def test_a_message_that_the_server_does_not_take_is_poison(nats: NatsServer, opened: Open) -> None:
    nats.limit(1_000)
    work = opened(nats)
    one = batch(3)
    large = batch(1, 3, text="x" * 500)
    with pytest.raises(Poison) as poison:
        work.do(large)
    assert poison.value.seqs == [3]
    work.do(one)
    assert whole(nats.took) == whole(bodies(one))


def test_a_message_beyond_the_servers_own_limit_is_poison_before_it_is_sent(
    tmp_path: Path, opened: Open
) -> None:
    server = NatsServer(tmp_path, more="max_payload: 4096")
    with pytest.raises(Poison) as poison:
        opened(server).do(batch(1, 3, text="x" * 800))
    server.close()
    assert poison.value.seqs == [3]


def test_a_record_has_its_target_as_key_and_seq_and_id_beside_it(
    kafka: KafkaCluster, opened: Open
) -> None:
    opened(kafka).do(batch(2, 5))
    first = kafka.records[0]
    assert first.key() == b"recipe/Sync product SKUs"
    assert dict(first.headers()) == {
        "seq": b"5",
        "id": b"id-5",
        "content-type": b"application/json",
    }
    assert abs(first.timestamp()[1] / 1e3 - time.time()) < 60


def test_the_order_of_each_target_is_kept_on_many_partitions(
    kafka: KafkaCluster, opened: Open
) -> None:
    kafka.topic("many", 4)
    targets = "abcdefg"
    work = opened(kafka, topic="many")
    for seq in range(60):
        work.do(batch(1, seq, text=targets[seq % 7]))
    found = [kafka.read("many", partition) for partition in range(4)]
    assert sum(map(len, found)) == 60
    assert sum(bool(part) for part in found) > 1
    for part in found:
        for key in {one.key() for one in part}:
            seqs = [json.loads(one.value())["seq"] for one in part if one.key() == key]
            assert seqs == sorted(seqs)


def test_the_producer_itself_waits_for_replicas(kafka: KafkaCluster, opened: Open) -> None:
    kafka.refuse(NOT_ENOUGH_REPLICAS, 3)
    opened(kafka).do(batch(50))
    assert whole(kafka.took) == whole(bodies(batch(50)))


def test_a_topic_that_may_not_be_written_waits_for_somebody(
    kafka: KafkaCluster, opened: Open
) -> None:
    kafka.refuse(NOT_ALLOWED, 1)
    with pytest.raises(DeliveryFailed, match="TopicAuthorizationFailed") as failed:
        opened(kafka).do(batch(1))
    assert failed.value.is_final


def test_what_brokers_find_too_large_goes_in_halves_and_is_poison_at_last(
    kafka: KafkaCluster, opened: Open
) -> None:
    kafka.refuse(TOO_LARGE, 1)
    work = opened(kafka)
    work.do(batch(10))
    assert whole(kafka.took) == whole(bodies(batch(10)))
    kafka.refuse(TOO_LARGE, 1)
    with pytest.raises(Poison) as poison:
        work.do(batch(1, 10))
    assert poison.value.seqs == [10]


def test_brokers_that_the_cluster_names_are_checked_too(
    kafka: KafkaCluster, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_producing, "PARCEL_S", 1.0)
    kafka.advertise("10.1.2.3", 9092)
    with pytest.raises(DeliveryFailed, match=r"10\.1\.2\.3, an address that streams may not"):
        opened(kafka).do(batch(1))


def test_kafka_goes_over_tls_and_logs_in(
    kafka: KafkaCluster, door: KafkaDoor, opened: Open
) -> None:
    work = opened(kafka, **door.settings)
    work.do(batch(10))
    assert whole(kafka.took) == whole(bodies(batch(10)))
    assert work._destination.test().ok


def test_kafka_does_not_log_in_with_a_wrong_password_nor_elsewhere(
    kafka: KafkaCluster, door: KafkaDoor, opened: Open
) -> None:
    wrong = "wr0ng-password"
    with pytest.raises(DeliveryFailed, match="Authentication") as failed:
        opened(kafka, **{**door.settings, "password": wrong}).do(batch(1))
    assert failed.value.is_final
    assert wrong not in failed.value.why
    with pytest.raises(DeliveryFailed, match="CERTIFICATE_VERIFY_FAILED"):
        opened(kafka, **{**door.settings, "ca_certificate": ""}).do(batch(1))
    with pytest.raises(InvalidInput, match="user"):
        opened(kafka, **{**door.settings, "user": ""})


@pytest.mark.parametrize("kind", ["nats", "kafka"])
@pytest.mark.parametrize("servers", ["host", "a:1,b", "user:pass@host:1", "http://a:1", "a:x"])
def test_what_is_no_list_of_servers_is_refused(kind: str, servers: str) -> None:
    named = {"nats": "subject", "kafka": "topic"}[kind]
    with pytest.raises(InvalidInput, match="host:port"):
        destination(kind, {"servers": servers, named: "audit"})
