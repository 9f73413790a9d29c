"""Brokers of Kafka for tests: no package of a real one is at hand."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import confluent_kafka
from tests.streaming.meddler import Meddler
from tests.streaming.receiver import Fate


class KafkaCluster:
    """The mock cluster that librdkafka is tested with: another party's brokers, in memory, that
    speak the protocol and give idempotent producers their ids. They know neither TLS nor log-ins,
    and keep what an idempotent producer repeats twice, which real brokers do not."""

    kind = "kafka"
    keeps_one = False

    def __init__(self, _folder: Path) -> None:
        self._library = _librdkafka()
        quiet = self._library.rd_kafka_conf_new()
        self._library.rd_kafka_conf_set(quiet, b"log_level", b"0", None, 0)
        self._client = self._library.rd_kafka_new(0, quiet, None, 0)
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._client, 1)
        self.topic("audit", 1)
        servers: str = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        self.port = int(servers.rpartition(":")[2])
        self._meddler = Meddler(self.port, _is_produce)
        self.advertise("127.0.0.1", self._meddler.port)

    def topic(self, name: str, partitions: int) -> None:
        self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1)

    def advertise(self, host: str, port: int) -> None:
        """Where the cluster says that its broker is, and clients go on to."""
        self._library.rd_kafka_mock_broker_set_host_port(self._cluster, 1, host.encode(), port)

    @property
    def settings(self) -> dict[str, str]:
        server = f"127.0.0.1:{self._meddler.port}"
        return {"servers": server, "topic": "audit", "without_tls": "true"}

    @property
    def records(self) -> list[Any]:
        return self.read("audit", 0)

    def read(self, topic: str, partition: int) -> list[Any]:
        """By another client than the destination's."""
        self.advertise("127.0.0.1", self.port)
        consumer = confluent_kafka.Consumer(
            {
                "bootstrap.servers": f"127.0.0.1:{self.port}",
                "group.id": "tests",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        place = confluent_kafka.TopicPartition(topic, partition, confluent_kafka.OFFSET_BEGINNING)
        consumer.assign([place])
        found: list[Any] = []
        try:
            while (one := consumer.poll(10)) is not None and not one.error():
                found.append(one)
        finally:
            consumer.close()
            self.advertise("127.0.0.1", self._meddler.port)
        return found

    @property
    def took(self) -> list[bytes]:
        return [one.value() for one in self.records]

    @property
    def attempts(self) -> list[Any]:
        """The halves of what is there, each record with all that is the stream's in it."""
        found = [(one.key(), one.value(), one.headers()) for one in self.records]
        return [found[: len(found) // 2], found[len(found) // 2 :]]

    def meet(self, fate: Fate) -> None:
        self._meddler.fates.append(fate)

    def refuse(self, error: int, times: int) -> None:
        """The next requests to produce are answered with an error code of the protocol."""
        codes = (ctypes.c_int * times)(*[error] * times)
        self._library.rd_kafka_mock_push_request_errors_array(self._cluster, 0, times, codes)

    def close(self) -> None:
        self._meddler.close()
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._client)


def _is_produce(data: bytes) -> bool:
    return data[4:6] == b"\0\0"


def _librdkafka() -> Any:
    folder = Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
    library = ctypes.CDLL(str(next(folder.glob("librdkafka*"))))
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    for name, result, *arguments in (
        ("conf_new", pointer),
        ("conf_set", ctypes.c_int, pointer, text, text, pointer, ctypes.c_size_t),
        ("new", pointer, ctypes.c_int, pointer, text, ctypes.c_size_t),
        ("destroy", None, pointer),
        ("mock_cluster_new", pointer, pointer, ctypes.c_int),
        ("mock_cluster_destroy", None, pointer),
        ("mock_cluster_bootstraps", text, pointer),
        ("mock_topic_create", ctypes.c_int, pointer, text, ctypes.c_int, ctypes.c_int),
        ("mock_broker_set_host_port", ctypes.c_int, pointer, ctypes.c_int32, text, ctypes.c_int),
        (
            "mock_push_request_errors_array", None,
            pointer, ctypes.c_int16, ctypes.c_size_t, pointer,
        ),
    ):  # fmt: skip
        function = getattr(library, f"rd_kafka_{name}")
        function.restype, function.argtypes = result, arguments
    return library
