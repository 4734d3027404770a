"""The checks between this machine and a mailbox: name, connection, certificate, sign-in, version, clock, impersonation.

One sign-in in all, and none while the account is halted.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import urlsplit

from mse_tui.config.exchange import ExchangeSettings
from mse_tui.exchange.ews import EwsExchange
from mse_tui.exchange.ews_errors import ServerProblem
from mse_tui.exchange.ews_rows import parse, response_messages, server_version
from mse_tui.exchange.ews_session import Server, Session
from mse_tui.exchange.mailbox import AccountHalts
from mse_tui.exchange.retry import Transient
from mse_tui.exchange.wire import Reply, ahead_of, host_and_port, tls_context
from mse_tui.reasons import Problem, Reason, explain

EXPIRY_WARNING_DAYS = 30
SKEW_WARNING_SECONDS = 60
SKEW_FAILURE_SECONDS = 300
"""Kerberos and NTLM sign-ins break beyond this."""


class Outcome(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Not made, because an earlier check failed or nobody asked for it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report."""

    check: str
    outcome: Outcome
    text: str
    remedy: str = ""
    """What to do; '' where all is well."""
    reason: str = ""
    """The reason code of a failure."""


def failed(check: str, problem: Problem) -> Finding:
    """A finding of what a problem says."""
    return Finding(check, Outcome.FAILED, problem.happened, problem.remedy, problem.reason)


def check_exchange(
    settings: ExchangeSettings,
    halts: AccountHalts,
    mailbox: str | None = None,
    address_of: Callable[[str], str] = str,
) -> Iterator[Finding]:
    """Check step by step; what needs a failed step is not tried.

    `address_of` gives the address of the mailbox as it was named, and may raise Problem; asked once all else is sound.
    """
    steps: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
        ("name", lambda: _name(settings)),
        ("connection", lambda: _connection(settings)),
        ("certificate", lambda: _certificate(settings)),
        ("sign-in", lambda: _sign_in(settings, halts, mailbox)),
    ]
    sound = True
    for check, step in steps:
        if not sound:
            yield Finding(check, Outcome.SKIPPED, "Not tried, because a check before it failed.")
            continue
        for finding in _told(check, step):
            sound = sound and finding.outcome is not Outcome.FAILED
            yield finding
    if not sound or mailbox is None:
        why = "Not tried, because a check before it failed." if not sound else "Name one with --mailbox MAILBOX."
        yield Finding("mailbox", Outcome.SKIPPED, why)
        return
    yield from _told("mailbox", lambda: _mailbox(settings, halts, address_of(mailbox)))


def _told(check: str, step: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from step()
    except Problem as problem:
        yield failed(check, problem)
    except Transient as failure:
        yield failed(check, failure.problem)


def _name(settings: ExchangeSettings) -> Iterator[Finding]:
    host, port = _target(settings)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = error.strerror or error if isinstance(error, OSError) else "it is not the name of a host"
        raise Problem(Reason.SERVER_NAME_UNKNOWN, f"The name {host} could not be resolved: {why}.") from error
    addresses = sorted({str(entry[4][0]) for entry in found})
    yield Finding("name", Outcome.OK, f"{host} is {', '.join(addresses)}.")


def _target(settings: ExchangeSettings) -> tuple[str, int]:
    """Where connections go: the server, or the proxy before it."""
    return host_and_port(settings.proxy or settings.endpoint)


def _connection(settings: ExchangeSettings) -> Iterator[Finding]:
    host, port = _target(settings)
    began = datetime.now(UTC)
    try:
        with socket.create_connection((host, port), timeout=settings.connect_timeout_seconds):
            pass
    except OSError as error:
        raise Problem(
            Reason.SERVER_UNREACHABLE,
            f"{host} did not accept a connection on port {port}: {error.strerror or error}.",
            "Check that the server is up, the port in [exchange] endpoint, and the firewalls between.",
        ) from error
    milliseconds = (datetime.now(UTC) - began).total_seconds() * 1000
    yield Finding("connection", Outcome.OK, f"{host} accepts connections on port {port} ({milliseconds:.0f} ms).")


def _certificate(settings: ExchangeSettings) -> Iterator[Finding]:
    host, port = host_and_port(settings.endpoint)
    if urlsplit(settings.endpoint).scheme != "https":
        yield Finding("certificate", Outcome.OK, "Not encrypted: plain HTTP on this machine's loopback only.")
        return
    context, _ = tls_context(None if settings.ca_file is None else str(settings.ca_file))
    if settings.proxy:
        yield Finding("certificate", Outcome.SKIPPED, "Checked with the sign-in: the server is behind a proxy.")
        return
    try:
        with (
            socket.create_connection((host, port), timeout=settings.connect_timeout_seconds) as plain,
            context.wrap_socket(plain, server_hostname=host) as wrapped,
        ):
            certificate, protocol = wrapped.getpeercert() or {}, wrapped.version()
    except ssl.SSLCertVerificationError as error:
        raise Problem(
            Reason.CERTIFICATE_REFUSED,
            f"The certificate of {host} was refused: {error.verify_message}.",
            _certificate_remedy(error.verify_code, host),
        ) from error
    except OSError as error:
        raise Problem(
            Reason.SERVER_UNREACHABLE,
            f"{host} does not speak TLS on port {port}: {error.strerror or error}.",
            "Check the port in [exchange] endpoint and the server's TLS settings.",
        ) from error
    expiry = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    days = (expiry - datetime.now(UTC)).days
    text = f"{protocol}; the certificate names {host}, chains to a trusted authority, valid until {expiry:%Y-%m-%d}."
    if days < EXPIRY_WARNING_DAYS:
        yield Finding(
            "certificate", Outcome.WARNING, f"{text} That is in {days} days.", "Renew the server's certificate."
        )
    else:
        yield Finding("certificate", Outcome.OK, text)


_EXPIRED, _WRONG_HOST = 10, 62
"""OpenSSL's verification codes X509_V_ERR_CERT_HAS_EXPIRED and X509_V_ERR_HOSTNAME_MISMATCH."""


def _certificate_remedy(code: int, host: str) -> str:
    if code == _EXPIRED:
        return "Renew the server's certificate, and check this machine's clock."
    if code == _WRONG_HOST:
        return f"Set [exchange] endpoint to a name that the certificate holds, or issue one for {host}."
    return explain(Reason.CERTIFICATE_REFUSED).remedy


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the headers of an answer tell besides its content."""

    date: str
    version: str


def _sign_in(settings: ExchangeSettings, halts: AccountHalts, mailbox: str | None) -> Iterator[Finding]:
    """Sign in with a question that needs no rights on any mailbox."""
    server = Server(settings, halts)
    session = Session(server, "", threading.Event())
    dates: list[str] = []

    def take(reply: Reply) -> _Answer:
        dates.append(reply.headers.get("Date", ""))
        root = parse(reply.read())
        response_messages(root, "ResolveNames")
        return _Answer(dates[0], server_version(root))

    version = ""
    try:
        server.gate.look()
        version = session.attempt_raw(session.calls.resolve(mailbox or settings.user), take).version
    except ServerProblem:
        # It signed in; that it may not ask this question is told by the check of the mailbox.
        pass
    finally:
        session.close()
    yield Finding("sign-in", Outcome.OK, f"{settings.user} signed in ({settings.auth.upper()}).")
    if version:
        yield _version(settings, version)
    if dates:
        yield _skew(dates[0])


_BEGINNINGS = {"14": "Exchange2010_SP2", "15.0": "Exchange2013_SP1", "15.1": "Exchange2016", "15.2": "Exchange2016"}
_NAMES = {"14": "Exchange 2010", "15.0": "Exchange 2013", "15.1": "Exchange 2016", "15.2": "Exchange 2019 or later"}
_ORDER = ("Exchange2010_SP2", "Exchange2013", "Exchange2013_SP1", "Exchange2015", "Exchange2016")


def _version(settings: ExchangeSettings, build: str) -> Finding:
    major = ".".join(build.split(".")[:2])
    key = next((beginning for beginning in _BEGINNINGS if major == beginning or major.startswith(f"{beginning}.")), "")
    name = _NAMES.get(key, "an Exchange server of an unknown version")
    newest = _BEGINNINGS.get(key, _ORDER[-1])
    if _ORDER.index(settings.version) > _ORDER.index(newest):
        return Finding(
            "version",
            Outcome.WARNING,
            f"The server is {name} (build {build}), older than the configured {settings.version}.",
            f'Set [exchange] version = "{newest}".',
        )
    return Finding("version", Outcome.OK, f"The server is {name} (build {build}); {settings.version} is spoken.")


def _skew(date: str) -> Finding:
    seconds = ahead_of(date)
    if seconds is None:
        return Finding("clock", Outcome.SKIPPED, "The server does not say what time it is.")
    distance = abs(seconds)
    text = f"This machine's clock is {distance:.0f} s {'ahead of' if seconds > 0 else 'behind'} the server's."
    if distance <= SKEW_WARNING_SECONDS:
        return Finding("clock", Outcome.OK, text)
    outcome = Outcome.FAILED if distance > SKEW_FAILURE_SECONDS else Outcome.WARNING
    return Finding("clock", outcome, text, "Let both machines take their time from the same source (NTP).")


def _mailbox(settings: ExchangeSettings, halts: AccountHalts, address: str) -> Iterator[Finding]:
    exchange = EwsExchange(settings.model_copy(update={"retry_seconds": 0}), halts)
    try:
        with exchange.mailbox(address, threading.Event()) as mailbox:
            identity = mailbox.identity()
    finally:
        exchange.close()
    way = "by impersonation" if settings.impersonation else "with full access"
    archive = "with" if identity.has_online_archive else "without"
    if identity.archive_problem is not None:
        archive = "perhaps with"
    name = f" ({identity.display_name})" if identity.display_name else ""
    yield Finding("mailbox", Outcome.OK, f"{identity.address}{name} opens {way}, {archive} an online archive.")
