"""Which values each field of the filter may have."""

from __future__ import annotations

import ipaddress
import re

from trailkeeper.query.filters import Field


def check_value(field: Field, value: str) -> str | None:
    """What is wrong with a value of this field, or None."""
    if len(value) > 255:
        return "is longer than 255 characters"
    if field == "outcome" and value not in ("success", "failure"):
        return f"is `{value}`, must be `success` or `failure`"
    if field == "ip":
        try:
            ipaddress.ip_network(value, strict=False)
        except ValueError:
            return f"`{value}` is no IP address or CIDR block such as 203.0.113.0/24"
    if field == "action" and not re.fullmatch(r"[a-z][a-z0-9_.-]*(\.\*)?", value):
        return f"`{value}` is no action such as `recipe.stopped` or `recipe.*`"
    return None
