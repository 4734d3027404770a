"""Monitoring beside a running engine: serves metrics, and looks now and then for what people are to be told."""

import logging
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

from mse_tui.config.configuration import Configuration
from mse_tui.monitoring.channels import Mail, Ping, Webhook
from mse_tui.monitoring.metrics import MetricsServer
from mse_tui.monitoring.notices import Channel, Notices
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import keep_connection
from mse_tui.store.queries import SiteRow
from mse_tui.terms import Light

log = logging.getLogger(__name__)

_LOOK_SECONDS = 20.0


class Monitoring:
    """What the configuration asks for, from entering the block until leaving it."""

    def __init__(
        self, configuration: Configuration, site: SiteRow, look_seconds: float = _LOOK_SECONDS,
        search_index: Path | None = None,
    ) -> None:  # fmt: skip
        """`search_index`: of which the metrics tell how far it is, where the configuration has it kept."""
        self._settings = configuration
        self._search_index = search_index if configuration.archive.search_index else None
        self._site = site
        self._look_seconds = look_seconds
        self._end = Event()
        self._thread = Thread(target=self._run, name="monitoring", daemon=True)
        self._server: MetricsServer | None = None
        self._ping = Ping(configuration.webhook) if configuration.webhook and configuration.webhook.ping_url else None

    @property
    def metrics_port(self) -> int | None:
        """Where metrics are served; None where they are not."""
        return self._server.port if self._server else None

    def __enter__(self) -> Self:
        """Raises Problem configuration-invalid where the metrics' port is taken."""
        metrics = self._settings.metrics
        if metrics is not None:
            try:
                self._server = MetricsServer(metrics.address, metrics.port, self._search_index)
            except OSError as error:
                raise Problem(
                    Reason.CONFIGURATION_INVALID,
                    f"Metrics can't be served on {metrics.address} port {metrics.port}: {error.strerror}.",
                    "Choose another port in [metrics].",
                ) from error
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        if self._server is not None:
            self._server.close()
        self._thread.join(self._look_seconds)

    def _run(self) -> None:
        notices = Notices(self._site, self._channels())
        while not self._end.wait(self._look_seconds):
            try:
                with keep_connection():
                    self._send_ping(notices.look())
            except Exception:
                log.exception("Looking for what to tell failed; it is tried again")

    def _channels(self) -> list[Channel]:
        channels: list[Channel] = []
        if self._settings.mail is not None:
            channels.append(Mail(self._settings.mail))
        if self._settings.webhook is not None and self._settings.webhook.url is not None:
            channels.append(Webhook(self._settings.webhook))
        return channels

    def _send_ping(self, light: Light) -> None:
        if self._ping is None:
            return
        try:
            self._ping.send(light)
        except OSError as error:
            log.warning("The ping could not be sent: %s", error)
