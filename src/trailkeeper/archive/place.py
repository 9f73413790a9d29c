"""Where an archive is kept: what a folder and an object store have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from trailkeeper.followers.follower import DeliveryFailed, Poison
from trailkeeper.streaming.destination import Answer
from trailkeeper.streaming.object_store import ObjectStore
from trailkeeper.streaming.packing import Packed


class Place(Protocol):
    """An opened place. Names are relative, with `/`. What it cannot do it says by
    DeliveryFailed."""

    def put(self, name: str, body: bytes, content_type: str) -> None:
        """Write what is never overwritten; durable on return. The same again is done already.
        Raises OtherContent where something else is there."""
        ...

    def overwrite(self, name: str, body: bytes, content_type: str) -> None:
        """Write in one step what may be there in another form."""
        ...

    def read(self, name: str) -> bytes:
        """Raises FileNotFoundError."""
        ...

    def remove(self, name: str) -> None:
        """Nothing where it is gone already."""
        ...

    def names(self, folder: str) -> list[str]:
        """All that stands below a folder, sorted."""
        ...

    def local(self, name: str) -> Path | None:
        """The file itself, where it is on this machine."""
        ...

    def test(self) -> Answer:
        """Write something small, read it and remove it; what came of that."""
        ...

    def close(self) -> None: ...


class StorePlace:
    """An object store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def put(self, name: str, body: bytes, content_type: str) -> None:
        try:
            self._store.put(Packed(name, body, content_type, []))
        except Poison as error:
            # For a stream it would be one message too many; without a day no archive is whole.
            raise DeliveryFailed(error.why, is_final=True) from None

    def overwrite(self, name: str, body: bytes, content_type: str) -> None:
        try:
            self._store.overwrite(Packed(name, body, content_type, []))
        except Poison as error:
            raise DeliveryFailed(error.why, is_final=True) from None

    def read(self, name: str) -> bytes:
        return self._store.read(name)

    def remove(self, name: str) -> None:
        self._store.remove(name)

    def names(self, folder: str) -> list[str]:
        return self._store.names(folder)

    def local(self, name: str) -> Path | None:
        del name
        return None

    def test(self) -> Answer:
        return self._store.test()

    def close(self) -> None:
        self._store.close()
