"""A site's maintenance: the times in which none of its executions starts or goes on.

It comes by the week, and when a person says so; a person may also end it early.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from mse_tui.windows import WeeklyWindow

_LONGEST_LOOK = 32
"""So many windows may follow each other without a gap."""
_SOME_TIME = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Maintenance:
    """When a site rests. All times are aware."""

    windows: tuple[WeeklyWindow, ...] = ()
    until: datetime | None = None
    """What a person began lasts until then."""
    windows_from: datetime | None = None
    """A person ended a window early: windows count again from then on."""

    @classmethod
    def of(cls, windows: Iterable[str], until: datetime | None = None, windows_from: datetime | None = None) -> Self:
        """From windows as they are written. Raises ValueError saying what is wrong with one."""
        return cls(tuple(WeeklyWindow.parse(text) for text in windows), until, windows_from)

    def covers(self, moment: datetime) -> bool:
        """Whether the site rests at that time; the begin of maintenance is inside, its end is not."""
        return self._end(moment) is not None

    def free_from(self, moment: datetime) -> datetime:
        """The first time from `moment` on at which the site does not rest; weeks ahead where none is found."""
        for _ in range(_LONGEST_LOOK):
            end = self._end(moment)
            if end is None:
                break
            moment = end
        return moment

    @property
    def is_endless(self) -> bool:
        """No time of the week is left free."""
        return Maintenance(self.windows).covers(Maintenance(self.windows).free_from(_SOME_TIME))

    def _end(self, moment: datetime) -> datetime | None:
        """The latest end of what is in force at that time; None where nothing is."""
        ends = [self.until] if self.until is not None and moment < self.until else []
        if self.windows_from is None or moment >= self.windows_from:
            ends += [window.end_after(moment) for window in self.windows if window.covers(moment)]
        return max(ends, default=None)
