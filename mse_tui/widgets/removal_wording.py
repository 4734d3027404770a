"""What becomes of what tasks did when they are removed, in words."""

from collections.abc import Collection

from mse_tui.terms import TaskType
from mse_tui.widgets.wording import count

WITH_HISTORY = (TaskType.FOLDER_REPLICATION, TaskType.CALENDAR_REPLICATION)
"""Types that keep up the history of mailboxes."""


def what_removing_does(types: Collection[TaskType], grants: int, *, tasks: int = 1, ran: bool = True) -> str:
    """Sentences, one a line, for tasks of these types that leave so many grants to nobody.

    `ran`: one of them at least was executed, so there is a history.
    """
    their, it, them = ("its", "it", "it") if tasks == 1 else ("their", "they", "them")
    said = []
    if ran and any(each in WITH_HISTORY for each in types):
        said.append(
            f"Removing {them} resets the Full view of all {their} mailboxes, unless the history"
            " is kept: the folder history so far is hidden, and the next task on them begins with a full execution. No"
            " content is deleted, nor the history that another task on those mailboxes maintains."
        )
    if TaskType.PERMISSIONS_SYNC in types:
        said.append(
            f"No other task follows {count(grants, 'grant')} that come from Exchange. They are taken back, unless they"
            " are to stay: then nobody takes them back when Exchange does."
            if grants
            else "What was granted by hand stays, and what another task follows."
        )
    if TaskType.STORAGE_MANAGEMENT in types:
        said.append("Stubs stay in mailboxes; their links work on, and their originals can be put back.")
    if TaskType.MANAGED_FOLDERS in types:
        said.append(f"Folders that {it} made stay in mailboxes, as do stamps in the archive.")
    said.append(f"{their.capitalize()} summary logs stay until age prunes them.")
    return "\n".join(said)
