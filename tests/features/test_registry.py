"""The task types by name: each is imported when it is asked for."""

import subprocess
import sys

import pytest

from mse_tui.features import FEATURES, takes_away
from mse_tui.terms import TaskType
from tests.conftest import REPOSITORY


@pytest.mark.parametrize("task_type", list(TaskType))
def test_every_type_has_its_feature_and_is_known_for_what_it_takes_away(task_type: TaskType) -> None:
    feature = FEATURES[task_type]
    assert feature.task_type is task_type
    assert feature.destructive is takes_away(task_type)


def test_the_types_in_their_order() -> None:
    assert list(FEATURES) == list(TaskType)
    assert len(FEATURES) == len(TaskType)


def test_the_dashboard_imports_no_task_type() -> None:
    program = (
        "import sys, mse_tui.app, mse_tui.screens.dashboard;"
        "print(*[name for name in sys.modules if name.endswith(('_pass', '_replication', 'icalendar'))])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert ran.stdout.split() == []
