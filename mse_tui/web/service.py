"""The retrieval service beside whatever else a process does: listens from entering a block until leaving it."""

import logging
import socket
import ssl
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from mse_tui.archive.packs import Packs
from mse_tui.config.web import WebSettings
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.web.application import Service, SignIn, application
from mse_tui.web.downloads import Downloads

log = logging.getLogger(__name__)

_LOOK_SECONDS = 60.0
_MOST_AT_ONCE = 200


class WebService:
    """One listening service. The database is open before, and stays so until it has ended."""

    def __init__(self, settings: WebSettings, home: Home, packs: Packs, sign_in: SignIn) -> None:
        """Raises Problem configuration-invalid without a public address, or with a certificate that can't be read."""
        if not settings.public_url:
            raise Problem(
                Reason.CONFIGURATION_INVALID,
                "The retrieval service needs the address that people reach it at.",
                "Set [web] public_url in the configuration.",
            )
        self._settings = settings
        self._downloads = Downloads(home.downloads)
        app = application(Service(settings, packs, self._downloads, sign_in), settings)
        self._configuration = _configuration(settings, app)
        self._server = uvicorn.Server(self._configuration)
        self._ended = Event()
        self._threads: list[Thread] = []
        self.port = 0

    def __enter__(self) -> Self:
        """Raises Problem configuration-invalid where the port is taken."""
        settings = self._settings
        try:
            family = socket.AF_INET6 if ":" in settings.address else socket.AF_INET
            listening = socket.create_server((settings.address, settings.port), family=family)
        except OSError as error:
            raise Problem(
                Reason.CONFIGURATION_INVALID,
                f"The retrieval service can't listen on {settings.address} port {settings.port}: {error.strerror}.",
                "Choose another port in [web].",
            ) from error
        self._downloads.open()
        self.port = listening.getsockname()[1]
        self._threads = [Thread(target=self._server.run, args=([listening],), name="web", daemon=True)]
        if settings.certificate_file is not None and settings.key_file is not None:
            renewing = (settings.certificate_file, settings.key_file)
            self._threads.append(Thread(target=self._renew, args=renewing, name="web-certificate", daemon=True))
        for thread in self._threads:
            thread.start()
        log.info("Retrieval is served on %s port %d for %s", settings.address, self.port, settings.public_url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._downloads.close()

    def _renew(self, certificate: Path, key: Path) -> None:
        """Take a renewed certificate for new connections, within a minute."""
        seen = _times(certificate, key)
        while not self._ended.wait(_LOOK_SECONDS):
            if (now := _times(certificate, key)) == seen or self._configuration.ssl is None:
                continue
            try:
                self._configuration.ssl.load_cert_chain(certificate, key)
            except (OSError, ssl.SSLError) as error:
                log.error("The renewed certificate %s can't be used, the old one is kept: %s", certificate, error)
            else:
                log.info("The renewed certificate %s is in use", certificate)
            seen = now


def _times(*paths: Path) -> list[float]:
    return [_time(path) for path in paths]


def _time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _configuration(settings: WebSettings, app: ASGIApp) -> uvicorn.Config:
    configuration = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        limit_concurrency=_MOST_AT_ONCE,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=5,
        ssl_certfile=settings.certificate_file,
        ssl_keyfile=settings.key_file,
    )
    try:
        configuration.load()
    except (OSError, ssl.SSLError) as error:
        raise Problem(
            Reason.CONFIGURATION_INVALID,
            f"[web] certificate_file and key_file can't be used: {error.strerror or error}.",
            "Give the PEM files of the certificate with its chain and of its private key, without a passphrase.",
        ) from error
    return configuration
