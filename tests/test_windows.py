"""Full-sync exclusion windows."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from mse_tui.features.folder_replication import FolderReplicationDefinition
from mse_tui.windows import WeeklyWindow


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "moment", "inside"),
    [
        ("Mon-Fri 08:00-18:00 UTC", "2024-05-06T08:00", True),
        ("Mon-Fri 08:00-18:00 UTC", "2024-05-06T18:00", False),
        ("Mon-Fri 08:00-18:00 UTC", "2024-05-05T12:00", False),
        ("Mon-Fri 08:00-18:00 Europe/Berlin", "2024-05-06T06:30", True),
        ("Mon-Fri 08:00-18:00 Europe/Berlin", "2024-05-06T16:30", False),
        ("Sat 22:00-04:00 UTC", "2024-05-05T03:59", True),
        ("Sat 22:00-04:00 UTC", "2024-05-05T22:30", False),
        ("Fri-Mon 10:00-11:00 UTC", "2024-05-05T10:30", True),
        ("Sun 00:00-24:00 UTC", "2024-05-05T23:59", True),
    ],
)
def test_window_covers(window, moment, inside):
    assert WeeklyWindow.parse(window).covers(at(moment)) is inside


def test_window_is_kept_in_one_form():
    definition = FolderReplicationDefinition(full_sync_exclusion_windows=["monday-wed  8:00 - 18:00 UTC"])
    assert definition.full_sync_exclusion_windows == ("Mon,Tue,Wed 08:00-18:00 UTC",)
    again = FolderReplicationDefinition.model_validate_json(definition.model_dump_json())
    assert again == definition


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("always", "Mon-Fri 08:00-18:00 Europe/Berlin"),
        ("Mon-Foo 08:00-18:00 UTC", "'Foo' is not a day"),
        ("Mon 25:00-26:00 UTC", "'25:00' is not a time"),
        ("Mon 08:00-18:00 Mars/Olympus", "'Mars/Olympus' is not a time zone"),
        ("Mon 08:00-18:00 ../../etc/passwd", "is not a time zone"),
    ],
)
def test_wrong_windows_say_what_is_wrong(text, said):
    with pytest.raises(ValidationError) as caught:
        FolderReplicationDefinition(full_sync_exclusion_windows=[text])
    assert said in str(caught.value)
