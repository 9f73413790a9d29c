"""A user agent in short words: five browsers, five systems, else the product's own name."""

from __future__ import annotations

import re
from functools import lru_cache

# The order matters: Edge and Opera say Chrome as well, and all of them say Safari.
_BROWSERS = (
    ("Edge", re.compile(r"\b(?:Edg|EdgA|EdgiOS)/(\d+)")),
    ("Opera", re.compile(r"\b(?:OPR|Opera)/(\d+)")),
    ("Firefox", re.compile(r"\b(?:Firefox|FxiOS)/(\d+)")),
    ("Chrome", re.compile(r"\b(?:Chrome|CriOS|HeadlessChrome)/(\d+)")),
    ("Safari", re.compile(r"\bVersion/(\d+)[\d.]* (?:Mobile/\S+ )?Safari/")),
)
_SYSTEMS = (
    ("iOS", re.compile(r"\b(?:iPhone|iPad|iPod)\b")),
    ("Android", re.compile(r"\bAndroid\b")),
    ("Windows", re.compile(r"\bWindows\b")),
    ("macOS", re.compile(r"\bMac(?:intosh| OS X)\b")),
    ("Linux", re.compile(r"\b(?:Linux|X11)\b")),
)
_PRODUCT = re.compile(r"^([A-Za-z][A-Za-z0-9 ._+-]{0,40}?)(?:/v?(\d+(?:\.\d+)?)|[\s(;]|$)")


@lru_cache(maxsize=1_024)
def describe(user_agent: str | None, *, version: bool = False) -> str | None:
    """`Chrome on macOS`, `curl`; with `version`, `Chrome 130 on macOS`. None where unknown."""
    if not user_agent:
        return None
    system = next((name for name, shape in _SYSTEMS if shape.search(user_agent)), None)
    for name, shape in _BROWSERS:
        if found := shape.search(user_agent):
            browser = f"{name} {found[1]}" if version else name
            return f"{browser} on {system}" if system else browser
    if (product := _PRODUCT.match(user_agent)) and product[1] != "Mozilla":
        name = product[1].strip()
        return f"{name} {product[2]}" if version and product[2] else name
    return system
