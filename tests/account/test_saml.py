"""Single sign-on through SAML, with responses that an identity provider of the test signs."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree
from minisignxml.sign import sign
from tests.account.forms import Browser, activities, hidden
from tests.account.world import Person, World, open_world
from tests.conftest import Site, free_port, make_site

PAGE = "/settings/single-sign-on"
ENTITY = "https://idp.example.com/metadata"
ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"


def make_certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example.com")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, SHA256())
    )


@dataclass
class IdentityProvider:
    """Signs what it is asked to."""

    key: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )

    def __post_init__(self) -> None:
        self.certificate = make_certificate(self.key)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def response(self, request_id: str, audience: str, email: str, **changed: str) -> bytes:
        """A response with a signed assertion."""
        now = datetime.now(UTC)
        values = {
            "issuer": ENTITY,
            "from": stamp(now - timedelta(minutes=1)),
            "until": stamp(now + timedelta(minutes=5)),
            **changed,
        }
        assertion = etree.fromstring(
            f"""<saml:Assertion xmlns:saml="{ASSERTION}" ID="_assertion" Version="2.0"
  IssueInstant="{stamp(now)}"><saml:Issuer>{values["issuer"]}</saml:Issuer>
<saml:Subject><saml:NameID>{email}</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
<saml:SubjectConfirmationData InResponseTo="{request_id}" NotOnOrAfter="{values["until"]}"/>
</saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="{values["from"]}" NotOnOrAfter="{values["until"]}">
<saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction>
</saml:Conditions><saml:AuthnStatement AuthnInstant="{stamp(now)}"/></saml:Assertion>"""
        )
        signed = sign(element=assertion, private_key=self.key, certificate=self.certificate)
        return (
            b'<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_response"'
            b' Version="2.0">' + signed + b"</samlp:Response>"
        )


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Setting:
    world: World
    provider: IdentityProvider

    @property
    def audience(self) -> str:
        return f"{self.world.site.base_url}/sso"

    def start(self, browser: Browser) -> str:
        """Go to the provider; the request's id."""
        link = re.search(r"/sso/([0-9a-f-]{36})<", self.world.owner.get(PAGE).text)
        assert link
        answer = browser.get(f"/sso/{link[1]}")
        assert answer.status_code == 303, answer.text
        address = urlsplit(answer.headers["location"])
        assert address.netloc == "127.0.0.1:9"
        packed = base64.b64decode(parse_qs(address.query)["SAMLRequest"][0])
        request = etree.fromstring(zlib.decompress(packed, -15))
        assert request.get("AssertionConsumerServiceURL") == f"{self.audience}/saml"
        return request.attrib["ID"]

    def come_back(self, browser: Browser, response: bytes) -> httpx.Response:
        """As the provider's page sends the browser back, and ours once more."""
        encoded = base64.b64encode(response).decode()
        other_site = httpx.Client(base_url=browser.site.base_url, verify=False)  # sends no cookies
        with other_site as http:
            page = http.post(
                "/sso/saml",
                data={"SAMLResponse": encoded},
                headers={"Origin": "https://idp.example.com", "Sec-Fetch-Site": "cross-site"},
            )
        assert page.status_code == 200, page.text
        browser.http.cookies.update(page.cookies)
        fields = {"form": hidden(page, "form"), "SAMLResponse": hidden(page, "SAMLResponse")}
        return browser.http.post("/sso/saml", data=fields)

    def come_in(self, person: Person) -> httpx.Response:
        request_id = self.start(person.browser)
        response = self.provider.response(request_id, self.audience, person.email)
        return self.come_back(person.browser, response)


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    site: Site = make_site(tmp_path_factory.mktemp("saml") / "data")
    site.port = free_port()
    site.environment = {
        "TRAILKEEPER_SSO_ALLOWED_NETWORKS": "127.0.0.0/8",
        "TRAILKEEPER_PUBLIC_URL": site.base_url,
    }
    site.start()
    world = open_world(site)
    made = Setting(world, IdentityProvider())
    try:
        answer = world.owner.post(PAGE, **form(made.provider.pem))
        assert answer.status_code == 303, answer.text
        yield made
    finally:
        world.close()
        site.stop()


def form(certificate: str) -> dict[str, str]:
    return {
        "enabled": "yes",
        "kind": "saml",
        "issuer": ENTITY,
        "sign_on_url": "http://127.0.0.1:9/sign-on",
        "certificate": certificate,
        "domains": "example.com",
    }


def test_a_collaborator_logs_in_through_saml(setting: Setting) -> None:
    person = setting.world.person("Admin", logged_in=False)
    answer = setting.come_in(person)
    assert answer.status_code == 303, answer.text
    assert person.get("/audit").status_code == 200
    assert person.activity("user.logged_in")["details"] == {
        "activity": "sso_login",
        "provider": "127.0.0.1",
    }


def test_who_is_no_collaborator_does_not_come_in(setting: Setting) -> None:
    browser = setting.world.browser()
    request_id = setting.start(browser)
    response = setting.provider.response(request_id, setting.audience, "stranger@example.com")
    answer = setting.come_back(browser, response)
    assert answer.status_code == 401
    assert "no collaborator" in answer.text
    failed = activities(setting.world.site, action="user.login_failed")[0]
    assert failed["details"]["activity"] == "sso_login"


def test_a_response_is_good_once_and_only_in_the_browser_that_asked(setting: Setting) -> None:
    person = setting.world.person(logged_in=False)
    request_id = setting.start(person.browser)
    kept = person.http.cookies["trailkeeper_sso"]
    response = setting.provider.response(request_id, setting.audience, person.email)
    assert setting.come_back(person.browser, response).status_code == 303
    again = setting.world.browser()
    assert setting.come_back(again, response).status_code == 401  # it has asked for nothing
    again.http.cookies.set("trailkeeper_sso", kept)
    answer = setting.come_back(again, response)
    assert answer.status_code == 401
    assert "used already" in answer.text


def _by_another_key(setting: Setting, request_id: str, email: str) -> bytes:
    return IdentityProvider().response(request_id, setting.audience, email)


def _altered(setting: Setting, request_id: str, email: str) -> bytes:
    made = setting.provider.response(request_id, setting.audience, "x@example.com")
    return made.replace(b"x@example.com", email.encode())


def _unsigned(setting: Setting, request_id: str, email: str) -> bytes:
    made = setting.provider.response(request_id, setting.audience, email)
    return re.sub(rb"<(ds:)?Signature.*</(ds:)?Signature>", b"", made, flags=re.DOTALL)


def _wrapped(setting: Setting, request_id: str, email: str) -> bytes:
    """The signed assertion of somebody else, hidden beside one that is not signed."""
    made = setting.provider.response(request_id, setting.audience, "x@example.com")
    signed = made[made.index(b"<saml:Assertion") : made.index(b"</samlp:Response>")]
    forged = re.sub(rb"<(ds:)?Signature.*</(ds:)?Signature>", b"", signed, flags=re.DOTALL)
    forged = forged.replace(b"x@example.com", email.encode()).replace(b"_assertion", b"_forged")
    return made.replace(signed, forged + b"<Extensions>" + signed + b"</Extensions>")


def _with_entities(setting: Setting, request_id: str, email: str) -> bytes:
    made = setting.provider.response(request_id, setting.audience, email)
    return b'<!DOCTYPE x [<!ENTITY a "b">]>' + made


def _for_another_audience(setting: Setting, request_id: str, email: str) -> bytes:
    return setting.provider.response(request_id, "https://other.example.com/sso", email)


def _of_another_issuer(setting: Setting, request_id: str, email: str) -> bytes:
    issuer = "https://evil.example.com"
    return setting.provider.response(request_id, setting.audience, email, issuer=issuer)


def _to_another_request(setting: Setting, _request_id: str, email: str) -> bytes:
    return setting.provider.response("_another", setting.audience, email)


def _too_late(setting: Setting, request_id: str, email: str) -> bytes:
    until = stamp(datetime.now(UTC) - timedelta(minutes=2))
    return setting.provider.response(request_id, setting.audience, email, until=until)


def _too_early(setting: Setting, request_id: str, email: str) -> bytes:
    start = stamp(datetime.now(UTC) + timedelta(minutes=3))
    return setting.provider.response(request_id, setting.audience, email, **{"from": start})


def _of_another_domain(setting: Setting, request_id: str, _email: str) -> bytes:
    return setting.provider.response(request_id, setting.audience, "ada@elsewhere.example")


def _nonsense(_setting: Setting, _request_id: str, _email: str) -> bytes:
    return b"<html>"


LIES = [
    _by_another_key,
    _altered,
    _unsigned,
    _wrapped,
    _with_entities,
    _for_another_audience,
    _of_another_issuer,
    _to_another_request,
    _too_late,
    _too_early,
    _of_another_domain,
    _nonsense,
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_response_that_is_not_to_be_believed_lets_nobody_in(
    setting: Setting, lie: Callable[[Setting, str, str], bytes]
) -> None:
    owner = setting.world.owner
    browser = setting.world.browser()
    request_id = setting.start(browser)
    answer = setting.come_back(browser, lie(setting, request_id, owner.email))
    assert answer.status_code == 401, answer.text
    assert "trailkeeper_session" not in browser.http.cookies


def test_a_comment_in_the_address_does_not_make_another_of_it(setting: Setting) -> None:
    person = setting.world.person(logged_in=False)
    browser = setting.world.browser()
    request_id = setting.start(browser)
    email = f"{person.email}.evil.example"
    made = setting.provider.response(request_id, setting.audience, email)
    commented = made.replace(email.encode(), f"{person.email}<!-- -->.evil.example".encode())
    assert setting.come_back(browser, commented).status_code == 401


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"certificate": "none"}, "is no certificate in PEM"),
        ({"certificate": ""}, "is no certificate in PEM"),
        ({"sign_on_url": ""}, "is needed"),
        ({"sign_on_url": "javascript:alert(1)"}, "not an address"),
        ({"issuer": ""}, "is needed"),
    ],
)
def test_wrong_settings_are_refused(setting: Setting, changed: dict[str, str], said: str) -> None:
    answer = setting.world.owner.post(PAGE, **{**form(setting.provider.pem), **changed})
    assert answer.status_code == 422
    assert said in unescape(answer.text)


def test_a_new_certificate_is_recorded_by_its_fingerprint(setting: Setting) -> None:
    old = setting.provider
    new = IdentityProvider()
    try:
        assert setting.world.owner.post(PAGE, **form(new.pem)).status_code == 303
        found = activities(setting.world.site, action="sso.settings_updated")[0]
        (change,) = found["changes"]
        assert change["field"] == "certificate"
        assert change["new"] == new.certificate.fingerprint(SHA256()).hex()
    finally:
        setting.world.owner.post(PAGE, **form(old.pem))
