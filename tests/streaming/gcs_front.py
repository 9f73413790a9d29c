"""What fake-gcs-server lacks of Google Cloud Storage: uploads by the XML API, and keys.

A PUT becomes an upload by the JSON API, which the emulator has, with its condition
(https://cloud.google.com/storage/docs/xml-api/put-object-upload,
https://cloud.google.com/storage/docs/json_api/v1/objects/insert); everything else is passed on as
it is. Each request must carry a token that the service account has signed itself
(https://google.aip.dev/auth/4111).
"""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

ACCOUNT = "streams@project.iam.gserviceaccount.com"
DENIED = (
    b"<?xml version='1.0' encoding='UTF-8'?><Error><Code>AuthenticationRequired</Code>"
    b"<Message>Authentication required.</Message></Error>"
)


def new_key() -> tuple[RSAKey, str]:
    """A service account's key, and the file that Google's console gives for it."""
    key = RSAKey.generate_key(2048)
    file = {
        "type": "service_account",
        "client_email": ACCOUNT,
        "private_key_id": "1",
        "private_key": key.as_pem(private=True).decode(),
    }
    return key, json.dumps(file, indent=2)


class GcsFront:
    """Stands before an emulator until it is closed."""

    def __init__(self, emulator: str, key: RSAKey) -> None:
        self._http = httpx.Client(base_url=emulator, timeout=30, verify=False)
        self._key = key
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self._reply(outer.reply(self.command, self.path, dict(self.headers), body))

            do_GET = do_HEAD = do_DELETE = do_PUT  # noqa: N815 # the library looks for these names

            def _reply(self, answer: httpx.Response) -> None:
                self.send_response(answer.status_code)
                for name in ("Content-Type", "ETag", "X-Goog-Generation", "Last-Modified"):
                    if name in answer.headers:
                        self.send_header(name, answer.headers[name])
                length = answer.headers.get("Content-Length", "0")
                is_head = self.command == "HEAD"
                self.send_header("Content-Length", length if is_head else str(len(answer.content)))
                self.end_headers()
                if not is_head:
                    self.wfile.write(answer.content)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A client that went away is none of its business."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._http.close()

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        fields = {name.lower(): value for name, value in headers.items()}
        if not self._knows(fields.get("authorization", "")):
            return httpx.Response(401, content=DENIED, headers={"Content-Type": "application/xml"})
        if method != "PUT":
            return self._http.request(method, path)
        bucket, _, name = urlsplit(path).path.lstrip("/").partition("/")
        return self._upload(bucket, unquote(name), fields, body)

    def _upload(
        self, bucket: str, name: str, fields: dict[str, str], body: bytes
    ) -> httpx.Response:
        about = {"name": name, "contentType": fields.get("content-type", "")}
        parts = (
            b"--part\r\nContent-Type: application/json\r\n\r\n" + json.dumps(about).encode(),
            b"\r\n--part\r\nContent-Type: application/octet-stream\r\n\r\n"
            + body
            + b"\r\n--part--\r\n",
        )
        params = {"uploadType": "multipart"}
        if (generation := fields.get("x-goog-if-generation-match")) is not None:
            params["ifGenerationMatch"] = generation
        answer = self._http.post(
            f"/upload/storage/v1/b/{bucket}/o",
            params=params,
            content=b"".join(parts),
            headers={"Content-Type": "multipart/related; boundary=part"},
        )
        if answer.is_error:
            return answer
        made = answer.json()
        return httpx.Response(
            200, headers={"ETag": f'"{made["etag"]}"', "X-Goog-Generation": made["generation"]}
        )

    def _knows(self, authorization: str) -> bool:
        try:
            claims = jwt.decode(authorization.removeprefix("Bearer "), self._key, ["RS256"]).claims
        except (JoseError, ValueError):
            return False
        return (
            claims["iss"] == claims["sub"] == ACCOUNT
            and claims["scope"] == "https://www.googleapis.com/auth/devstorage.read_write"
            and claims["iat"] - 60 < time.time() < claims["exp"]
        )
