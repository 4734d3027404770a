"""Who has signed in, and who asks for the second time: random ids in cookies, nothing of worth in them.

Sessions are kept in memory: they end with the process, and signing out ends them for good.
"""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

_MOST = 10_000
_FORM_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has signed in."""

    person: str
    """Mail address, lower case."""
    until: float


class Sessions:
    """The sessions of one service. Thread-safe."""

    def __init__(self, hours: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = hours * 3600
        self._clock = clock
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, person: str) -> str:
        """The id of a new session; of too many the oldest ends."""
        session_id = secrets.token_urlsafe(32)
        with self._lock:
            self._sessions[session_id] = Session(person, self._clock() + self.seconds)
            if len(self._sessions) > _MOST:
                self._sessions.popitem(last=False)
        return session_id

    def person(self, session_id: str) -> str:
        """Who has this session; '' where nobody has it (any more)."""
        with self._lock:
            session = self._sessions.get(session_id)
            if session is None:
                return ""
            if session.until <= self._clock():
                del self._sessions[session_id]
                return ""
            return session.person

    def end(self, session_id: str) -> None:
        """Nobody has this session any more."""
        with self._lock:
            self._sessions.pop(session_id, None)


class Cookies:
    """The service's two cookies, as safe as the address that it is reached at allows."""

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure
        prefix = "__Host-" if secure else ""
        self._visitor, self._session = f"{prefix}visitor", f"{prefix}session"

    def visitor(self, request: Request) -> str:
        """The random id of a browser; '' before it has one."""
        return request.cookies.get(self._visitor, "")[:64]

    def session(self, request: Request) -> str:
        """The session's id; '' where there is none."""
        return request.cookies.get(self._session, "")

    def set_visitor(self, response: Response, visitor: str) -> None:
        """Have the browser keep its id until it is closed."""
        self._set(response, self._visitor, visitor, None)

    def set_session(self, response: Response, session_id: str, seconds: float) -> None:
        """Have the browser keep a session."""
        self._set(response, self._session, session_id, int(seconds))

    def clear_session(self, response: Response) -> None:
        """Have the browser forget its session."""
        self._set(response, self._session, "", 0)

    def _set(self, response: Response, name: str, value: str, seconds: int | None) -> None:
        # Lax: a link in a mail, and the way back from where one signs in, come from elsewhere; a form never does.
        response.set_cookie(name, value, max_age=seconds, secure=self._secure, httponly=True, samesite="lax")


class FormTokens:
    """Tokens that tie a form to the browser and the address it was made for; they need no sign-in."""

    def __init__(self) -> None:
        self._signed = URLSafeTimedSerializer(secrets.token_bytes(32), salt="form")

    def make(self, visitor: str, path: str) -> str:
        """For a form on this path."""
        return str(self._signed.dumps([visitor, path]))

    def hold(self, token: str, visitor: str, path: str) -> bool:
        """Whether a token was made for this browser and path, within the last hour."""
        try:
            made = self._signed.loads(token, max_age=_FORM_SECONDS)
        except BadData:
            return False
        return bool(visitor) and made == [visitor, path]
