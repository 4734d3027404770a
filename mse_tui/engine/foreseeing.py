"""What an execution of a task would do, mailbox by mailbox, without one: nothing is started, kept or changed.

While a mailbox is looked at its lock is held.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Event

from pydantic import BaseModel

from mse_tui.archive.packs import Packs
from mse_tui.directory.directory import Member
from mse_tui.engine.clock import Clock
from mse_tui.engine.journal import MailboxJournal, Outcome, failed
from mse_tui.engine.locks import locked
from mse_tui.engine.standing import Standing
from mse_tui.exchange.mailbox import Exchange
from mse_tui.features.feature import Feature, MailboxRun
from mse_tui.reasons import Problem
from mse_tui.terms import Light


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would be done to one mailbox."""

    address: str
    mode: str
    """full or differential; '' where the task type knows no such thing."""
    light: Light
    reason: str
    message: str
    counters: Mapping[str, int]
    skipped: Mapping[str, int]
    """Number by reason."""
    failures: Sequence[Mapping[str, str]]
    """Items that could not be looked at: item, reason, message."""


@dataclass(frozen=True, slots=True)
class Foreseeing:
    """What is needed to look."""

    exchange: Exchange
    standing: Standing
    packs: Packs
    clock: Clock
    cancel: Event
    """Set: what is looked at ends at its next item."""
    public_url: str = ""

    def foresee(
        self, feature: Feature, definition: BaseModel, task_id: int, members: Sequence[Member]
    ) -> Iterator[Foreseen]:
        """One after the other, in their order; each holds its mailbox's lock, as an execution would."""
        for member in members:
            journal = _Unwritten(task_id, 0, self.clock, self.cancel.is_set)
            try:
                outcome = self._look(feature, definition, task_id, member, journal)
            except Problem as problem:
                outcome = failed(problem)
            yield journal.told(member.address, outcome)

    def _look(
        self, feature: Feature, definition: BaseModel, task_id: int, member: Member, journal: MailboxJournal
    ) -> Outcome:
        fallen = self.standing.of(member.address)
        if fallen is not None:
            return failed(Problem(fallen.reason, fallen.message))
        with self.exchange.mailbox(member.address, self.cancel, journal.on_wait) as mailbox:
            identity = mailbox.identity()
            with locked(mailbox, "task run --what-if") as lock:
                run = MailboxRun(
                    task_id, mailbox, identity, definition, self.packs, lock, journal, self.cancel, self.public_url
                )
                feature.foresee(run)
        return journal.conclude()


class _Unwritten(MailboxJournal):
    """A journal that is kept in memory alone."""

    def write(self) -> None:
        """Nothing: no execution shows it."""

    def told(self, address: str, outcome: Outcome) -> Foreseen:
        """All that it was told."""
        values = self._values()
        return Foreseen(
            address=address,
            mode=values["mode"],
            light=outcome.light,
            reason=outcome.reason,
            message=outcome.message,
            counters=json.loads(values["counters"]),
            skipped=json.loads(values["skipped"]),
            failures=json.loads(values["failures"]),
        )
