"""What broken connections and unusable answers mean in the product's terms, whatever the protocol on top of HTTP."""

import email.utils
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import TypeVar

import requests
import urllib3.exceptions

from mse_tui.exchange.retry import Transient
from mse_tui.reasons import Problem, Reason

Caught = TypeVar("Caught", bound=BaseException)

FEW_ATTEMPTS = 3
"""Attempts at what rarely passes by itself: a broken answer, an internal server error."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a Retry-After header asks for, whether it gives seconds or a date; None without one."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    if value.isdecimal():
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
