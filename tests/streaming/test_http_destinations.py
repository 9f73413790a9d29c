"""What Splunk, Sumo Logic, Datadog, Elastic, New Relic and Loki each want, besides the contract of
all destinations: their limits and their own answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.streaming.delivering import (
    STREAM,
    Open,
    batch,
    bodies,
    destination,
    parcel,
    whole,
    work_with,
)
from tests.streaming.players import (
    SECRET,
    Datadog,
    Elastic,
    HttpPlayer,
    Loki,
    NewRelic,
    Splunk,
    SplunkWithAcknowledgement,
    SumoLogic,
    unpacked,
)

from trailkeeper.errors import InvalidInput
from trailkeeper.followers.follower import DeliveryFailed, Poison
from trailkeeper.streaming.destinations import splunk as splunk_destination
from trailkeeper.streaming.formats import format_of


@pytest.fixture
def player(request: pytest.FixtureRequest) -> Iterator[Any]:
    made = request.param()
    yield made
    made.close()


def played(kind: type[HttpPlayer]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("player", [kind], indirect=True, ids=[kind.__name__])


def sent(player: HttpPlayer) -> bytes:
    return unpacked(player.receiver.requests[-1])


# --- Splunk


@played(SplunkWithAcknowledgement)
def test_splunk_is_waited_for_until_it_has_indexed_and_asked_on_the_channel_that_sent(
    player: SplunkWithAcknowledgement, opened: Open
) -> None:
    player.late = 3
    opened(player).do(batch(5))
    assert player.asked == 4
    channels = {one.headers["x-splunk-request-channel"] for one in player.receiver.requests}
    assert len(channels) == 1


@played(SplunkWithAcknowledgement)
def test_events_that_splunk_does_not_index_in_time_are_sent_again(
    player: SplunkWithAcknowledgement, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splunk_destination, "ACK_S", 0.3)
    player.late = 10_000
    work = opened(player)
    with pytest.raises(DeliveryFailed, match="not said within") as failed:
        work.do(batch(5))
    assert not failed.value.is_final
    player.late = 0
    work.do(batch(5))
    assert len(player.took) == 10


@played(Splunk)
def test_a_token_without_acknowledgement_is_told_to_somebody(player: Splunk, opened: Open) -> None:
    with pytest.raises(DeliveryFailed, match="acknowledgement is not turned on") as failed:
        opened(player, ack="true").do(batch(1))
    assert failed.value.is_final


@played(Splunk)
def test_an_event_has_its_time_to_the_microsecond_and_what_the_settings_say(
    player: Splunk, opened: Open
) -> None:
    opened(player, source="trailkeeper", sourcetype='a"b').do(batch(1))
    event = json.loads(sent(player))
    assert b'"time":1795379100.000000,' in sent(player)
    assert event["index"] == "audit"
    assert event["source"] == "trailkeeper"
    assert event["sourcetype"] == 'a"b'
    assert event["fields"] == {"seq": "0", "id": "id-0"}


@played(Splunk)
def test_an_event_that_splunk_calls_wrong_is_poison_and_an_index_is_not(
    player: Splunk, opened: Open
) -> None:
    work = opened(player)
    wrong = {"text": "Invalid data format", "code": 6, "invalid-event-number": 2}
    player.refusal = (400, {}, json.dumps(wrong).encode())
    with pytest.raises(Poison) as poison:
        work.do(batch(5, 100))
    assert poison.value.seqs == [102]
    wrong = {"text": "Incorrect index", "code": 7, "invalid-event-number": 0}
    player.refusal = (400, {}, json.dumps(wrong).encode())
    with pytest.raises(DeliveryFailed) as failed:
        work.do(batch(5))
    assert failed.value.is_final
    assert not isinstance(failed.value, Poison)


@played(Splunk)
def test_a_page_of_something_else_is_no_answer_of_splunk(player: Splunk, opened: Open) -> None:
    player.refusal = (200, {}, b"<html>Please log in</html>")
    with pytest.raises(DeliveryFailed, match="no answer of Splunk"):
        opened(player).do(batch(1))


@played(Splunk)
def test_the_whole_address_may_be_given_too(player: Splunk, opened: Open) -> None:
    opened(player, url=f"{player.receiver.url}/services/collector/event").do(batch(1))
    assert len(player.took) == 1


# --- Elasticsearch and OpenSearch


@played(Elastic)
def test_what_elastic_has_already_counts_as_done(player: Elastic, opened: Open) -> None:
    work = opened(player)
    work.do(batch(3))
    work.do(batch(5))
    assert player.statuses == [409, 409, 409, 201, 201]
    assert whole(player.took) == whole(bodies(batch(5)))


@played(Elastic)
def test_documents_that_do_not_fit_are_poison_and_the_others_are_there(
    player: Elastic, opened: Open
) -> None:
    why = "failed to parse field [details.n] of type [long]"
    player.problems = lambda document: (
        (400, "document_parsing_exception", why) if document["seq"] in (11, 13) else None
    )
    with pytest.raises(Poison) as poison:
        opened(player).do(batch(5, 10))
    assert poison.value.seqs == [11, 13]
    assert why in poison.value.why
    assert [json.loads(one)["seq"] for one in player.took] == [10, 12, 14]


@played(Elastic)
def test_documents_for_which_there_was_no_room_are_tried_again_before_any_is_given_up(
    player: Elastic, opened: Open
) -> None:
    player.problems = lambda document: {
        1: (429, "es_rejected_execution_exception", "queue is full"),
        2: (400, "document_parsing_exception", "no"),
    }.get(document["seq"])
    work = opened(player)
    with pytest.raises(DeliveryFailed, match="queue is full") as failed:
        work.do(batch(4))
    assert not isinstance(failed.value, Poison)
    assert not failed.value.is_final
    player.problems = lambda _document: None
    work.do(batch(4))
    assert player.statuses == [409, 201, 201, 409]


@played(Elastic)
def test_an_index_that_is_not_there_or_not_allowed_waits_for_somebody(
    player: Elastic, opened: Open
) -> None:
    player.problems = lambda _document: (403, "security_exception", "unauthorized for API key")
    with pytest.raises(DeliveryFailed, match="unauthorized for API key") as failed:
        opened(player).do(batch(2))
    assert failed.value.is_final


@played(Elastic)
def test_a_document_with_a_time_keeps_it(player: Elastic) -> None:
    opened = destination("elastic", player.settings)
    work_with("elastic", opened, format_of("ecs")).do(batch(2))
    assert [one["@timestamp"][:10] for one in player.documents.values()] == ["2026-11-22"] * 2
    assert sent(player).count(b"@timestamp") == 2
    player.documents.clear()
    opened.deliver(parcel(b"{}", b'{ "a": 1 }', b"[1]", b"no JSON"))
    dated = [one["@timestamp"] for one in player.documents.values()]
    assert dated == ["2026-11-22T20:25:00.000000Z"] * 4
    opened.close()


@played(Elastic)
def test_a_page_of_something_else_is_no_answer_to_a_bulk(player: Elastic, opened: Open) -> None:
    for page in (b"<html>Please log in</html>", b'{"errors":true,"items":[]}'):
        player.refusal = (200, {}, page)
        with pytest.raises(DeliveryFailed, match="no answer to a bulk"):
            opened(player).do(batch(1))


@played(Elastic)
@pytest.mark.parametrize("index", ["Logs", "_all", "a/b", "a b", "-x", "a,b", ".hidden"])
def test_a_name_that_no_index_has_is_refused(player: Elastic, index: str, opened: Open) -> None:
    with pytest.raises(InvalidInput, match="lower case"):
        opened(player, index=index)


# --- The others


@played(Loki)
def test_lines_get_times_that_rise_with_seq_whatever_the_parcels(
    player: Loki, opened: Open
) -> None:
    work = opened(player)
    for first, count in ((0, 1_000), (1_000, 1), (1_001, 700)):
        work.do(batch(count, first))
    assert len(player.times) == 1_701
    assert player.times == sorted(set(player.times))
    again = player.times[:]
    player.times.clear()
    work.do(batch(1_000, 0))
    assert player.times == again[:1_000]


@played(Loki)
def test_labels_are_few_and_the_same_for_all_lines(player: Loki, opened: Open) -> None:
    opened(player, labels="job=audit\nteam = it ").do(batch(2))
    wanted = {"workspace": "w1", "stream": STREAM.id, "log": "activities"}
    assert player.labels == {**wanted, "job": "audit", "team": "it"}
    many = "\n".join(f"l{number}=x" for number in range(11))
    for labels in (many, "1a=x", "__a=x", "stream=x", "a", f"a={'x' * 201}"):
        with pytest.raises(InvalidInput, match="labels"):
            opened(player, labels=labels)


@played(Datadog)
def test_datadog_gets_no_more_than_a_thousand_logs_and_no_date(
    player: Datadog, opened: Open
) -> None:
    work = opened(player)
    assert work.limits.items == 1_000
    work.do(batch(2, 7))
    first = json.loads(sent(player))[0]
    assert set(first) == {"ddsource", "service", "ddtags", "trailkeeper", "message"}
    assert first["trailkeeper"] == {"seq": 7, "id": "id-7"}
    assert first["ddtags"] == "env:test"


@played(Datadog)
def test_a_log_that_datadog_would_cut_is_poison(player: Datadog, opened: Open) -> None:
    quotes = b'{"a":"%b"}' % (b'\\"' * 300_000)
    with pytest.raises(Poison) as poison:
        opened(player)._destination.deliver(parcel(b"{}", quotes))
    assert poison.value.seqs == [1]
    assert player.attempts == []


@played(Datadog)
def test_bodies_stay_within_5_mb_by_going_in_halves(player: Datadog, opened: Open) -> None:
    work = opened(player)
    one = batch(40, text='"' * 2_500)
    work.do(one)
    assert len(player.attempts) > 1
    assert whole(player.took) == whole(bodies(one))


@played(NewRelic)
def test_a_message_that_new_relic_would_cut_is_poison(player: NewRelic, opened: Open) -> None:
    with pytest.raises(Poison) as poison:
        opened(player).do(batch(1, 3, text="x" * 20_000))
    assert poison.value.seqs == [3]


@played(NewRelic)
def test_new_relic_gets_bodies_of_1_mb_at_most_and_no_timestamp(
    player: NewRelic, opened: Open
) -> None:
    one = batch(60, text='"' * 2_000)
    opened(player).do(one)
    assert whole(player.took) == whole(bodies(one))
    assert b'"timestamp"' not in sent(player)


@played(SumoLogic)
def test_sumo_logic_gets_lines_in_bodies_of_1_mb_at_most(player: SumoLogic, opened: Open) -> None:
    one = batch(100, text="x" * 3_000)
    opened(player).do(one)
    assert len(player.attempts) > 1
    assert whole(player.took) == whole(bodies(one))


def test_an_address_of_a_source_that_is_none_is_refused_and_not_said_again() -> None:
    with pytest.raises(InvalidInput) as refused:
        destination("sumologic", {"url": f"ftp://{SECRET}"})
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("splunk", {"url": "https://x", "token": "a\u20acb"}),
        ("datadog", {"api_key": "ü"}),
        ("newrelic", {"license_key": "ü"}),
        ("elastic", {"url": "https://x", "index": "a", "api_key": "ü"}),
    ],
)
def test_a_key_that_no_header_can_have_is_refused(kind: str, settings: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="ASCII"):
        destination(kind, settings)


def test_the_sites_and_regions_lead_to_their_own_addresses() -> None:
    wanted = {
        ("datadog", "site", "datadoghq.eu"): "https://http-intake.logs.datadoghq.eu/api/v2/logs",
        ("newrelic", "region", "eu"): "https://log-api.eu.newrelic.com/log/v1",
    }
    for (kind, name, value), url in wanted.items():
        key = "api_key" if kind == "datadog" else "license_key"
        opened: Any = destination(kind, {key: "k", name: value})
        assert opened._url == url
        opened.close()
