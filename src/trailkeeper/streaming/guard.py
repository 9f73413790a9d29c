"""Keeps what people may configure from reaching addresses inside: SSRF.

A name is resolved here, every address it has is checked, and the connection goes to an address that
was checked: it cannot come to mean another one in between.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpcore
import httpx

from trailkeeper.streaming.guard_stream import TimedStream

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

EMBEDDING = (
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("64:ff9b:1::/48"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),
    (ipaddress.IPv6Network("::/96"), 0),
)
"""Networks whose addresses hold an IPv4 address, and how many bits stand behind that."""

TIMEOUT = httpx.Timeout(30.0, connect=10.0, pool=10.0)


class Refused(OSError):
    """An address that must not be called."""


class Guard:
    """Lets through addresses that are globally reachable, and those in `allowed`; and to files
    below `folders`, and nowhere else. Raises ValueError for what is no network or no absolute
    path."""

    def __init__(self, allowed: Iterable[str] = (), folders: Iterable[str] = ()) -> None:
        self._allowed: list[Network] = [ipaddress.ip_network(one) for one in allowed]
        self.folders = tuple(Path(one) for one in folders)
        for folder in self.folders:
            if not folder.is_absolute():
                raise ValueError(f"{folder} is no absolute path")

    def permits(self, address: Address) -> bool:
        if any(
            address in network for network in self._allowed if network.version == address.version
        ):
            return True
        inner = _embedded(address)
        if inner is not None:
            return self.permits(inner)
        # Multicast counts as global for ipaddress.
        return address.is_global and not address.is_multicast and not address.is_reserved

    def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of a host, each of which may be called. Raises Refused if one may not,
        OSError if there is none."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError:
            raise OSError(f"{host[:100]!r} is no name that a host may have") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            self.check(host, address)
        return addresses

    def check(self, host: str, address: str) -> None:
        """Raises Refused if that address of a host may not be called."""
        if not self.permits(ipaddress.ip_address(address.partition("%")[0])):
            raise Refused(
                f"{host} is at {address}, an address that streams may not reach"
                " (see the setting stream_allowed_networks)"
            )

    def connect(self, host: str, port: int, timeout_s: float) -> socket.socket:
        """A TCP connection to one of the host's addresses. Raises OSError."""
        last: OSError | None = None
        for address in self.resolve(host, port):
            try:
                return socket.create_connection((address, port), timeout_s)
            except OSError as error:
                last = error
        raise last or OSError(f"{host} has no address")

    def client(self, *, tls: ssl.SSLContext | None = None, **options: Any) -> httpx.Client:
        """An HTTP client that connects by this guard, follows no redirects, takes no proxy from the
        environment, and has time-outs on all phases."""
        return httpx.Client(
            transport=_Transport(self, tls or ssl.create_default_context()),
            timeout=TIMEOUT,
            follow_redirects=False,
            trust_env=False,
            **options,
        )


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    for network, behind in EMBEDDING:
        if address in network and int(address) > 1:
            return ipaddress.IPv4Address((int(address) >> behind) & 0xFFFF_FFFF)
    return None


class _Transport(httpx.HTTPTransport):
    def __init__(self, guard: Guard, tls: ssl.SSLContext) -> None:
        super().__init__(verify=tls, trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls, network_backend=_Backend(guard), max_connections=8
        )


class _Backend(httpcore.SyncBackend):
    """The library's own way to connect, but only to addresses that were checked."""

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self._guard = guard

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = self._guard.resolve(host, port)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        return TimedStream(
            super().connect_tcp(addresses[0], port, timeout, local_address, socket_options)
        )
