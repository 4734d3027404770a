"""What the statuses and error codes of Microsoft 365's services mean in the product's terms."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from mse_tui.exchange import wire_errors
from mse_tui.exchange.retry import Transient
from mse_tui.exchange.wire_errors import FEW_ATTEMPTS, retry_after
from mse_tui.reasons import Problem, Reason

_REMEDIES = {
    Reason.SERVER_UNREACHABLE: "Check this machine's way to the Internet, [microsoft365] proxy and the firewalls"
    " between; then run mse-tui doctor.",
    Reason.SERVER_NAME_UNKNOWN: "Check authority, graph and exchange_online in [microsoft365], and this machine's name"
    " servers.",
    Reason.CERTIFICATE_REFUSED: "Set [microsoft365] ca_file to the authority that signed it (that of a proxy which"
    " looks into TLS, for instance), or check this machine's clock.",
    Reason.TIMEOUT: "Look at the service health of Microsoft 365, or raise [microsoft365] timeout_seconds.",
    Reason.SERVER_ERROR: "Look at the service health of Microsoft 365; the next execution asks again.",
    Reason.THROTTLED: "Run fewer tasks of this tenant at the same time, or at a quieter one.",
}
"""What to do where the general remedy is about an Exchange server."""


class GraphProblem(Problem):
    """A problem that a service worded; `status` is the HTTP status and `code` the service's error code."""

    def __init__(self, reason: Reason, happened: str, remedy: str | None, status: int, code: str) -> None:
        super().__init__(reason, happened, remedy)
        self.status = status
        self.code = code


def failure_of_answer(status: int, headers: Mapping[str, str], content: object, base: str) -> Problem | Transient:
    """What to raise for an answer that is no success: `content` is its JSON, None where it has none."""
    error = content.get("error") if isinstance(content, dict) else None
    code, text = "", ""
    if isinstance(error, dict):
        code, text = str(error.get("code") or ""), str(error.get("message") or "")
    passing = failure_of_status(status, headers, base)
    if isinstance(passing, Transient) or 300 <= status < 400:
        return passing
    message = f"{_host(base)} said {code or f'HTTP {status}'}" + (
        f": {text.strip().rstrip('.')[:300]}." if text else "."
    )
    if status == 401:
        return GraphProblem(
            Reason.ACCESS_DENIED,
            message,
            "Check that [microsoft365] authority, graph and exchange_online belong to the tenant's cloud.",
            status,
            code,
        )
    if status == 403:
        return GraphProblem(Reason.ACCESS_DENIED, message, _PERMISSIONS, status, code)
    if status == 404:
        return GraphProblem(Reason.NOT_FOUND, message, None, status, code)
    return GraphProblem(Reason.SERVER_ERROR, message, _REMEDIES[Reason.SERVER_ERROR], status, code)


_PERMISSIONS = (
    "Give the application the permissions that the admin's guide lists under Microsoft 365, and grant admin consent."
)


def failure_of_status(status: int, headers: Mapping[str, str], base: str) -> Problem | Transient:
    """What to raise for a status that says all there is to say."""
    text = f"{_host(base)} answered with HTTP {status}."
    if status in (429, 503, 509):
        reason = Reason.THROTTLED if status != 503 or "Retry-After" in headers else Reason.SERVER_ERROR
        return Transient(Problem(reason, text, _REMEDIES[reason]), wait=retry_after(headers), everywhere=True)
    if 300 <= status < 400:
        return Problem(
            Reason.SERVER_UNREACHABLE,
            f"{_host(base)} redirects elsewhere (HTTP {status}), which is never followed.",
            "Set [microsoft365] authority, graph and exchange_online to the final addresses, and look for a proxy that"
            " wants a person to sign in.",
        )
    problem = Problem(Reason.SERVER_ERROR, text, _REMEDIES[Reason.SERVER_ERROR])
    if status in (408, 502, 504):
        return Transient(problem, wait=retry_after(headers))
    return Transient(problem, limit=FEW_ATTEMPTS) if status >= 500 else problem


def failure_of_exception(error: Exception, base: str) -> Problem | Transient:
    """What to raise for a request that got no (whole) answer."""
    failure = wire_errors.failure_of_exception(error, base)
    problem = failure.problem if isinstance(failure, Transient) else failure
    problem.remedy = _REMEDIES.get(problem.reason, problem.remedy)
    return failure


def foreign_host(base: str, url: str) -> Problem:
    """A link leads away from the service, where neither a token nor a header must go."""
    return Problem(
        Reason.RESPONSE_BROKEN,
        f"{_host(base)} gave a link to {_host(url)}, which is not followed.",
        "Look for a proxy that changes answers; if there is none, report this to Microsoft.",
    )


def _host(url: str) -> str:
    return urlsplit(url).netloc or url[:80]
