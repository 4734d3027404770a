"""Archiving first what the archive does not have, where a definition asks for that."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from mse_tui.archive.arrivals import Arrival
from mse_tui.archive.attachments import content_of
from mse_tui.archive.confirmation import Ask, Confirmed, Unconfirmed, Verdict, pair
from mse_tui.archive.foldertree import FolderTree
from mse_tui.archive.reading import Entry
from mse_tui.archive.taking_in import TakingIn
from mse_tui.archive.tombstones import purged_contents
from mse_tui.exchange.editing import ItemDetails
from mse_tui.exchange.rows import Area, Content
from mse_tui.features.feature import MailboxRun
from mse_tui.reasons import Reason

NOT_YET = 0
"""The message and folder of an item that would be archived first."""


class ArchivingFirst:
    """Takes items into the archive as folder replication would; private ones never come here."""

    def __init__(self, run: MailboxRun, tree: FolderTree) -> None:
        self._run = run
        self._tree = tree
        self._taking: TakingIn | None = None

    def take_in(self, items: Sequence[ItemDetails]) -> None:
        """Archive items; those whose content can't be had, or changed meanwhile, are left out."""
        if self._taking is None:
            run = self._run
            self._taking = TakingIn(run.task_id, run.identity, Area.PRIMARY, run.packs, run.fence)
        entries: dict[str, list[Entry]] = defaultdict(list)
        arrivals: list[Arrival] = []
        try:
            for details, arrival in self._arrivals(items):
                arrivals.append(arrival)
                entries[details.folder_id].append(Entry(details.row, arrival=arrival))
            self._taking.take_in(self._tree, entries)
        finally:
            for arrival in arrivals:
                arrival.close()

    def would_confirm(self, mailbox_id: int, items: Sequence[ItemDetails], *, held: Ask) -> list[Verdict]:
        """What asking again would say once the items were archived; changes nothing."""
        on_hold = NOT_YET in held(mailbox_id, [NOT_YET])
        verdicts: dict[str, Verdict] = {
            each.row.remote_id: Unconfirmed(each, Reason.NOT_ARCHIVED, "Its content could not be had.")
            for each in items
        }
        for details, arrival in self._arrivals(items):
            try:
                if purged_contents(mailbox_id, [(details.row, arrival)]):
                    continue
                verdict = self._would_confirm(details, arrival)
            finally:
                arrival.close()
            if on_hold and isinstance(verdict, Confirmed):
                verdict = Unconfirmed(details, Reason.ON_HOLD, "A hold lies on the mailbox.")
            verdicts[details.row.remote_id] = verdict
        return list(verdicts.values())

    def _would_confirm(self, details: ItemDetails, arrival: Arrival) -> Verdict:
        content = content_of(arrival.stream())
        pairs = pair(self._run.mailbox, details.attachments, content.attachments)
        if pairs is None:
            return Unconfirmed(details, Reason.ATTACHMENT_UNCONFIRMED, "Its content lacks an attachment.")
        return Confirmed(details, NOT_YET, NOT_YET, arrival.sha256, content, pairs)

    def _arrivals(self, items: Sequence[ItemDetails]) -> Iterator[tuple[ItemDetails, Arrival]]:
        """Contents of items that are still as their details say."""
        inside = [each for each in items if each.folder_id in self._tree.folders]
        answers = self._run.mailbox.fetch([(each.row.remote_id, each.row.size) for each in inside])
        for details, answer in zip(inside, answers, strict=True):
            if isinstance(answer, Content):
                if answer.change_key == details.row.change_key:
                    yield details, Arrival.of(answer.stream, answer.size)
                else:
                    answer.stream.close()
