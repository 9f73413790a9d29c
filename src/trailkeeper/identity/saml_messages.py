"""The messages of SAML: making a request, and believing a response.

It is imported where SAML is used only, because its libraries come with the extra `saml`.
"""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta

from cryptography.x509 import Certificate
from minisaml.errors import MiniSAMLError
from minisaml.request import get_request_redirect_url
from minisaml.response import Response, TimeDriftLimits, validate_response
from minisignxml.errors import MiniSignXMLError

DRIFT = TimeDriftLimits(timedelta(seconds=60), timedelta(seconds=60))


class NotBelieved(ValueError):
    """A response that is not signed by the provider, or not for us, or not for now."""


def request_address(sign_on_url: str, entity_id: str, acs_url: str, request_id: str) -> str:
    """The provider's address with a request to log somebody in."""
    return get_request_redirect_url(
        saml_endpoint=sign_on_url,
        expected_audience=entity_id,
        acs_url=acs_url,
        request_id=request_id,
    )


def believed(response: str, certificate: Certificate, issuer: str, audience: str) -> Response:
    """What a response says, as far as it is signed. Raises NotBelieved."""
    _check_plain(response)
    try:
        return validate_response(
            data=response,
            certificate=certificate,
            expected_audience=audience,
            idp_issuer=issuer,
            allowed_time_drift=DRIFT,
        )
    # The XML library's errors are SyntaxErrors.
    except (
        MiniSAMLError,
        MiniSignXMLError,
        SyntaxError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
    ) as error:
        raise NotBelieved(type(error).__name__) from None


def _check_plain(response: str) -> None:
    """No document type, in no encoding: entities could grow without end."""
    try:
        xml = base64.b64decode(response, validate=True)
    except binascii.Error:
        raise NotBelieved("not base64") from None
    if b"<!" in xml or b"\0" in xml:
        raise NotBelieved("document type")
