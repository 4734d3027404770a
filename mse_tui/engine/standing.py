"""Whether a mailbox's account is active and licensed, asked of the directory as the mailbox's turn begins."""

from threading import Lock

from mse_tui.directory.directory import Directory, SkippedEntry
from mse_tui.engine.clock import Clock
from mse_tui.reasons import Problem, Reason

SILENT_SECONDS = 60.0
"""A directory that does not answer is left alone for so long: thousands of mailboxes would each wait for it."""

_SILENT = frozenset(
    {
        Reason.ACCOUNT_HALTED,
        Reason.CERTIFICATE_REFUSED,
        Reason.DIRECTORY_UNREACHABLE,
        Reason.PASSWORD_REFUSED,
        Reason.SERVER_NAME_UNKNOWN,
        Reason.SERVER_UNREACHABLE,
        Reason.TIMEOUT,
    }
)
"""What would be the same for every mailbox."""


class Standing:
    """The accounts behind a site's mailboxes; used by many threads."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._lock = Lock()
        self._silence: tuple[float, Problem] | None = None

    def of(self, address: str) -> SkippedEntry | None:
        """Why the mailbox is to be skipped now, read fresh; None: process it.

        Raises Problem when the directory could not be asked, now or a moment ago.
        """
        with self._lock:
            if self._silence is not None and self._clock.monotonic() < self._silence[0]:
                raise self._silence[1]
        try:
            return self._directory.standing(address)
        except Problem as problem:
            if problem.reason in _SILENT:
                with self._lock:
                    self._silence = (self._clock.monotonic() + SILENT_SECONDS, problem)
            raise
