"""How far a moving has come, kept in the new database with the rows that it has made there."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, Text, inspect, select
from sqlalchemy.dialects.postgresql import insert

from trailkeeper.ledger.marker import DatabaseError
from trailkeeper.ledger.schema import workspace

_own = MetaData()

moving = Table("moving", _own, Column("installation", Text, primary_key=True))

moving_part = Table(
    "moving_part",
    _own,
    Column("part", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
)
"""A part goes on after its position."""


class Progress:
    """The parts that are moved. Each step is kept in the transaction that made its rows."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def begin(self, installation: str, shown: str) -> None:
        """Raises DatabaseError for a database with anything else in it."""
        if not inspect(self._db).has_table("moving"):
            if self._db.execute(select(workspace.c.key).limit(1)).first():
                raise DatabaseError(f"{shown} is not empty; name a new database to move to")
            _own.create_all(self._db)
            self._db.execute(moving.insert().values(installation=installation))
        there = self._db.execute(select(moving.c.installation)).scalar()
        if there != installation:
            raise DatabaseError(
                f"{shown} holds the beginning of another moving; name a new database to move to"
            )

    def position(self, part: str) -> int:
        """The position after which the part goes on; -1 at the beginning."""
        asked = select(moving_part.c.position).where(moving_part.c.part == part)
        found = self._db.execute(asked).scalar()
        return -1 if found is None else found

    def keep(self, part: str, position: int) -> None:
        stated = insert(moving_part).values(part=part, position=position)
        self._db.execute(
            stated.on_conflict_do_update(
                index_elements=[moving_part.c.part], set_={"position": position}
            )
        )

    def drop(self) -> None:
        _own.drop_all(self._db)
