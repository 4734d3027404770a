"""The practice organisation's server on loopback: Exchange Web Services, the cloud, and an admin endpoint for tests."""

import json
import logging
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from mse_tui.sandbox.accounts import Accounts
from mse_tui.sandbox.admin import Admin
from mse_tui.sandbox.certificates import write_certificates
from mse_tui.sandbox.cloud.endpoint import CloudEndpoint
from mse_tui.sandbox.cloud.service import Cloud
from mse_tui.sandbox.cloud.tenant import tenant_of
from mse_tui.sandbox.company import company
from mse_tui.sandbox.content import MEAN_BYTES, render
from mse_tui.sandbox.ews.service import EwsService
from mse_tui.sandbox.faults import Fault, FaultKind, Faults
from mse_tui.sandbox.mailstore import MailStore
from mse_tui.sandbox.population import Extent, populate
from mse_tui.sandbox.wire import ConnectionProtocol, EwsEndpoint, Statistics

log = logging.getLogger(__name__)

EWS_PATH = "/EWS/Exchange.asmx"

_STATE = "server.json"
STORE_NAME = "organisation.db"
"""The mail store within the directory."""
_KEEP_ALIVE_SECONDS = 300


class SandboxServer:
    """One practice organisation, served on 127.0.0.1.

    `with SandboxServer(directory, people=3, messages=300) as server:` serves it in a thread; `serve()` does so until
    a signal ends it. Its directory keeps everything, passwords and port included, so that a server which is started
    again on it goes on where the last one was; people, messages and seed then are those it was made with.
    """

    def __init__(  # noqa: PLR0913 (each is a property of the server)
        self,
        directory: Path,
        *,
        people: int = 25,
        messages: int = 5_000,
        seed: int = 1,
        mean_bytes: int = MEAN_BYTES,
        port: int = 0,
        latency_ms: int = 0,
        tls: bool = False,
        tls_host: str | None = None,
        tls_expired: bool = False,
        faults: Iterable[Fault] = (),
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Open or make the organisation in `directory`; nothing is served yet.

        `port` 0 takes the one used last, if it is free. `tls_host` and `tls_expired` give the server a certificate
        for another host, or one that is out of date. `progress` is told the number of items while populating.
        """
        self.directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._state = _load_state(directory / _STATE)
        extent = Extent(people, messages, seed, mean_bytes)
        self.store = _open_store(directory / STORE_NAME, extent, progress)
        self.extent = Extent(**self.store.setting(0, "extent"))
        self.faults = Faults(faults)
        if latency_ms:
            self.faults.inject(FaultKind.LATENCY, milliseconds=latency_ms)
        self.statistics = Statistics()
        self.accounts = Accounts(bytes.fromhex(self._state["secret"]), company().service_address, self._primary)
        self.service = EwsService(self.store, faults=self.faults)
        self._endpoint = EwsEndpoint(self.service.handle, self.accounts, self.faults, self.statistics)
        self.cloud = Cloud(
            self._state["cloud"],
            company().cloud_domain,
            lambda: self.origin,
            lambda: tenant_of(self.store),
            self.accounts.address_of,
        )
        """Its cloud; applications sign in over HTTPS alone, so `tls` is needed for it to be of use."""
        self._cloud_endpoint = CloudEndpoint(self.cloud, self.faults, self.statistics)
        self._certificates: tuple[Path, Path, Path] | None = None
        if tls:
            self._certificates = write_certificates(directory, host=tls_host, expired=tls_expired)
        self._socket = _listen(port, self._state.get("port", 0))
        self.port: int = self._socket.getsockname()[1]
        self._state |= {"origin": self.origin, "port": self.port}
        _save_state(directory / _STATE, self._state)
        self._uvicorn = uvicorn.Server(self._configuration())
        self._thread: threading.Thread | None = None

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"https://localhost:{self.port}" if self._certificates else f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Where Exchange Web Services are."""
        return self.origin + EWS_PATH

    @property
    def service_account(self) -> tuple[str, str]:
        """User name and password of the account that may impersonate everybody."""
        address = self.accounts.service_address
        return address, self.accounts.password(address)

    def password(self, address: str) -> str:
        """The password of a person, by primary address; the address is the user name."""
        return self.accounts.password(address)

    @property
    def addresses(self) -> list[str]:
        """Primary addresses of the people's mailboxes that are not disabled, in the order of the company's list."""
        return [one.address for one in self.store.mailboxes() if one.kind == "user" and not one.disabled]

    @property
    def ca_file(self) -> Path | None:
        """The certificate authority to trust, when it serves HTTPS."""
        return self._certificates[0] if self._certificates else None

    @property
    def admin_token(self) -> str:
        """The bearer token of the admin endpoint."""
        return str(self._state["admin_token"])

    def offer(self, *methods: str) -> None:
        """Offer only these sign-in methods: 'Basic', 'NTLM'."""
        self._endpoint.methods = tuple(methods)

    def start(self) -> "SandboxServer":
        """Serve in a thread of its own; connections are accepted when this returns."""
        self._thread = threading.Thread(
            target=self._uvicorn.run, args=([self._socket],), name="sandbox-server", daemon=True
        )
        self._thread.start()
        return self

    def serve(self, ready: Callable[[], None]) -> None:
        """Serve until SIGINT or SIGTERM, then close. For the main thread. `ready` is called once it serves."""
        ended = threading.Event()
        before = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGINT, signal.SIGTERM)}
        self.start()
        try:
            ready()
            ended.wait()
        finally:
            self.stop()
            for number, handler in before.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """End the thread that `start` began, and close the store."""
        self._uvicorn.should_exit = True
        if self._thread is not None:
            self._thread.join()
        self._endpoint.close()
        self._cloud_endpoint.close()
        self._socket.close()
        self.store.close()

    def __enter__(self) -> "SandboxServer":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _primary(self, address: str) -> str | None:
        mailbox = self.store.mailbox(address)
        return None if mailbox is None else mailbox.address

    def _configuration(self) -> uvicorn.Config:
        admin = Admin(self.store, self.faults, self.statistics, self.admin_token)
        application = Starlette(
            routes=[
                Route(EWS_PATH, self._endpoint, methods=None),
                Mount("/admin", routes=admin.routes),
                Route("/{path:path}", self._cloud_endpoint, methods=None),
            ]
        )
        certificate, key = (self._certificates[1], self._certificates[2]) if self._certificates else (None, None)
        return uvicorn.Config(
            application,
            http=ConnectionProtocol,
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=2,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )


def _load_state(path: Path) -> dict[str, Any]:
    """What is kept over restarts; a directory of an older version gets what it lacks."""
    new = {
        "secret": secrets.token_hex(32),
        "admin_token": secrets.token_urlsafe(24),
        "port": 0,
        "cloud": Cloud.new_state(),
    }
    return {**new, **json.loads(path.read_text("utf-8"))} if path.exists() else new


def _save_state(path: Path, state: dict[str, Any]) -> None:
    whole = path.with_suffix(".new")  # whoever is ended while this is written must not lose the passwords
    whole.touch(mode=0o600)
    whole.write_text(json.dumps(state, indent=1), "utf-8")
    whole.replace(path)


def _open_store(path: Path, extent: Extent, progress: Callable[[int], None] | None) -> MailStore:
    """Open the store; one that is not there is populated under another name first, so that it is whole or absent."""
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        for leftover in path.parent.glob(f"{unfinished.name}*"):
            leftover.unlink()
        with MailStore(unfinished, render) as store:
            populate(store, extent, progress)
            store.put_setting(0, "extent", extent.as_mapping())
        unfinished.rename(path)
    return MailStore(path, render)


def _listen(port: int, last_port: int) -> socket.socket:
    """Listen on 127.0.0.1: on this port, or with 0 on the last one if it is free, else on any."""
    for wanted in [port] if port else [last_port, 0]:
        # Named TCP: else asyncio leaves Nagle on, which costs 40 ms a call.
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", wanted))
            listening.listen(128)
        except OSError:
            listening.close()
            if wanted in (port, 0):
                raise
            continue
        return listening
    raise AssertionError("port 0 binds or raises")
