"""What Exchange's error codes, HTTP statuses and broken connections mean in the product's terms."""

import email.utils
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import requests
import urllib3.exceptions

from mse_tui.exchange.ews_codes import PASSING, RARELY_PASSING, REASON_OF
from mse_tui.exchange.mailbox import SyncStateInvalid
from mse_tui.exchange.retry import Transient
from mse_tui.reasons import Problem, Reason

Caught = TypeVar("Caught", bound=BaseException)

FEW_ATTEMPTS = 3
"""Attempts at what rarely passes by itself: a broken answer, an internal server error."""

WHOLE_MAILBOX = frozenset(
    {
        Reason.MAILBOX_NOT_FOUND,
        Reason.MAILBOX_DISABLED,
        Reason.MAILBOX_MOVING,
        Reason.IMPERSONATION_DENIED,
        Reason.PASSWORD_REFUSED,
        Reason.CONFIGURATION_INVALID,
    }
)
"""Reasons that say nothing about one item, even where they come as its answer."""


class ServerProblem(Problem):
    """A problem that the server worded; `code` is its EWS response code."""

    def __init__(self, reason: Reason, happened: str, remedy: str | None, code: str) -> None:
        super().__init__(reason, happened, remedy)
        self.code = code


@dataclass(frozen=True, slots=True)
class ServerError:
    """An error as the server worded it, of a whole request or of one entry of it."""

    code: str
    text: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    """The named values of MessageXml: BackOffMilliseconds, InnerErrorResponseCode, ..."""


def reason_of(code: str) -> Reason:
    """The reason that an EWS response code stands for; server-error for any that is not the mailbox's or item's."""
    found = REASON_OF.get(code)
    if found is not None:
        return found
    if code.endswith("Denied"):
        return Reason.ACCESS_DENIED
    return Reason.SERVER_ERROR


def passes(code: str) -> bool:
    """Whether the same request may succeed later."""
    reason = reason_of(code)
    return reason in (Reason.THROTTLED, Reason.TIMEOUT) or code in PASSING or code in RARELY_PASSING


def failure_of(error: ServerError) -> Problem | Transient:
    """What to raise for an error that the server worded."""
    inner = error.values.get("InnerErrorResponseCode", "")
    code = inner if inner in REASON_OF or inner in PASSING else error.code
    reason = reason_of(code)
    if reason is Reason.SYNC_STATE_INVALID:
        return SyncStateInvalid()
    problem = ServerProblem(reason, _sentence(code, error), _remedy(code, error), code)
    if not passes(code):
        return problem
    wait = _milliseconds(error.values.get("BackOffMilliseconds"))
    limit = FEW_ATTEMPTS if code in RARELY_PASSING else None
    return Transient(problem, wait=wait, limit=limit)


def _sentence(code: str, error: ServerError) -> str:
    text = error.text.strip().rstrip(".")
    return f"The server said {code}: {text}." if text else f"The server said {code}."


def _remedy(code: str, error: ServerError) -> str | None:
    if code == "ErrorNonPrimarySmtpAddress":
        primary = error.values.get("Primary") or error.values.get("PrimarySmtpAddress")
        return f"Use the mailbox's primary address{f' {primary}' if primary else ''} in the task's group."
    if reason_of(code) is Reason.CONFIGURATION_INVALID:
        return "Set [exchange] version to one that the mailbox's server speaks, and endpoint to its own address."
    if code in ("ErrorPasswordExpired", "ErrorPasswordChangeRequired"):
        return "Give the service account a new password, and exclude it from password expiry."
    return None


def _milliseconds(value: str | None) -> float | None:
    try:
        return None if value is None else max(0.0, int(value) / 1000)
    except ValueError:
        return None


def failure_of_status(status: int, headers: Mapping[str, str], endpoint: str) -> Problem | Transient:  # noqa: PLR0911 (a list of cases)
    """What to raise for an HTTP status other than success, where the body is no EWS answer (401 is judged apart)."""
    if status in (429, 503):
        text = f"The server answered with HTTP {status}."
        reason = Reason.THROTTLED if status == 429 or "Retry-After" in headers else Reason.SERVER_ERROR
        return Transient(Problem(reason, text), wait=retry_after(headers), everywhere=True)
    if status == 302 and "genericerrorpage" in headers.get("Location", "").lower():
        return Transient(Problem(Reason.SERVER_ERROR, "The server redirected to its general error page."))
    if 300 <= status < 400:
        return Problem(
            Reason.SERVER_UNREACHABLE,
            f"{endpoint} redirects elsewhere (HTTP {status}), which is never followed.",
            "Set [exchange] endpoint to the final address of Exchange Web Services.",
        )
    if status == 403:
        return Problem(
            Reason.ACCESS_DENIED,
            "The server forbids this account to use Exchange Web Services (HTTP 403).",
            "Allow EWS for the service account (Set-CASMailbox -EwsEnabled, EwsApplicationAccessPolicy), and check"
            " that the server does not demand client certificates.",
        )
    if status in (404, 405):
        return Problem(
            Reason.SERVER_UNREACHABLE,
            f"There is no Exchange Web Services at {endpoint} (HTTP {status}).",
            "Set [exchange] endpoint to https://HOST/EWS/Exchange.asmx on an Exchange server.",
        )
    if status == 413:
        return Problem(Reason.SERVER_ERROR, "The server found the request too large (HTTP 413).")
    text = f"The server answered with HTTP {status}."
    if status in (408, 502, 504):
        return Transient(Problem(Reason.SERVER_ERROR, text), wait=retry_after(headers))
    if status >= 500:
        return Transient(Problem(Reason.SERVER_ERROR, text), limit=FEW_ATTEMPTS)
    return Problem(Reason.SERVER_ERROR, text)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a Retry-After header asks for, whether it gives seconds or a date; None without one."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def broken(what: str) -> Transient:
    """An answer that must not be used: cut off, not well-formed, or not what was asked for."""
    return Transient(Problem(Reason.RESPONSE_BROKEN, what), limit=FEW_ATTEMPTS)


def failure_of_exception(error: Exception, endpoint: str) -> Problem | Transient:  # noqa: PLR0911 (a list of cases)
    """What to raise for a request that got no (whole) answer."""
    causes = list(_causes(error))
    host = endpoint.split("//", 1)[-1].split("/", 1)[0]
    verification = _first(causes, ssl.SSLCertVerificationError)
    if verification is not None:
        return Problem(
            Reason.CERTIFICATE_REFUSED, f"The certificate of {host} was refused: {verification.verify_message}."
        )
    if _first(causes, socket.gaierror) or _first(causes, urllib3.exceptions.NameResolutionError):
        name = host.rsplit(":", 1)[0]
        return Problem(Reason.SERVER_NAME_UNKNOWN, f"The name {name} could not be resolved.")
    if _first(causes, requests.exceptions.ConnectTimeout):
        return Transient(Problem(Reason.SERVER_UNREACHABLE, f"{host} did not accept a connection in time."))
    if _first(causes, requests.exceptions.Timeout) or _first(causes, TimeoutError):
        return Transient(Problem(Reason.TIMEOUT, f"{host} did not answer in time."), limit=FEW_ATTEMPTS)
    if _first(causes, urllib3.exceptions.DecodeError) or _first(causes, urllib3.exceptions.IncompleteRead):
        return broken("The server's answer was cut off.")
    if refused := _first(causes, ConnectionRefusedError):
        return Transient(Problem(Reason.SERVER_UNREACHABLE, f"{host} refused the connection: {refused.strerror}."))
    if isinstance(error, KeyError):
        return Transient(
            Problem(Reason.SERVER_ERROR, "The server broke off the sign-in with an error of its own."),
            limit=FEW_ATTEMPTS,
        )
    if isinstance(error, PermissionError):
        return Problem(
            Reason.CONFIGURATION_INVALID,
            "The server did not carry on the NTLM sign-in.",
            'Enable NTLM on the server\'s EWS virtual directory, or set [exchange] auth = "basic".',
        )
    if isinstance(error, requests.RequestException | urllib3.exceptions.HTTPError | OSError):
        last = causes[-1]
        text = getattr(last, "strerror", None) or str(last) or type(last).__name__
        return Transient(Problem(Reason.SERVER_UNREACHABLE, f"The connection to {host} broke: {text}."))
    raise error


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what lies under it, outermost first, as requests and urllib3 wrap them."""
    seen: set[int] = set()
    queue: list[BaseException] = [error]
    while queue:
        current = queue.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = [getattr(current, "reason", None), current.__cause__, current.__context__, *current.args]
        queue.extend(part for part in inner if isinstance(part, BaseException))


def _first(causes: list[BaseException], kind: type[Caught]) -> Caught | None:
    return next((cause for cause in causes if isinstance(cause, kind)), None)
