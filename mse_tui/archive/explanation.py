"""Explaining retention: for any message, what applies, what decides, and what happens when."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from mse_tui.archive.retention import leaves_view
from mse_tui.archive.stamps import StampRow, stamp_history
from mse_tui.archive.statements import select
from mse_tui.archive.verdicts import MailboxVerdict, Verdict, verdicts
from mse_tui.store.models import from_micros


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is to become of one message, and why."""

    verdict: Verdict
    stamps: tuple[StampRow, ...]
    """In force first, then history."""
    quarantine: tuple[datetime, datetime] | None
    """Since when it is set aside, and until when."""

    def lines(self, now: datetime, zone: tzinfo | None = None) -> list[tuple[str, str]]:
        """Name and sentence, for people; the first says what happens. Times are in a zone (this machine's)."""
        return [
            ("Purge", self.outcome(now, zone)),
            ("Decides", self.verdict.decides),
            *(("Hold", f"{hold.name} ({hold.scope}), placed {_day(hold.placed, zone)} by {hold.placed_by}")
              for hold in self.verdict.holds),
            *(("Mailbox", _of_mailbox(each, self.verdict.decides, zone)) for each in self.verdict.mailboxes),
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
    return Explanation(verdict, tuple(stamps), quarantine)


def _of_mailbox(each: MailboxVerdict, said: str, zone: tzinfo | None) -> str:
    keeping, limits = each.keeping, each.limits
    until = f"keeps it until {_day(keeping.until, zone)}" if keeping.until else "keeps it"
    because = "" if keeping.because == said else f": {keeping.because}"
    words = [f"{each.address} {until}{because}; received {_moment(each.received, zone)}"]
    if (expires := leaves_view(each.stamps)) is not None:
        words.append(f"leaves its owner's view on {_moment(expires, zone)}")
    if limits.minimum_days:
        words.append(f"minimum {limits.minimum_days} days")
    if limits.maximum_days is not None:
        words.append(f"maximum {limits.maximum_days} days")
    return "; ".join(words)


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
