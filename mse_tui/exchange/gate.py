"""Who may sign in: one attempt until an account has proven good, and none after it was refused."""

import contextlib
import hashlib
import logging
import threading
from collections.abc import Callable, Iterator

from mse_tui.exchange.mailbox import AccountHalts
from mse_tui.reasons import Problem, Reason

log = logging.getLogger(__name__)

LOOK = 0.2
"""Seconds between two looks at the stop event while another one's sign-in is waited for."""


class Gate:
    """Lets one sign-in at a time through until the account has proven good, and none after it was refused."""

    def __init__(self, halts: AccountHalts, key: str, account: str, service: str) -> None:
        """`service`: what the account signs in to, of which a site has one account at a time."""
        self._halts = halts
        self._service = service
        self._key = key
        self._account = account
        self._turn = threading.Lock()
        self._proven = False

    def look(self) -> None:
        """Ask the site's memory whether the account has been halted meanwhile. Raises Problem account-halted."""
        said = self._halts.halted(self._key)
        if said is not None:
            self._proven = False
            raise Problem(Reason.ACCOUNT_HALTED, f"The account {self._account} is not tried: {said}")
        if self._proven:
            self._halts.succeeded(self._key, self._service)

    @contextlib.contextmanager
    def sign_in(self, check: Callable[[], None]) -> Iterator[None]:
        """Around one request. Before the account has proven good, others wait here for its outcome."""
        if self._proven:
            yield
            return
        while not self._turn.acquire(timeout=LOOK):
            check()
        try:
            if not self._proven:
                self.look()
                yield
                return
        finally:
            self._turn.release()
        yield

    def accepted(self) -> None:
        """The account has proven good; what was refused of this service before is no trouble any more."""
        if not self._proven:
            self._proven = True
            self._halts.succeeded(self._key, self._service)

    def refused(self, message: str, remedy: str | None = None) -> Problem:
        """Remember the refusal for the whole site; returns what to raise."""
        self._proven = False
        self._halts.halt(self._key, self._service, self._account, message)
        log.info("account %s halted: %s", self._account, message)
        return Problem(Reason.PASSWORD_REFUSED, message, remedy)


def account_key(endpoint: str, user: str, secret: str) -> str:
    """The digest under which a refused account is remembered; slow enough not to give a weak password away."""
    salt = f"{endpoint}\n{user}".encode()
    return hashlib.scrypt(secret.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32).hex()
