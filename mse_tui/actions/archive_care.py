"""Looking after the archive: verify it, compare it with the server, repair it, compact it. Repairs are audited."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from threading import Event

from mse_tui.access.roles import Role, needs
from mse_tui.actions import contents
from mse_tui.actions.audit import audit
from mse_tui.archive import backup, views
from mse_tui.archive.backup import BackupReport
from mse_tui.archive.compaction import GRACE, Compaction, CompactionReport
from mse_tui.archive.coverage import CoverageReport, DifferenceKind, compare
from mse_tui.archive.packs import Packs
from mse_tui.archive.repair import RepairReport, read_again, repair_from_mailbox, repair_from_packs
from mse_tui.archive.verify import Advance, Finding, VerifyReport, verify
from mse_tui.archive.views import MailboxView
from mse_tui.engine.leases import Leases
from mse_tui.engine.locks import locked
from mse_tui.engine.same_mailbox import refuse_another
from mse_tui.exchange.mailbox import Exchange
from mse_tui.features.adoption import Adoption
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store.lease_keys import engine_key
from mse_tui.store.queries import SiteRow
from mse_tui.terms import WITHHELD

log = logging.getLogger(__name__)

Told = Callable[[str], None]


@dataclass(slots=True)
class Care:
    """What was found, what was done about it, and what is left."""

    archive: VerifyReport
    mailboxes: list[CoverageReport] = field(default_factory=list)
    unreached: dict[str, Problem] = field(default_factory=dict)
    """Mailboxes that could not be compared, by address."""
    repair: RepairReport | None = None
    """None: nothing was to be repaired."""
    after: VerifyReport | None = None
    """The archive verified again after a repair."""

    @property
    def was_ok(self) -> bool:
        """Nothing was wrong in the first place."""
        return not self._is_in_doubt and self.archive.ok and all(report.ok for report in self.mailboxes)

    @property
    def is_ok(self) -> bool:
        """Nothing is wrong now, or the next execution takes it up."""
        if self.was_ok:
            return True
        repaired = self.repair is not None and not self.repair.failed
        return repaired and not self._is_in_doubt and (self.after or self.archive).ok

    @property
    def _is_in_doubt(self) -> bool:
        """Something is there that the archive knows nothing of, or could not be looked at: no repair mends that."""
        unknown = any(report.counts[DifferenceKind.UNKNOWN_STUB] for report in self.mailboxes)
        return unknown or bool(self.unreached or self.archive.unlisted)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the archive is to be verified, and whether to repair it."""

    read_data: bool = False
    exchange: Exchange | None = None
    """Compare mailboxes with what this organisation has."""
    mailboxes: Sequence[str] = ()
    """Only these mailboxes, by address or number; none named: all that the archive has."""
    repair: bool = False


@needs(Role.OPERATOR)
def verify_archive(
    packs: Packs, wanted: Wanted, *, advance: Advance | None = None, told: Told = lambda _: None
) -> Care:
    """Verify the archive; with an organisation also compare mailboxes with the server.

    A repair mends bad content from other packs and from the server, and has the next execution read folders again in
    which something is missing; unknown stubs get the originals that newer packs have. Each mailbox is locked while it
    is repaired. `told` gets the address of the mailbox that is compared. Raises Problem archive-unreadable, not-found,
    password-refused.
    """
    exchange, repair = wanted.exchange, wanted.repair
    chosen = (
        [views.mailbox(each) for each in wanted.mailboxes] if wanted.mailboxes else views.archived(views.mailboxes())
    )
    care = Care(verify(packs, read_data=wanted.read_data, advance=advance))
    bad = care.archive.bad_contents
    if repair and not care.archive.ok:
        mended = repair_from_packs(packs, bad)
        care.repair = RepairReport(repaired=len(mended))
        bad = [digest for digest in bad if digest not in mended]
    if exchange is not None:
        repairing = _Repairing(bad, Adoption(packs) if care.archive.unlisted else None) if repair else None
        for each in chosen:
            told(each.address)
            try:
                _compare(care, exchange, each, packs, repairing)
            except Problem as problem:
                if problem.reason in _FOR_ALL:
                    raise
                care.unreached[each.address] = problem
    if care.repair is not None:
        if bad and exchange is None:
            care.repair.failed.append("What no other pack has can be fetched with --against-exchange only.")
        Compaction(packs).retire({finding.pack for finding in care.archive.findings if finding.pack})
        care.after = verify(packs, read_data=wanted.read_data, advance=advance)
        audit("repair archive", str(packs.root), after=_told(care.repair))
    return _as_shown(care)


_FOR_ALL = (Reason.PASSWORD_REFUSED, Reason.ACCOUNT_HALTED, Reason.ARCHIVE_UNREADABLE, Reason.DISK_FULL)


@needs(Role.OPERATOR)
def compact(packs: Packs, site: SiteRow, *, without_grace: bool = False, what_if: bool = False) -> CompactionReport:
    """Collect what crashes left over and rewrite packs that are mostly dead. Raises Problem archive-unreadable, ...

    With `what_if` only what that would be; nothing is changed. Without grace only while no engine runs, else Problem
    engine-running-elsewhere.
    """
    holder = Leases().holder(engine_key(site.code))
    if without_grace and holder:
        raise Problem(
            Reason.ENGINE_RUNNING_ELSEWHERE, f"{holder} is running.", "Stop it first, or compact with the day's grace."
        )
    compaction = Compaction(packs, grace=timedelta(0) if without_grace else GRACE)
    if what_if:
        return compaction.foresee()
    report = compaction.run()
    audit("compact archive", str(packs.root), after=f"{report.rewritten} rewritten, {report.freed} bytes freed")
    return report


@needs(Role.OPERATOR)
@needs(Role.AUDITOR)
def back_up(
    home: Home, packs: Packs, directory: Path, *, prune: bool = False, advance: Advance | None = None
) -> BackupReport:
    """Back the site up into a directory; audited. May run beside the engine.

    Needs the role of who may look into archives: a backup has all that they hold. Raises Problem as `backup.back_up`.
    """
    audit("back up", str(directory), after={"prune": prune})
    return backup.back_up(home, packs, directory, prune=prune, advance=advance)


@dataclass(frozen=True, slots=True)
class _Repairing:
    """What is to be mended in mailboxes."""

    bad: list[bytes]
    """Contents to be fetched."""
    adoption: Adoption | None
    """None: all packs are listed."""


def _compare(care: Care, exchange: Exchange, archived: MailboxView, packs: Packs, repairing: _Repairing | None) -> None:
    """Compare one mailbox, or repair it too."""
    with exchange.mailbox(archived.address, Event()) as mailbox:
        refuse_another(mailbox, archived)
        if repairing is None:
            care.mailboxes.append(compare(mailbox))
            return
        with locked(mailbox, "archive verify --repair") as fence:
            adoption = repairing.adoption
            if adoption is not None and (adopted := adoption.adopt(mailbox, fence)):
                care.repair = care.repair or RepairReport()
                care.repair.adopted += adopted
            report = compare(mailbox)
            care.mailboxes.append(report)
            if repairing.bad:
                care.repair = care.repair or RepairReport()
                repair_from_mailbox(mailbox, packs, fence, repairing.bad, care.repair)
            if not report.ok:
                care.repair = care.repair or RepairReport()
                care.repair.folders += [f"{archived.address}: {path}" for path in read_again(report)]


def _as_shown(care: Care) -> Care:
    """Without subjects and folders where they are not the person's to know; else a look at each mailbox is audited."""
    named = sorted({each.address for each in care.mailboxes if each.differences or each.not_covered})
    if contents.are_shown():
        for address in named:
            audit("look into archive", address, after={"for": "archive verify"})
        if any(finding.messages for finding in care.archive.findings):
            audit("look into archive", contents.ALL_MAILBOXES, after={"for": "archive verify"})
        return care
    for report in filter(None, (care.archive, care.after)):
        report.findings = [_of_mailboxes(each) for each in report.findings]
    for coverage in care.mailboxes:
        coverage.differences = [replace(each, path=WITHHELD, subject=WITHHELD) for each in coverage.differences]
        coverage.not_covered = [WITHHELD] * len(coverage.not_covered)
    if care.repair is not None:
        care.repair.folders = [f"{each.partition(':')[0]}: {WITHHELD}" for each in care.repair.folders]
    return care


def _of_mailboxes(finding: Finding) -> Finding:
    """Whose mail is concerned, without what it is."""
    return replace(finding, messages=tuple(dict.fromkeys(each.partition(": ")[0] for each in finding.messages)))


def _told(report: RepairReport) -> dict[str, object]:
    return {
        "repaired": report.repaired,
        "adopted": report.adopted,
        "read again": report.folders,
        "not repaired": len(report.failed),
    }
