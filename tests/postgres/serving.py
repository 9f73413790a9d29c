"""Several servers of one installation on PostgreSQL, and senders that never stop."""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from tests.conftest import OWNER, PASSWORD, Site, activity

from trailkeeper.installation import KEY_FILE, create, opened

PATH = "/api/v1/activities"


def site_on(url: str, data: Path) -> Site:
    """An installation on this database, not served yet."""
    data.mkdir(parents=True)
    (data / "trailkeeper.toml").write_text(f'database_url = "{url}"\n')
    create(data)
    with opened(data) as installation:
        installation.workspaces.create("Acme", OWNER, "Ada Admin", PASSWORD)
    site = Site(data, "")
    site.token = site.new_token("activities:write", "activities:read", "admin", name="tests")
    return site


def second_host(site: Site, data: Path) -> Site:
    """The same installation on another host: a folder with the key and the settings alone."""
    data.mkdir()
    for name in (KEY_FILE, "trailkeeper.toml"):
        shutil.copy(site.data / name, data)
    return replace(site, data=data, port=0, process=None)


@dataclass
class Senders:
    """Each sends activities with ids of its own to its server, one after the other, and each again
    until it is acknowledged. `wrong` are answers that were neither that nor a 503 with Retry-After.
    """

    sites: list[Site]
    each: int = 2
    acknowledged: dict[str, int] = field(default_factory=dict)
    refused: Counter[int] = field(default_factory=Counter)
    wrong: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._send, args=(site, f"{number}-{one}"))
            for number, site in enumerate(self.sites)
            for one in range(self.each)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def more(self, count: int) -> Callable[[], bool]:
        """Whether so many more are acknowledged than now."""
        goal = len(self.acknowledged) + count
        return lambda: len(self.acknowledged) >= goal

    def _send(self, site: Site, name: str) -> None:
        with site.http() as http:
            number = 0
            while not self._stop.is_set():
                id = f"{name}-{number}"
                try:
                    answer = http.post(PATH, json=activity(id=id), timeout=30)
                    read = http.get(PATH, params={"limit": 3}, timeout=30)
                except httpx.TransportError as error:
                    if site.process is not None:  # the server itself is there
                        self.wrong.append(repr(error))
                    return
                if read.status_code != 200 and not is_busy(read):
                    self.wrong.append((read.status_code, read.text))
                    return
                if answer.status_code in (200, 201):
                    self.acknowledged[id] = answer.json()["seq"]
                    number += 1
                elif is_busy(answer):
                    self.refused[503] += 1
                    self._stop.wait(0.05)
                else:
                    self.wrong.append((answer.status_code, answer.text))
                    return


def check_log(site: Site, acknowledged: dict[str, int]) -> int:
    """All that was acknowledged is there, with its seq, which are dense; returns how many are."""
    found: dict[str, int] = {}
    with site.http() as http:
        params: dict[str, Any] = {"limit": 1_000, "action": "recipe.stopped"}
        while True:
            answer = http.get(PATH, params=params)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found.update((one["id"], one["seq"]) for one in page["data"])
            if page["next_cursor"] is None:
                break
            params["cursor"] = page["next_cursor"]
        with opened(site.data) as installation:
            key = installation.workspaces.find(site.workspace)
            total = installation.reader.next_seq(key)
    missing = {id: seq for id, seq in acknowledged.items() if found.get(id) != seq}
    assert not missing, missing
    assert len(set(found.values())) == len(found)
    assert max(found.values()) < total
    return len(found)


def is_busy(answer: httpx.Response) -> bool:
    return answer.status_code == 503 and answer.headers.get("retry-after", "").isdigit()
