"""Object stores: what destinations in S3, Google Cloud Storage and Azure have in common.

An object is written once and never overwritten: with the condition that there is none of its name
(`If-None-Match: *`, at Google `x-goog-if-generation-match: 0`) where the store knows that, else
after a look. Names are made of the activities' seqs, so that after a failure in the middle the same
objects are tried again; one that is there with the same content is done.

Whatever the environment says of credentials, addresses and proxies, only what the stream's settings
say is used, and connections go where the Guard permits.
"""

from __future__ import annotations

import hashlib
import secrets as random
import threading
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import ObjectStoreMethods

from trailkeeper.errors import InvalidInput
from trailkeeper.followers.follower import DeliveryFailed, Poison
from trailkeeper.streaming.destination import (
    Answer,
    Compression,
    Opening,
    Packing,
    Parcel,
    shortened,
)
from trailkeeper.streaming.guard_proxy import admit
from trailkeeper.streaming.object_errors import NOT_IMPLEMENTED, Said, failure, said
from trailkeeper.streaming.object_settings import checked_prefix
from trailkeeper.streaming.packing import Packed, check_packing, pack, unpacked

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

CONNECT_S = 15
TIMEOUT_S = 40
"""One request. After RETRY_S there is no other try, so that one object takes less than a minute."""

RETRY_S = 10
RETRIES = 1
"""The follower tries again by itself, and knows better when."""

AT_ONCE = 8
"""Objects of one parcel that are on their way at the same time, where each message is one."""

PATH_MAX_BYTES = 1_000
"""S3 and Azure take 1,024 (UTF-8)."""

PARCEL_MESSAGES = 10_000
PARCEL_BYTES = 8 * 1024 * 1024
MESSAGE_BYTES = 45 * 1024 * 1024
LINGER_S = 1.0
"""Fewer and fuller objects are worth waiting for: each costs."""

Connect = Callable[["ClientConfig", "RetryConfig"], ObjectStoreMethods]
RAISED = (BaseError, OSError, ValueError)
"""By obstore."""


class OtherContent(DeliveryFailed):
    """There is an object of that name already, with other content."""


class ObjectStore:
    """A destination. `server` is the URL of the store's server, `prefix` what stands before all
    names; what is in `hidden` is shown to nobody."""

    def __init__(
        self,
        opening: Opening,
        connect: Connect,
        *,
        server: str,
        prefix: str,
        hidden: tuple[str, ...],
        root_certificate: str = "",
    ) -> None:
        check_packing(opening.packing)
        self._prefix = checked_prefix(prefix)
        self._packing: Packing = opening.packing
        self._compression: Compression = opening.compression
        self._pass = admit(opening.guard, server)
        self._hidden = (*hidden, self._pass.url)
        self._knows_conditions = True
        options: ClientConfig = {
            "proxy_url": self._pass.url,
            "proxy_excludes": "",
            "allow_http": server.startswith("http://"),
            "allow_invalid_certificates": False,
            "connect_timeout": timedelta(seconds=CONNECT_S),
            "timeout": timedelta(seconds=TIMEOUT_S),
            "pool_idle_timeout": timedelta(seconds=30),
            "user_agent": "trailkeeper",
        }
        if root_certificate:
            options["root_certificate"] = root_certificate
        retries: RetryConfig = {
            "max_retries": RETRIES,
            "retry_timeout": timedelta(seconds=RETRY_S),
        }
        try:
            self._store = connect(options, retries)
        except RAISED as error:
            self._pass.close()
            detail = said(error, hidden=self._hidden).words
            raise InvalidInput(f"The object store cannot be used: {detail}") from None

    def deliver(self, parcel: Parcel) -> None:
        """One object after the other, or AT_ONCE at a time where each message is one."""
        objects = pack(parcel, self._packing, self._compression)
        if self._packing == "each":
            self._put_some(objects)
        else:
            for one in objects:
                self._put(one)

    def test(self) -> Answer:
        """Write a small object, read it, and remove it; a key that may do all but the last will do.
        Where writing is refused, whether the store lets itself be listed helps to find out why."""
        path = f"{self._prefix}trailkeeper-test-{random.token_hex(6)}.txt"
        body = b"Trailkeeper can write here. This object may be removed.\n"
        try:
            self._write(Packed(path, body, "text/plain", []))
        except RAISED as error:
            what = self._said(error)
            return _answer(f"{what.words}. {self._listed()}" if what.status else what.words)
        try:
            there = bytes(self._store.get(path).bytes())
        except RAISED as error:
            return _answer(
                f"{path} was written, but cannot be read, which is needed to tell after a failure"
                f" whether an object is there already. {self._said(error).words}"
            )
        if there != body:
            return _answer(f"{path} was written, but holds something else")
        try:
            self._store.delete(path)
        except RAISED as error:
            return _answer(f"{path} was written, and stays. {self._said(error).words}", ok=True)
        return _answer(f"{path} was written, read and removed", ok=True)

    def put(self, one: Packed) -> None:
        """Write an object that is never overwritten; one that is there with the same content is
        done. Raises DeliveryFailed, and OtherContent where it has other content."""
        self._put(one)

    def overwrite(self, one: Packed) -> None:
        """Raises DeliveryFailed."""
        named = Packed(self._prefix + one.path, one.body, one.content_type, one.seqs)
        try:
            self._send(named, "overwrite")
        except RAISED as error:
            raise failure(self._said(error), one.seqs) from None

    def read(self, path: str) -> bytes:
        """An object, whole. Raises FileNotFoundError, DeliveryFailed."""
        try:
            return bytes(self._store.get(self._prefix + path).bytes())
        except FileNotFoundError:
            raise
        except RAISED as error:
            raise failure(self._said(error), []) from None

    def remove(self, path: str) -> None:
        """Nothing where it is gone already. Raises DeliveryFailed."""
        try:
            self._store.delete(self._prefix + path)
        except FileNotFoundError:
            return
        except RAISED as error:
            raise failure(self._said(error), []) from None

    def names(self, folder: str) -> list[str]:
        """What stands below a folder, by name. Raises DeliveryFailed."""
        try:
            # The library's types know of a further kind of result that is not installed.
            found = self._store.list(self._prefix + folder)  # pyright: ignore[reportUnknownMemberType]
            return sorted(one["path"].removeprefix(self._prefix) for some in found for one in some)
        except RAISED as error:
            raise failure(self._said(error), []) from None

    def close(self) -> None:
        self._pass.close()

    # --- Inside

    def _put_some(self, objects: Iterable[Packed]) -> None:
        """AT_ONCE at a time. After a failure no further one is begun. The threads do not keep the
        process from ending, which those of concurrent.futures would."""
        waiting = enumerate(objects)
        failed: list[tuple[int, Exception]] = []
        lock = threading.Lock()

        def work() -> None:
            while not failed:
                with lock:
                    number, one = next(waiting, (0, None))
                if one is None:
                    return
                try:
                    self._put(one)
                except Exception as error:  # noqa: BLE001 # it is raised below
                    failed.append((number, error))

        threads = [threading.Thread(target=work, daemon=True) for _ in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise min(failed, key=lambda one: one[0])[1]

    def _put(self, one: Packed) -> None:
        """Done on return. Raises DeliveryFailed, ParcelTooLarge, Poison."""
        named = Packed(self._prefix + one.path, one.body, one.content_type, one.seqs)
        if len(named.path.encode()) > PATH_MAX_BYTES:
            raise Poison(f"its name would have more than {PATH_MAX_BYTES} bytes", one.seqs)
        try:
            self._write(named)
        except AlreadyExistsError:
            self._compare(named)
        except RAISED as error:
            raise failure(self._said(error), one.seqs) from None

    def _write(self, one: Packed) -> None:
        """Raises AlreadyExistsError where there is an object of that name, and what else obstore
        raises."""
        if self._knows_conditions:
            try:
                return self._send(one, "create")
            except BaseError as error:
                if said(error).status != NOT_IMPLEMENTED:
                    raise
                self._knows_conditions = False
        try:
            self._store.head(one.path)
        except FileNotFoundError:
            return self._send(one, "overwrite")
        raise AlreadyExistsError(one.path)

    def _send(self, one: Packed, mode: Literal["create", "overwrite"]) -> None:
        attributes = {"Content-Type": one.content_type}
        self._store.put(one.path, one.body, attributes=attributes, mode=mode, use_multipart=False)

    def _compare(self, one: Packed) -> None:
        """Nothing where what is there is what was to be written. Raises DeliveryFailed."""
        try:
            same = self._is_there(one)
        except FileNotFoundError:
            raise DeliveryFailed(f"{one.path} was there, and is gone") from None
        except RAISED as error:
            what = self._said(error)
            words = f"{one.path} is there already, and cannot be read. {what.words}"
            raise DeliveryFailed(shortened(words), is_final=what.is_final) from None
        if not same:
            words = (
                f"There is an object {one.path} with other content. It is not overwritten:"
                " choose another prefix, or remove it"
            )
            raise OtherContent(shortened(words), is_final=True)

    def _is_there(self, one: Packed) -> bool:
        """By the ETag, which is the MD5 of an object unless a key of the customer's encrypts it,
        else byte for byte, else by what is inside: another version of a library packs otherwise."""
        there = self._store.head(one.path)
        md5 = hashlib.md5(one.body, usedforsecurity=False).hexdigest()
        if there["size"] == len(one.body) and (there["e_tag"] or "").strip('"') == md5:
            return True
        if there["size"] > 2 * len(one.body) + 1_024:
            return False
        body = bytes(self._store.get(one.path).bytes())
        if body == one.body:
            return True
        if self._packing == "parquet" or self._compression == "none":
            return False
        inside = unpacked(one.body, self._compression)
        return unpacked(body, self._compression, len(inside or b"") + 1) == inside

    def _listed(self) -> str:
        try:
            # The library's types know of a further kind of result that is not installed.
            found = self._store.list(self._prefix or None)  # pyright: ignore[reportUnknownMemberType]
            next(iter(found), None)
        except RAISED as error:
            return f"Listing: {self._said(error).words}"
        return "It can be listed, but not written to"

    def _said(self, error: Exception) -> Said:
        return said(error, self._pass.trouble, self._hidden)


def _answer(text: str, *, ok: bool = False) -> Answer:
    return Answer(ok, shortened(text))
