"""Explaining retention: for any message, what applies, what decides, and what happens when."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from mse_tui.archive.retention import leaves_view
from mse_tui.archive.stamps import StampRow, stamp_history
from mse_tui.archive.statements import select
from mse_tui.archive.stubs import StubState
from mse_tui.archive.verdicts import MailboxVerdict, Verdict, verdicts
from mse_tui.store.models import from_micros

_DELETED = "delete"
"""The action of storage management that leaves no stub."""


@dataclass(frozen=True, slots=True)
class TakenOut:
    """What a task did to a message in a mailbox."""

    mailbox_id: int
    address: str
    done: str
    """In words: deleted, or which stub took its place."""
    definition: str
    task: str
    """'' where the task was removed."""
    moment: datetime


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is to become of one message, and why."""

    verdict: Verdict
    stamps: tuple[StampRow, ...]
    """In force first, then history."""
    quarantine: tuple[datetime, datetime] | None
    """Since when it is set aside, and until when."""
    taken_out: tuple[TakenOut, ...] = ()
    """What was done to it in mailboxes, earliest first."""

    def lines(self, now: datetime, zone: tzinfo | None = None) -> list[tuple[str, str]]:
        """Name and sentence, for people; the first says what happens. Times are in a zone (this machine's)."""
        return [
            ("Purge", self.outcome(now, zone)),
            ("Decides", self.verdict.decides),
            *(("Hold", f"{hold.name} ({hold.scope}), placed {_day(hold.placed, zone)} by {hold.placed_by}")
              for hold in self.verdict.holds),
            *(("Mailbox", _of_mailbox(each, self.verdict.decides, zone)) for each in self.verdict.mailboxes),
            *(("Taken out", _of_taking(each, zone)) for each in self.taken_out),
            *(("Stamp" if stamp.ended is None else "Former stamp", _of_stamp(stamp, zone)) for stamp in self.stamps),
        ]  # fmt: skip

    def outcome(self, now: datetime, zone: tzinfo | None = None) -> str:
        """What happens to the message, and when."""
        until = self.verdict.keeping.until
        released = "; it is set aside, and is released by the next run of the purge" if self.quarantine else ""
        if self.verdict.holds:
            return f"not while {self.verdict.decides} stands{released}"
        if self.verdict.behind_stub:
            return f"not while {self.verdict.decides}{released}"
        if until is None:
            return f"never, as things stand{released}"
        if self.quarantine is not None and until <= now:
            since, end = (_day(moment, zone) for moment in self.quarantine)
            return f"in quarantine since {since}, gone for good on {end}"
        days = self.verdict.quarantine_days
        gone = _day(max(until, now) + timedelta(days=days), zone)
        begins = "due since" if until <= now else "due on"
        return f"{begins} {_day(until, zone)}, then {days} days in quarantine: gone about {gone}"


def explain_message(message_id: int, mailbox_id: int | None = None) -> Explanation:
    """Explain one message that the archive has; with a mailbox, only what is that mailbox's own to know.

    Whose else it is and what they say of it, and holds, are then left out.
    """
    verdict = verdicts([message_id])[message_id]
    stamps = stamp_history(message_id)
    if mailbox_id is not None:
        own = tuple(each for each in verdict.mailboxes if each.mailbox_id == mailbox_id)
        addresses = {each.address for each in own}
        stamps = [each for each in stamps if each.mailbox in addresses]
        verdict = Verdict(message_id, own, (), verdict.behind_stub, own[0].keeping)
    rows = select("SELECT since, until FROM quarantine WHERE message_id = ?", (message_id,))
    quarantine = (from_micros(rows[0][0]), from_micros(rows[0][1])) if rows else None
    taken_out = tuple(each for each in _taken_out(message_id) if mailbox_id in (None, each.mailbox_id))
    return Explanation(verdict, tuple(stamps), quarantine, taken_out)


def _taken_out(message_id: int) -> list[TakenOut]:
    stubbed = select(
        "SELECT b.id, b.address, CASE WHEN s.state = ? AND EXISTS (SELECT 1 FROM expiry e"
        "  WHERE e.message_id = s.message_id AND e.mailbox_id = s.mailbox_id AND e.remote_id = s.remote_id) THEN ?"
        "  ELSE s.state END, s.action, s.definition, COALESCE(t.description, ''), s.began FROM stub s"
        " JOIN archive_mailbox b ON b.id = s.mailbox_id LEFT JOIN task t ON t.id = s.task_id"
        " WHERE s.message_id = ? AND s.state <> ?",
        (str(StubState.LOST), str(StubState.COMPLETE), message_id, str(StubState.WRITING)),
    )
    expired = select(
        "SELECT b.id, b.address, CASE e.state WHEN 'restored' THEN e.state ELSE 'complete' END,"
        " 'deleted (' || e.how || ')', e.definition_name,"
        " COALESCE(t.description, ''), e.planned"
        " FROM expiry e JOIN archive_mailbox b ON b.id = e.mailbox_id LEFT JOIN task t ON t.id = e.task"
        " WHERE e.message_id = ? AND e.state IN ('deleted', 'restored')",
        (message_id,),
    )
    rows = [
        TakenOut(id, address, _done(action, state), definition, task, from_micros(at))
        for id, address, state, action, definition, task, at in [*stubbed, *expired]
    ]
    return sorted(rows, key=lambda each: each.moment)


def _of_mailbox(each: MailboxVerdict, said: str, zone: tzinfo | None) -> str:
    keeping, limits = each.keeping, each.limits
    until = f" until {_day(keeping.until, zone)}" if keeping.until else ""
    because = "" if keeping.because == said else f": {keeping.because}"
    words = [f"the archive keeps it for {each.address}{until}{because}; received {_moment(each.received, zone)}"]
    if (expires := leaves_view(each.stamps)) is not None:
        words.append(f"leaves its owner's view on {_moment(expires, zone)}")
    if limits.minimum_days:
        words.append(f"minimum {limits.minimum_days} days")
    if limits.maximum_days is not None:
        words.append(f"maximum {limits.maximum_days} days")
    return "; ".join(words)


def _done(action: str, state: str) -> str:
    since = {StubState.RESTORED: ", since put back", StubState.LOST: ", since lost"}.get(StubState(state), "")
    return ("deleted" if action == _DELETED else action) + since


def _of_taking(each: TakenOut, zone: tzinfo | None) -> str:
    task = f" (task {each.task!r})" if each.task else ""
    by = f"the definition {each.definition!r}{task}"
    return f"{each.address}, {_moment(each.moment, zone)}: {each.done}, by {by}"


def _of_stamp(stamp: StampRow, zone: tzinfo | None) -> str:
    words = [f"{stamp.definition_name!r} on {stamp.mailbox}, {stamp.policy}; placed {_moment(stamp.stamped, zone)}"]
    if stamp.expire_view is not None:
        words.append(f"out of view {_moment(stamp.expire_view, zone)}")
    if stamp.purge is not None:
        original = _moment(stamp.original_purge, zone) if stamp.original_purge else "never"
        words.append(f"purge {_moment(stamp.purge, zone)}, originally {original}")
    if stamp.ended is not None:
        words.append(f"ended {_moment(stamp.ended, zone)}")
    return "; ".join(words)


def _day(moment: datetime, zone: tzinfo | None) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d}"


def _moment(moment: datetime, zone: tzinfo | None) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}{' UTC' if zone is UTC else ''}"
