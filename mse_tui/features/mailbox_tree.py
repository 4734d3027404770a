"""A mailbox's folder tree as it is now."""

from mse_tui.archive.foldertree import FolderTree
from mse_tui.exchange.mailbox import Mailbox
from mse_tui.exchange.rows import Area, FolderChanges


def read_tree(mailbox: Mailbox, area: Area = Area.PRIMARY) -> FolderTree:
    """The tree of one area, read from its beginning."""
    state, pages = None, list[FolderChanges]()
    while not pages or not pages[-1].last:
        pages.append(mailbox.folder_changes(area, state))
        state = pages[-1].state
    return FolderTree(mailbox.root(area).remote_id, {}).changed(pages)
