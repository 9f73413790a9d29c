"""A long log on PostgreSQL in little time: some activities are recorded, and then multiplied."""

from __future__ import annotations

import msgspec
from tests.bench import sample
from tests.conftest import Site

from trailkeeper.activity import ActivityInput, now_us
from trailkeeper.installation import opened
from trailkeeper.ledger.postgresql.engine import connect

SEED = 2_000
_KEY_STEP = 1 << 42
"""About 72 minutes, which is longer than the time that the first ones take."""

_AGE_US = 30 * 86_400_000_000

_MORE = """
INSERT INTO activity SELECT workspace, key + %(step)s, seq + %(seq)s, received_at, action, actor,
    target, id || '-' || %(n)s, content_hash, public, salt, personal
FROM activity WHERE seq < %(start)s
"""

_MORE_ENTRIES = """
INSERT INTO activity_index SELECT i.workspace, i.key + %(step)s, i.action, i.actor, i.target,
    i.failed, i.words
FROM activity_index i JOIN activity a USING (workspace, key) WHERE a.seq < %(start)s
"""

_MORE_IDS = """
INSERT INTO activity_id SELECT workspace, gen_random_uuid(), seq + %(seq)s, key + %(step)s,
    received_at, content_hash
FROM activity_id WHERE seq < %(start)s
"""


def fill(site: Site, url: str, count: int) -> None:
    """At least `count` activities; the seqs and ids inside their bytes are not the rows' own."""
    with opened(site.data) as installation:
        key = installation.workspaces.find(site.workspace)
        made = msgspec.convert(
            list(sample.activities(SEED, start_us=now_us() - _AGE_US)), list[ActivityInput]
        )
        installation.writer.append(key, [installation.recorder.prepare(key, one) for one in made])
        start = installation.reader.next_seq(key)
    with connect(url) as database:
        for n in range(1, -(-(count - start) // start) + 1):
            values = {"step": n * _KEY_STEP, "seq": n * start, "n": str(n), "start": start}
            with database.transaction():
                for statement in (_MORE, _MORE_ENTRIES, _MORE_IDS):
                    database.execute(statement, values)
        database.execute("UPDATE workspace SET next_seq = (SELECT count(*) FROM activity)")
        database.execute("ANALYZE")
