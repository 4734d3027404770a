"""The ways out: mail by SMTP, a webhook, and the ping that a watchdog elsewhere waits for."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

import requests

from mse_tui.config.monitoring import MailSettings, WebhookSettings
from mse_tui.monitoring.notices import Notice
from mse_tui.reasons import Problem
from mse_tui.terms import Light

_PATIENCE_SECONDS = 20


class Mail:
    """Mail to the people who look after the site."""

    name = "mail"

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self.pause = timedelta(minutes=settings.pause_minutes)

    def send(self, notice: Notice) -> None:
        """One mail. Raises OSError; smtplib.SMTPException is one."""
        settings = self._settings
        message = EmailMessage()
        message["From"] = settings.sender
        message["To"] = ", ".join(settings.to)
        message["Subject"] = notice.subject
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=settings.sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(notice.text)
        with self._signed_in() as server:
            server.send_message(message)

    def check(self) -> None:
        """Reach the server and sign in, and send nothing. Raises as `send`."""
        with self._signed_in() as server:
            server.noop()

    @contextmanager
    def _signed_in(self) -> Iterator[smtplib.SMTP]:
        try:
            with self._connection() as server:
                if self._settings.user:
                    server.login(self._settings.user, self._password())
                yield server
        except UnicodeError:  # what it says would show some of the password
            raise OSError("a server name, an account or an address has characters that mail does not take") from None

    def _connection(self) -> smtplib.SMTP:
        settings = self._settings
        context = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
        if settings.security == "tls":
            return smtplib.SMTP_SSL(settings.server, settings.port, timeout=_PATIENCE_SECONDS, context=context)
        server = smtplib.SMTP(settings.server, settings.port, timeout=_PATIENCE_SECONDS)
        if settings.security == "starttls":
            try:
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        return server

    def _password(self) -> str:
        try:
            return self._settings.secret().get_secret_value()
        except Problem as problem:
            raise OSError(problem.happened) from problem


class Webhook:
    """A POST of the notice as JSON."""

    name = "webhook"
    pause = timedelta()

    def __init__(self, settings: WebhookSettings) -> None:
        assert settings.url is not None
        self._url = settings.url
        self._verify = _verify(settings)

    def send(self, notice: Notice) -> None:
        """Raises OSError, also for an answer that is not one of success; requests.RequestException is one."""
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                self._url, json=notice.as_json(), timeout=_PATIENCE_SECONDS, verify=self._verify, allow_redirects=False
            )
            if not answer.ok or answer.is_redirect:
                raise OSError(f"the webhook answered {answer.status_code}")


class Ping:
    """Tells a watchdog that the site is alive; to the address with /fail behind it while something is red."""

    def __init__(self, settings: WebhookSettings) -> None:
        assert settings.ping_url is not None
        self._url = settings.ping_url
        self._verify = _verify(settings)

    def send(self, light: Light) -> None:
        """Raises OSError; requests.RequestException is one."""
        url = self._url.rstrip("/") + ("/fail" if light is Light.RED else "")
        with requests.Session() as session:
            session.trust_env = False
            session.get(url, timeout=_PATIENCE_SECONDS, verify=self._verify).raise_for_status()


def _verify(settings: WebhookSettings) -> str | bool:
    return str(settings.ca_file) if settings.ca_file else True
