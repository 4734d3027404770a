"""The doctor's checks of monitoring: is the metrics' port free, does the mail server take this account."""

import socket
from collections.abc import Iterator

from mse_tui.config.configuration import Configuration
from mse_tui.config.monitoring import MailSettings, MetricsSettings
from mse_tui.exchange.doctor import Finding, Outcome
from mse_tui.monitoring.channels import Mail
from mse_tui.reasons import Reason


def check_monitoring(configuration: Configuration, *, engine_runs: bool) -> Iterator[Finding]:
    """What [metrics] and [mail] need; no mail is sent. A running engine holds the port itself."""
    if configuration.metrics is not None and not engine_runs:
        yield _metrics(configuration.metrics)
    if configuration.mail is not None:
        yield _mail(configuration.mail)


def _metrics(settings: MetricsSettings) -> Finding:
    where = f"{settings.address} port {settings.port}"
    try:
        with socket.create_server((settings.address, settings.port)):
            return Finding("metrics", Outcome.OK, f"{where} is free.")
    except OSError as error:
        return Finding(
            "metrics",
            Outcome.FAILED,
            f"Metrics can't be served on {where}: {error.strerror}. The engine would not start.",
            "Choose another port in [metrics], or end what listens there.",
            Reason.CONFIGURATION_INVALID,
        )


def _mail(settings: MailSettings) -> Finding:
    where = f"{settings.server} port {settings.port}"
    try:
        Mail(settings).check()
    except OSError as error:
        return Finding(
            "mail",
            Outcome.WARNING,
            f"Mail can't be sent by {where}: {error}",
            "Check [mail]: server, port, security, user and password. Until then nobody is told by mail.",
        )
    return Finding("mail", Outcome.OK, f"{where} takes mail" + (f" of {settings.user}." if settings.user else "."))
