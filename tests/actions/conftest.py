"""A site with one definition and one schedule."""

from dataclasses import dataclass
from datetime import time

import pytest

from mse_tui.actions.definitions import create_definition
from mse_tui.actions.opening import open_site
from mse_tui.actions.schedules import create_schedule
from mse_tui.actions.tasks import create_task
from mse_tui.engine.schedules import Once, daily
from mse_tui.home import Home
from mse_tui.terms import TaskType


@dataclass(frozen=True)
class Ready:
    """What a task needs."""

    site: int
    definition: int
    schedule: int

    def task(self, description: str = "Sales", group: str = "ann@example.com") -> int:
        return create_task(
            description,
            site_id=self.site,
            task_type=TaskType.FOLDER_REPLICATION,
            definition_id=self.definition,
            schedule_id=self.schedule,
            group=group,
        )


@pytest.fixture
def ready(store: Home) -> Ready:
    return Ready(
        site=open_site(store).id,
        definition=create_definition(TaskType.FOLDER_REPLICATION, "Everything", {}),
        schedule=create_schedule("Every night", daily(Once(at=time(22)), "Europe/Berlin")),
    )
