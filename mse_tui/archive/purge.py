"""The archive's purge: what retention lets go is set aside first, and days later it is gone for good, with a record.

A job of its own, apart from any task. Everything is weighed again inside the transaction that acts on it, so a hold
placed meanwhile wins. Messages are walked by their own order, never by position in a set that shrinks.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mse_tui.access import audit_chain
from mse_tui.access.audit_chain import Entry
from mse_tui.archive.approvals import edited, void_edited
from mse_tui.archive.burial import Buried, bury
from mse_tui.archive.identity import canonical_digest
from mse_tui.archive.packs import Packs
from mse_tui.archive.statements import execute_many, select, select_in
from mse_tui.archive.verdicts import Verdict, verdicts
from mse_tui.archive.views import number_of
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import now, writing
from mse_tui.store.models import from_micros, to_micros

log = logging.getLogger(__name__)

_AT_A_TIME = 100
"""Messages in one transaction, so that no writer waits long."""
_OF_ONE_MESSAGE = (Reason.CONTENT_DAMAGED, Reason.CONTENT_MISSING)


@dataclass(slots=True)
class PurgeReport:
    """What one run of the purge did."""

    set_aside: int = 0
    """Messages that came into quarantine."""
    released: int = 0
    """Messages that left it again: a hold, a longer retention, an approval that was voided."""
    purged: int = 0
    bytes: int = 0
    """Sizes of what was purged; compaction gives the space back."""
    voided: int = 0
    """Approvals whose content had been edited."""
    problems: list[str] = field(default_factory=list)
    """Messages that were left, since their content could not be read; verify and repair the archive first."""


class Purge:
    """The purge of one archive. `run` may be called at any time, by one thread of any one process."""

    def __init__(
        self,
        packs: Packs,
        site: str,
        *,
        clock: Callable[[], datetime] = now,
        ending: Callable[[], bool] = lambda: False,
    ) -> None:
        """`site` is the code of the site whose audit tells of it.

        `ending` is asked between transactions; once it says yes, the run ends there.
        """
        self._packs = packs
        self._site = site
        self._clock = clock
        self._ending = ending

    def run(self) -> PurgeReport:
        """Both stages. Raises Problem archive-unreadable, disk-full; what was committed until then holds."""
        report = PurgeReport()
        with writing():
            report.voided = void_edited()
        self.end_quarantine(report)
        self.set_aside(report)
        return report

    def foresee(self) -> PurgeReport:
        """What `run` would do now; changes nothing. That content can't be read is met only by doing it."""
        report = PurgeReport(voided=len(edited()))
        for message_ids in self._walk(_quarantined):
            moment = self._clock()
            weighed = verdicts(message_ids)
            sizes = dict(select_in("SELECT id, size FROM message WHERE id IN ({values})", message_ids))
            for message_id, _, until, _ in _in_quarantine(message_ids):
                if not weighed[message_id].is_due(moment):
                    report.released += 1
                elif until <= moment:
                    report.purged += 1
                    report.bytes += sizes[message_id]
        due: set[int] = set()
        for message_ids in self._walk(_stamped_due, _due_by_default):
            moment = self._clock()
            due.update(each.message_id for each in verdicts(message_ids).values() if each.is_due(moment))
        report.set_aside = len(due)
        return report

    def set_aside(self, report: PurgeReport) -> None:
        """First stage: what is due comes into quarantine."""
        for message_ids in self._walk(_stamped_due, _due_by_default):
            moment = self._clock()
            due = [each for each in verdicts(message_ids).values() if each.is_due(moment)]
            forms = self._canonical_forms([each.message_id for each in due], report)
            if not forms:
                continue
            with writing():
                again = [each for each in verdicts(forms).values() if each.is_due(moment)]
                execute_many(
                    "INSERT INTO quarantine (message_id, since, until, because, canonical) VALUES (?, ?, ?, ?, ?)"
                    " ON CONFLICT DO NOTHING",
                    [_set_aside(each, moment, forms[each.message_id]) for each in again],
                )
                report.set_aside += len(again)

    def end_quarantine(self, report: PurgeReport) -> None:
        """Second stage: what is still due after its time in quarantine is purged; what is not due is released."""
        for message_ids in self._walk(_quarantined):
            with writing():
                moment = self._clock()
                weighed = verdicts(message_ids)
                sizes = dict(select_in("SELECT id, size FROM message WHERE id IN ({values})", message_ids))
                released = []
                purged = 0
                for message_id, since, until, canonical in _in_quarantine(message_ids):
                    verdict = weighed[message_id]
                    if not verdict.is_due(moment):
                        released.append((message_id,))
                    elif until <= moment:
                        bury(Buried(message_id, canonical, verdict.decides, since, moment))
                        purged += 1
                        report.bytes += sizes[message_id]
                execute_many("DELETE FROM quarantine WHERE message_id = ?", released)
                if purged:
                    after = f"{purged} messages purged; mse-tui purge list --done names them"
                    audit_chain.append(self._site, Entry(moment, "engine", "purge messages", "archive", after=after))
            report.released += len(released)
            report.purged += purged

    def _walk(self, *sources: "_Source") -> Iterator[list[int]]:
        """Message ids of each source, in order, a transaction's worth at a time."""
        for source in sources:
            last = 0
            while not self._ending() and (message_ids := source(last, to_micros(self._clock()))):
                yield message_ids
                last = message_ids[-1]

    def _canonical_forms(self, message_ids: list[int], report: PurgeReport) -> dict[int, bytes | None]:
        """The canonical digest of each message, for its tombstones; None where it has no content.

        Messages whose content can't be read are left out and told: nothing is purged that can't be known again.
        """
        forms: dict[int, bytes | None] = {}
        sql = "SELECT id, sha256, canonical FROM message WHERE id IN ({values})"
        for message_id, digest, canonical in list(select_in(sql, message_ids)):
            if digest is None or canonical is not None:
                forms[message_id] = canonical and bytes(canonical)
                continue
            try:
                with self._packs.open(bytes(digest)) as content:
                    forms[message_id] = canonical_digest(content)
            except Problem as problem:
                if problem.reason not in _OF_ONE_MESSAGE:
                    raise
                log.error("Message %s is not purged: %s", message_id, problem)
                report.problems.append(f"message {number_of(message_id)}: {problem.happened}")
        return forms


_Source = Callable[[int, int], list[int]]
"""(last id, now in microseconds) -> the next ids in order; none: the end."""


def _stamped_due(last: int, moment: int) -> list[int]:
    rows = select(
        "SELECT DISTINCT message_id FROM retention_stamp s WHERE ended IS NULL AND purge <= ? AND message_id > ?"
        " AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.message_id = s.message_id)"
        " ORDER BY message_id LIMIT ?",
        (moment, last, _AT_A_TIME),
    )
    return [row[0] for row in rows]


def _due_by_default(last: int, moment: int) -> list[int]:
    """What the shortest of the default retentions might let go."""
    shortest = select("SELECT MIN(default_days) FROM retention_setting WHERE default_days IS NOT NULL")[0][0]
    if shortest is None:
        return []
    before = to_micros(from_micros(moment) - timedelta(days=shortest))
    rows = select(
        "SELECT m.id FROM message m WHERE m.id > ? AND EXISTS (SELECT 1 FROM placement p WHERE p.message_id = m.id"
        " AND COALESCE(p.received, m.sent, p.opened) <= ?)"
        " AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.message_id = m.id) ORDER BY m.id LIMIT ?",
        (last, before, _AT_A_TIME),
    )
    return [row[0] for row in rows]


def _quarantined(last: int, _: int) -> list[int]:
    rows = select(
        "SELECT message_id FROM quarantine WHERE message_id > ? ORDER BY message_id LIMIT ?", (last, _AT_A_TIME)
    )
    return [row[0] for row in rows]


def _in_quarantine(message_ids: list[int]) -> list[tuple[int, datetime, datetime, bytes | None]]:
    sql = "SELECT message_id, since, until, canonical FROM quarantine WHERE message_id IN ({values})"
    return [
        (message_id, from_micros(since), from_micros(until), canonical and bytes(canonical))
        for message_id, since, until, canonical in list(select_in(sql, message_ids))
    ]


def _set_aside(verdict: Verdict, moment: datetime, canonical: bytes | None) -> tuple[object, ...]:
    until = moment + timedelta(days=verdict.quarantine_days)
    return verdict.message_id, to_micros(moment), to_micros(until), verdict.decides, canonical
