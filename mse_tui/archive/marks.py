"""Items of a mailbox that have a stub's mark, and those of them that this archive knows nothing of."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from mse_tui.archive import stubs
from mse_tui.exchange.editing import ItemDetails, ItemQuery, Mark
from mse_tui.exchange.mailbox import Mailbox
from mse_tui.reasons import Problem, Reason


def find_marked(
    mailbox: Mailbox, folder_ids: Sequence[str], boundary: Callable[[], None] = lambda: None
) -> dict[str, list[ItemDetails]]:
    """Every marked item of these folders by its key; an owner may have copied a stub.

    Raises Problem also where a single item can't be looked at: what is not seen must not pass for gone.
    """
    ids: list[str] = []
    for page in mailbox.editing.find_in(folder_ids, ItemQuery(mark=(Mark.STUB, ""))):
        boundary()
        ids += [row.remote_id for row in page]
    boundary()
    found: dict[str, list[ItemDetails]] = {}
    for details in mailbox.editing.details(ids) if ids else ():
        if isinstance(details, ItemDetails):
            if details.row.stub:
                found.setdefault(details.row.stub, []).append(details)
        elif details.reason is not Reason.ITEM_NOT_FOUND:
            raise Problem(details.reason, details.message)
    return found


def of_unknown_originals(marked: Mapping[str, Iterable[ItemDetails]]) -> list[ItemDetails]:
    """Of marked items, those whose keys are in the registry of no mailbox."""
    known = stubs.registered(marked)
    return [details for key, items in marked.items() if key not in known for details in items]
