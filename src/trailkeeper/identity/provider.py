"""What single sign-on has in common, by whatever protocol."""

from __future__ import annotations

from msgspec import Struct


class ProviderError(Exception):
    """The provider cannot be used, or its answer is not to be believed; the message is for the log
    and for whoever sets it up."""


class Identity(Struct, frozen=True):
    """Who the provider says it is. `email` is in lower case."""

    subject: str
    email: str
    name: str = ""
