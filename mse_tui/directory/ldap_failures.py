"""What goes wrong between this program and a directory server, in the product's terms."""

import re

from ldap3.core.exceptions import (
    LDAPException,
    LDAPInvalidFilterError,
    LDAPResponseTimeoutError,
    LDAPSessionTerminatedByServerError,
    LDAPSocketOpenError,
    LDAPSocketReceiveError,
    LDAPSocketSendError,
)

from mse_tui.reasons import Problem, Reason

SUCCESS, OPERATIONS_ERROR, TIME_LIMIT, SIZE_LIMIT, STRONGER_AUTH, REFERRAL, ADMIN_LIMIT = 0, 1, 3, 4, 8, 10, 11
CONFIDENTIALITY, NO_SUCH_OBJECT, INVALID_NAME, INVALID_CREDENTIALS, NO_ACCESS, BUSY, UNAVAILABLE = (
    *(13, 32, 34, 49, 50, 51, 52),
)
"""Result codes of RFC 4511."""

REACH_REMEDY = "Check that the server is up and named rightly in [active_directory] servers; then run mse-tui doctor."

_SAID = {
    "525": "no such account",
    "52e": "wrong user name or password",
    "530": "the account may not sign in at this time",
    "531": "the account may not sign in from this machine",
    "532": "the password has expired",
    "533": "the account is disabled",
    "701": "the account has expired",
    "773": "the password must be changed first",
    "775": "the account is locked",
}
"""What Active Directory's sub-codes of a refused sign-in mean."""
_WRAPPED = re.compile(r"(?:connection error while opening|ssl wrapping error|wrap socket error): ([^'\"]+)")
"""What the library writes before the system's own words."""


class ServerFailed(Exception):
    """This server could not answer as a whole; another one may."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.happened)
        self.problem = problem


class SignInRefused(Exception):
    """The server refused the user name or the password. The text says why."""


def refusal_text(message: str) -> str:
    """Why a sign-in was refused, from the server's own message."""
    found = re.search(r"data ([0-9a-f]+)", message)
    return _SAID.get(found[1] if found else "", "wrong user name or password")


def failure_of_exception(error: Exception, server: str) -> Problem | ServerFailed:
    """What an exception of the client library means."""
    if isinstance(error, LDAPInvalidFilterError):
        return Problem(Reason.INVALID, f"The search filter is not valid: {error}.")
    if isinstance(error, TimeoutError | LDAPResponseTimeoutError) or "timed out" in str(error):
        return ServerFailed(
            Problem(
                Reason.TIMEOUT,
                f"The directory server {server} did not answer in time.",
                "Check the server's load, or raise [active_directory] timeout_seconds.",
            )
        )
    if isinstance(error, LDAPSocketOpenError) and "invalid server address" in str(error):
        text = f"The name {server} could not be resolved."
        remedy = "Check the names in [active_directory] servers and this machine's name servers."
        return ServerFailed(Problem(Reason.SERVER_NAME_UNKNOWN, text, remedy))
    if isinstance(error, LDAPSocketOpenError):
        text = f"{server} could not be reached: {plain_text(error)}."
        return ServerFailed(Problem(Reason.DIRECTORY_UNREACHABLE, text, REACH_REMEDY))
    if isinstance(error, LDAPSocketReceiveError | LDAPSocketSendError | LDAPSessionTerminatedByServerError | OSError):
        return ServerFailed(
            Problem(
                Reason.DIRECTORY_UNREACHABLE,
                f"The connection to {server} ended before the answer did ({plain_text(error)}); none of it was used.",
                "Check the server and the network between; the next execution asks again.",
            )
        )
    what = plain_text(error) if isinstance(error, LDAPException) else type(error).__name__
    return ServerFailed(
        Problem(
            Reason.RESPONSE_BROKEN,
            f"The answer of {server} could not be understood ({what}); none of it was used.",
            "Check what is between this machine and the server; the next execution asks again.",
        )
    )


def failure_of_result(code: int, description: str, message: str, server: str) -> Problem | ServerFailed:
    """What a result other than success means."""
    said = f"{description}, {message}" if message else description
    if code in (BUSY, UNAVAILABLE):
        return ServerFailed(Problem(Reason.DIRECTORY_UNREACHABLE, f"{server} is not available now ({said})."))
    if code == OPERATIONS_ERROR:
        return ServerFailed(Problem(Reason.SERVER_ERROR, f"{server} answered with an error of its own ({said})."))
    reason, text, remedy = _RESULTS.get(code, _OTHER_RESULT)
    return Problem(reason, f"{server} {text} ({said}).", remedy)


_CUT_SHORT = (Reason.DIRECTORY_INCOMPLETE, "cut its answer short, so none of it was used", None)
_WANTS_ENCRYPTION = (
    Reason.CONFIGURATION_INVALID,
    "takes no password over an unencrypted connection",
    'Set [active_directory] encryption to "ldaps" or "starttls".',
)
_OTHER_RESULT = (
    Reason.SERVER_ERROR,
    "answered with an error",
    "Look at the directory server's event log at this time.",
)
_RESULTS: dict[int, tuple[Reason, str, str | None]] = {
    SIZE_LIMIT: _CUT_SHORT,
    TIME_LIMIT: _CUT_SHORT,
    ADMIN_LIMIT: _CUT_SHORT,
    STRONGER_AUTH: _WANTS_ENCRYPTION,
    CONFIDENTIALITY: _WANTS_ENCRYPTION,
    REFERRAL: (
        Reason.DIRECTORY_INCOMPLETE,
        "refers to another domain's servers, which are not asked",
        "Name servers of the domain that holds the group in [active_directory] servers.",
    ),
    NO_ACCESS: (
        Reason.ACCESS_DENIED,
        "does not let the account read this",
        "Let the account of [active_directory] read the directory; it needs no rights but that.",
    ),
}


def plain_text(error: Exception) -> str:
    """The library's message without its own wrapping (a list of texts of exceptions, one for each address tried)."""
    inner = _WRAPPED.findall(str(error))
    text = re.sub(r"^\[Errno -?\d+\] ", "", inner[-1] if inner else str(error))
    return re.sub(r" \(_ssl\.c:\d+\)", "", text).rstrip(".") or type(error).__name__
