"""API tokens: what they allow, and that a revoked one is refused at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import insert

from trailkeeper.activity import ActivityInput, Actor, Target, now_us
from trailkeeper.errors import Forbidden, NotFound, Unauthorized
from trailkeeper.identity.acting import By, everything
from trailkeeper.identity.token_check import TOKEN_MAX, TokenCheck
from trailkeeper.identity.tokens import SCOPES, Scope, Token
from trailkeeper.installation import Installation, create, opened
from trailkeeper.ledger.append import Append
from trailkeeper.ledger.prepare import Prepared
from trailkeeper.ledger.schema import workspace
from trailkeeper.ledger.writer import Transaction

ADA = Actor(type="user", id="1", name="Ada")


class Site:
    """An installation opened twice, as two processes have it, with a check of the first's."""

    def __init__(self, here: Installation, there: Installation) -> None:
        self.here, self.there = here, there
        self.check = TokenCheck(here.engine, here.writer)

        def work(transaction: Transaction) -> int:
            return transaction.connection.execute(
                insert(workspace)
                .values(id="w", name="Acme", created_at=now_us())
                .returning(workspace.c.key)
            ).scalar_one()

        self.key = here.writer.run(work)
        self.by: By = everything(self.key, ADA)

    def make(self, *scopes: Scope, expires_at: int | None = None) -> tuple[str, str]:
        """A new token's header, and its id."""
        token = self.here.tokens.create(self.by, "ci", list(scopes), expires_at).token
        header = f"Bearer {token}"
        id = self.check.find(header).id
        self.here.writer.run(lambda _: None)  # the time of use is noted by then
        return header, id

    def prepared(self) -> Prepared:
        target = Target(type="recipe", id="1")
        sent = ActivityInput(action="recipe.stopped", actor=ADA, targets=[target])
        return self.here.recorder.prepare(self.key, sent)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    data: Path = tmp_path_factory.mktemp("tokens") / "data"
    create(data)
    with ExitStack() as stack:
        made = Site(stack.enter_context(opened(data)), stack.enter_context(opened(data)))
        stack.callback(made.check.close)
        yield made


def test_a_token_is_found_with_what_it_may_do(site: Site) -> None:
    header, _ = site.make("activities:write", "activities:read")
    found = site.check.find(header)
    assert (found.name, found.workspace) == ("ci", site.key)
    assert found.scopes == {"activities:read", "activities:write"}
    assert site.check.find(header.replace("Bearer", "bearer")).id == found.id


def test_a_revocation_by_another_process_is_seen_at_once(site: Site) -> None:
    header, token_id = site.make("activities:write")
    site.there.tokens.revoke(site.by, token_id)
    with pytest.raises(Unauthorized, match="revoked"):
        site.check.find(header)


def test_an_append_let_in_before_a_revocation_elsewhere_is_refused(site: Site) -> None:
    header, token_id = site.make("activities:write")
    site.check.find_for_append(header)
    site.here.writer.run(lambda _: None)  # its use is noted by now, which is a change
    site.check.find_for_append(header)
    before = site.here.reader.next_seq(site.key)
    site.there.tokens.revoke(site.by, token_id)
    token, generation = site.check.find_for_append(header)
    append = Append(site.key, [site.prepared()], token.token_hash, generation)
    answers: list[object] = []
    site.here.writer.enqueue(append, lambda result, error: answers.append(error or result))
    site.here.writer.run(lambda _: None)
    assert isinstance(answers[0], Unauthorized)
    assert site.here.reader.next_seq(site.key) == before + 1  # the revocation
    with pytest.raises(Unauthorized, match="revoked"):
        site.check.find_for_append(header)


def test_an_append_whose_token_still_holds_is_taken_whatever_else_changed(site: Site) -> None:
    header, _ = site.make("activities:write")
    token, generation = site.check.find_for_append(header)
    site.make("activities:read")
    append = Append(site.key, [site.prepared()], token.token_hash, generation)
    answers: list[object] = []
    site.here.writer.enqueue(append, lambda result, error: answers.append(error))
    site.here.writer.run(lambda _: None)
    assert answers == [None]


def test_a_revocation_by_this_process_is_seen_by_the_next_append(site: Site) -> None:
    header, token_id = site.make("activities:write")
    site.check.find_for_append(header)
    site.here.tokens.revoke(site.by, token_id)
    with pytest.raises(Unauthorized, match="revoked"):
        site.check.find_for_append(header)


def test_a_token_is_revoked_once_and_only_in_its_workspace(site: Site) -> None:
    _, token_id = site.make("admin")
    with pytest.raises(NotFound):
        site.here.tokens.revoke(everything(site.key + 1, ADA), token_id)
    site.here.tokens.revoke(site.by, token_id)
    with pytest.raises(NotFound):
        site.here.tokens.revoke(site.by, token_id)


def test_a_token_ends_when_it_expires(site: Site) -> None:
    header, _ = site.make("activities:read", expires_at=now_us() + 60_000_000)
    assert site.check.find_for_append(header)
    with time_machine.travel((now_us() + 61_000_000) / 1e6, tick=False):
        for find in (site.check.find, site.check.find_for_append):
            with pytest.raises(Unauthorized, match="expired"):
                find(header)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("", "Send an API token"),
        ("Bearer", "Send an API token"),
        ("Basic dXNlcjpwYXNz", "Send an API token"),
        ("Bearer eyJhbGciOi", "not an API token"),
        ("Bearer tk_" + "x" * TOKEN_MAX, "not an API token"),
        ("Bearer tk_unknown", "not known"),
    ],
)
def test_what_is_no_token_is_refused(site: Site, header: str, said: str) -> None:
    for find in (site.check.find, site.check.find_for_append):
        with pytest.raises(Unauthorized, match=said):
            find(header)


def test_a_token_is_not_kept_and_not_in_the_log(site: Site) -> None:
    header, _ = site.make("activities:read")
    secret = header.removeprefix("Bearer ").encode()
    files = [file for file in site.here.data.iterdir() if file.is_file()]
    assert len(files) >= 2
    assert not any(secret in file.read_bytes() for file in files)
    listed = repr(site.here.tokens.listed(site.key))
    assert "ci" in listed
    assert secret.decode() not in listed


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_allows_itself_and_admin_allows_all(scope: Scope) -> None:
    one = Token("1", "ci", 1, frozenset({scope}), b"", None)
    assert one.allows(scope)
    assert Token("1", "ci", 1, frozenset({"admin"}), b"", None).allows(scope)
    for other in SCOPES:
        if scope not in (other, "admin"):
            with pytest.raises(Forbidden, match=rf"not the scope `{other}`; it has `{scope}`"):
                one.require(other)
