"""What Exchange's error codes and its server's HTTP statuses mean in the product's terms."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mse_tui.exchange.ews_codes import PASSING, RARELY_PASSING, REASON_OF
from mse_tui.exchange.mailbox import SyncStateInvalid
from mse_tui.exchange.retry import Transient
from mse_tui.exchange.wire_errors import FEW_ATTEMPTS, retry_after
from mse_tui.reasons import Problem, Reason

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
