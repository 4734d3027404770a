"""Telling people when what is wrong changes: by mail and by webhook; and a ping while all is well.

What is told is what the dashboard shows under "needs attention". Each channel remembers what it told last, so that a
restart tells nothing twice, and a message that could not be sent is sent later with whatever else has changed by then.
"""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Protocol

from mse_tui.store import queries
from mse_tui.store.database import now, writing
from mse_tui.store.models import NoticeSent
from mse_tui.store.queries import SiteRow
from mse_tui.terms import Light
from mse_tui.text import printable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing that is wrong, as it is told. Two with the same light, subject and reason are the same thing."""

    light: str
    subject: str
    reason: str
    message: str

    def is_same(self, other: "Concern") -> bool:
        return (self.light, self.subject, self.reason) == (other.light, other.subject, other.reason)


@dataclass(frozen=True, slots=True)
class Notice:
    """What has changed since the last one."""

    site: str
    moment: datetime
    light: Light
    """The worst of what is wrong now; GREEN: nothing is."""
    new: tuple[Concern, ...]
    still: tuple[Concern, ...]
    solved: tuple[Concern, ...]

    @property
    def subject(self) -> str:
        """One line."""
        parts = [f"{len(found)} {word}" for found, word in ((self.new, "new"), (self.solved, "solved")) if found]
        return printable(f"mse-tui {self.site}: {self.light.word}" + (f" ({', '.join(parts)})" if parts else ""))

    @property
    def text(self) -> str:
        """All of it, for people."""
        lines = [f"Site {self.site}, {self.moment:%Y-%m-%d %H:%M} UTC. Overall: {self.light.word}."]
        for title, concerns in (("New", self.new), ("Solved", self.solved), ("Still", self.still)):
            if concerns:
                lines += ["", f"{title}:"]
                lines += [_line(one) for one in concerns]
        return printable("\n".join(lines), keep_newlines=True) + "\n"

    def as_json(self) -> dict[str, object]:
        """All of it, for programs: site, moment (ISO 8601, UTC), light, new, still, solved."""
        return {
            "site": self.site,
            "moment": self.moment.isoformat(),
            "light": self.light.value,
            "new": [asdict(one) for one in self.new],
            "still": [asdict(one) for one in self.still],
            "solved": [asdict(one) for one in self.solved],
        }


class Channel(Protocol):
    """A way to tell people."""

    @property
    def name(self) -> str: ...

    @property
    def pause(self) -> timedelta:
        """At least so long between two notices."""
        ...

    def send(self, notice: Notice) -> None:
        """Send it. Raises OSError where that failed (requests' and smtplib's errors are such)."""
        ...


class Notices:
    """Looks at what is wrong, and tells each channel when that has changed."""

    def __init__(self, site: SiteRow, channels: Sequence[Channel], clock: Callable[[], datetime] = now) -> None:
        self._site = site
        self._channels = channels
        self._clock = clock

    def look(self) -> Light:
        """Tell what has changed; a channel that fails is tried again at a later look. Gives what is worst."""
        concerns = present_concerns(self._site)
        for channel in self._channels:
            try:
                self._tell(channel, concerns)
            except OSError as error:
                log.warning("The %s could not be sent, it is tried again: %s", channel.name, error)
        return Light.worst([Light(one.light) for one in concerns])

    def _tell(self, channel: Channel, concerns: Sequence[Concern]) -> None:
        moment = self._clock()
        row = NoticeSent.get_or_none(NoticeSent.channel == channel.name)
        told = [Concern(**one) for one in json.loads(row.troubles)] if row else []
        notice = _notice(self._site.description, moment, told, concerns)
        if not (notice.new or notice.solved) or (row and row.sent <= moment < row.sent + channel.pause):
            return
        channel.send(notice)
        values = {"troubles": json.dumps([asdict(one) for one in concerns]), "sent": moment}
        with writing():
            insert = NoticeSent.insert(channel=channel.name, **values)
            insert.on_conflict(conflict_target=[NoticeSent.channel], update=values).execute()


def present_concerns(site: SiteRow) -> list[Concern]:
    """What is wrong now. That no engine runs is left out: whoever looks here is one; notes are, too."""
    return [
        Concern(one.light.value, one.subject, one.reason, one.message)
        for one in queries.troubles()
        if one.light is not Light.NONE and (one.reason or one.subject != site.description)
    ]


def _notice(site: str, moment: datetime, told: Sequence[Concern], concerns: Sequence[Concern]) -> Notice:
    def among(one: Concern, others: Sequence[Concern]) -> bool:
        return any(one.is_same(other) for other in others)

    return Notice(
        site=site,
        moment=moment,
        light=Light.worst([Light(one.light) for one in concerns]),
        new=tuple(one for one in concerns if not among(one, told)),
        still=tuple(one for one in concerns if among(one, told)),
        solved=tuple(one for one in told if not among(one, concerns)),
    )


def _line(one: Concern) -> str:
    reason = f" [{one.reason}]" if one.reason else ""
    return f"  {Light(one.light).word}: {one.subject}: {one.message}{reason}"
