"""A long log in little time: some activities go through the writer, and are then multiplied."""

from __future__ import annotations

from contextlib import closing

import msgspec
import pysqlite3.dbapi2 as driver
from tests.bench import sample
from tests.conftest import Site

from trailkeeper.activity import ActivityInput, now_us
from trailkeeper.installation import opened

SEED = 2_000
_KEY_STEP = 1 << 42
"""About 72 minutes, which is longer than the time that the first ones take."""

AGE_US = 30 * 86_400_000_000
"""Not so long that retention would remove them."""

USERS = 3


def fill(site: Site, count: int) -> None:
    """At least `count` activities, spread over three users, with the bytes of real ones; the seqs
    and ids inside the bytes are not the rows' own. What is searched is the actor only."""
    with opened(site.data) as installation:
        key = installation.workspaces.find(site.workspace)
        made = [
            {**one, "actor": {"type": "user", "id": str(n % USERS), "name": "User"}}
            for n, one in enumerate(sample.activities(SEED, start_us=now_us() - AGE_US))
        ]
        prepared = [
            installation.recorder.prepare(key, msgspec.convert(one, ActivityInput)) for one in made
        ]
        installation.writer.append(key, prepared)
    with closing(driver.connect(str(site.data / "trailkeeper.db"))) as database:
        (start,) = database.execute("SELECT next_seq FROM workspace").fetchone()
        times = -(-(count - start) // start)
        for n in range(1, times + 1):
            database.execute(
                "INSERT INTO activity SELECT key + :step, workspace, seq + :seq, id || '-' || :n,"
                " received_at, action, actor, target, content_hash,"
                " CAST(replace(CAST(public AS TEXT), '{\"id\":\"', '{\"id\":\"' || :n || '-')"
                " AS BLOB), salt, personal FROM activity WHERE seq < :start",
                {"step": n * _KEY_STEP, "seq": n * start, "n": n, "start": start},
            )
        database.execute(
            "INSERT INTO activity_index (rowid, body) SELECT key,"
            " char(0xE000) || workspace || ' ' || char(0xE001) || actor"
            " FROM activity WHERE seq >= ?",
            (start,),
        )
        database.execute("UPDATE workspace SET next_seq = (SELECT count(*) FROM activity)")
        database.commit()
