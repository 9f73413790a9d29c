"""Who plays in the demo, and from where. Addresses and networks are those kept for examples."""

from __future__ import annotations

from msgspec import Struct

from trailkeeper.activity import Context


class Person(Struct, frozen=True):
    """Somebody with a role of the workspace, a browser and an address."""

    name: str
    email: str
    role: str
    ip_address: str
    user_agent: str

    @property
    def context(self) -> Context:
        return Context(ip_address=self.ip_address, user_agent=self.user_agent)


CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)
CHROME_MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
EDGE = f"{CHROME} Edg/142.0.0.0"
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.6 Safari/605.1.15"
)
SCRIPT = "python-requests/2.32.5"

API_DESIGNER = "API designer"

DANA = Person("Dana Whitfield", "dana.whitfield@example.com", "Admin", "203.0.113.10", CHROME_MAC)
MARCO = Person("Marco Ruiz", "marco.ruiz@example.com", "Analyst", "203.0.113.24", FIREFOX)
PRIYA = Person("Priya Nair", "priya.nair@example.com", "Analyst", "2001:db8:40::1f", EDGE)
TOM = Person("Tom Becker", "tom.becker@example.com", "Operator", "198.51.100.61", CHROME)
LENA = Person("Lena Fischer", "lena.fischer@example.com", API_DESIGNER, "192.0.2.45", SAFARI)
SAM = Person("Sam Okafor", "sam.okafor@example.com", "Analyst", "192.0.2.90", CHROME)

OWNER_ADDRESS = Context(ip_address="203.0.113.5", user_agent=SAFARI)
STRANGER = Context(ip_address="198.51.100.200", user_agent=SCRIPT)
