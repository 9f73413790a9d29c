"""TLS of destinations: certificates as they stand in settings."""

from __future__ import annotations

import re
import ssl
import tempfile
from pathlib import Path
from textwrap import wrap

from trailkeeper.errors import FieldError, InvalidInput

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)


def client_context(
    *, ca_certificate: str = "", client_certificate: str = "", client_key: str = ""
) -> ssl.SSLContext:
    """Verifies the server's certificate and name, by the system's authorities or, where there are
    some in `ca_certificate` (PEM), by those alone. With a client certificate it is shown to servers
    that ask. Raises InvalidInput with a pointer to the setting of the same name."""
    try:
        context = ssl.create_default_context(cadata=pem(ca_certificate) or None)
    except (ssl.SSLError, ValueError) as error:
        raise _wrong("ca_certificate", f"is no certificate that can be used: {error}") from None
    if client_certificate:
        _load(context, pem(client_certificate), pem(client_key))
    return context


def pem(text: str) -> str:
    """PEM blocks with the line breaks that they must have: forms of one line lose them."""
    blocks: list[str] = []
    for label, inner in _BLOCK.findall(text):
        if ":" in inner:  # with headers, whose lines only their author knows
            return text
        lines = wrap("".join(inner.split()), 64)
        blocks.append("\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", "")))
    return "".join(blocks) or text


def _load(context: ssl.SSLContext, certificate: str, key: str) -> None:
    # The library reads them from a file only.
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "client.pem"
        file.touch(mode=0o600)
        file.write_text(f"{certificate}\n{key}\n")
        try:
            # Without a password here it would ask for one on the terminal.
            context.load_cert_chain(file, password="")
        except (ssl.SSLError, OSError, ValueError) as error:
            raise _wrong("client_certificate", f"and its key cannot be used: {error}") from None


def _wrong(field: str, detail: str) -> InvalidInput:
    return InvalidInput(f"{field} {detail}", FieldError(detail, f"/{field}"))
