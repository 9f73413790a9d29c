"""How the streams of the whole installation stand, for Prometheus.

By kinds only: the metrics are open to everybody, so no workspace, stream or address is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import select

from trailkeeper.followers.metrics import LABELS
from trailkeeper.followers.places import Places
from trailkeeper.identity.store import Store
from trailkeeper.ledger.schema import stream
from trailkeeper.streaming.overview import Lag, Overviews
from trailkeeper.streaming.reading import state_of
from trailkeeper.streaming.stream import KINDS

STATES = ("running", "failing", "paused", "off")


class StreamMetrics(Collector):
    """Asked at each scrape. Of the lag it is that of the worst that is on."""

    def __init__(self, store: Store, overviews: Overviews) -> None:
        self._store = store
        self._overviews = overviews
        self._places = Places(store)

    def describe(self) -> Iterator[Metric]:
        """Its families are known without asking the database."""
        return iter(_families())

    def collect(self) -> Iterator[Metric]:
        with self._store.reading() as connection:
            rows = connection.execute(
                select(stream.c.id, stream.c.destination, stream.c.enabled, stream.c.include_jobs)
            )
            streams = {row.id: row for row in rows}
        states: Counter[tuple[str, str, str]] = Counter()
        worst: dict[tuple[str, str], Lag] = {}
        for place in self._places.all():
            one = streams.get(place.id)
            if place.kind not in KINDS.values() or one is None:
                continue
            if place.log == "jobs" and not one.include_jobs:
                continue
            labels = (place.kind, one.destination or "none")
            states[(*labels, state_of(enabled=bool(one.enabled), place=place))] += 1
            if one.enabled:
                lag, known = self._overviews.lag(place), worst.get(labels, Lag(0, 0.0))
                worst[labels] = Lag(max(lag.count, known.count), max(lag.seconds, known.seconds))
        state, activities, seconds = families = _families()
        for labels in sorted({one[:2] for one in states}):
            for name in STATES:
                state.add_metric([*labels, name], states[(*labels, name)])
        for labels, lag in sorted(worst.items()):
            activities.add_metric(labels, lag.count)
            seconds.add_metric(labels, lag.seconds)
        yield from families


def _families() -> tuple[GaugeMetricFamily, GaugeMetricFamily, GaugeMetricFamily]:
    return (
        GaugeMetricFamily(
            "trailkeeper_follower_state", "How many are in each state", labels=[*LABELS, "state"]
        ),
        GaugeMetricFamily(
            "trailkeeper_follower_lag_items",
            "What the one that is furthest behind has not delivered yet",
            labels=LABELS,
        ),
        GaugeMetricFamily(
            "trailkeeper_follower_lag_seconds",
            "For how long the oldest of what is not delivered has been there",
            labels=LABELS,
        ),
    )
