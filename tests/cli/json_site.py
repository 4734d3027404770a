"""What the site of the JSON page has beside the seeds of screens: real stubs, and what waits for a person."""

from mse_tui.actions.definitions import create_definition
from mse_tui.actions.retention import set_retention
from mse_tui.archive.packs import Packs
from mse_tui.config.loading import load_configuration
from mse_tui.exchange.ews import connect
from mse_tui.home import Home
from mse_tui.sandbox.server import SandboxServer
from mse_tui.store import queries
from mse_tui.store.groups import GroupAnswer
from mse_tui.store.models import Definition, Execution, Task
from mse_tui.store.retention import RetentionSetting
from mse_tui.terms import TaskType
from tests.exchange.canned import Halts, opened
from tests.features.managing import Management
from tests.support.owner import Owner

PURGES = {"well_known_folders": [{"folder": "Inbox", "policy": {"archive_purge_after_days": 400}}]}


def stubbed_mailbox(home: Home, server: SandboxServer) -> str:
    """The address of a mailbox of which one stub was moved, one is gone, and one is where it was made."""
    owner = Owner(server)
    for number in (1, 2, 3):
        owner.add(number, attachments=[("a.bin", bytes(20_000))])
    with opened(connect(load_configuration(home.config).exchange, Halts()), owner.address) as mailbox:
        Management(mailbox, Packs(home.archive), Task.get(Task.description == "Nordlicht")).run()
    moved, lost, _ = [row["id"] for row in owner.store.items(owner.folder("inbox"))]
    owner.store.move_item(moved, owner.folder("drafts"))
    owner.store.delete_item(lost)
    return str(owner.address)


def seed_what_waits_for_a_person() -> None:
    """Purges that somebody else has defined, and a task whose group has shrunk."""
    set_retention({"minimum_days": 365, "maximum_days": 3650, "default_days": 400})
    for name in ("Seven years", "Ten years"):
        create_definition(TaskType.MANAGED_FOLDERS, name, PURGES)
    for model in (Definition, RetentionSetting):
        model.update(created_by="carla", modified_by="carla").execute()
    board = Task.get(Task.description == "Board, office hours")
    newest = queries.executions_of(board.id)[0].id
    Execution.update(reason="group-shrunk", light="red").where(Execution.id == newest).execute()
    GroupAnswer.update(accepted=None).execute()
