"""A mailbox of a million messages: everything arrives, and neither the server nor the engine grows with it.

The server and the engine have a process each; what they took at most is asked of the system.
"""

from pathlib import Path

import pytest

from mse_tui.archive.packs import Packs
from mse_tui.archive.verify import verify
from mse_tui.home import Home
from mse_tui.store.database import close_database, open_database
from mse_tui.store.models import Blob, Placement, Task
from tests.benchmarks.__main__ import product, row
from tests.benchmarks.bare_loop import peak_mb
from tests.benchmarks.organisation import organisation

MESSAGES = 1_000_000
MEAN_BYTES = 3_000
CHANGES = 500
MOST_MEGABYTES = 200
MOST_MEGABYTES_OF_THE_SERVER = 400


@pytest.mark.soak
@pytest.mark.timeout(6 * 3600)
def test_a_million_messages_take_no_more_memory_than_a_thousand(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "home")
    with organisation(tmp_path / "organisation", MESSAGES, MEAN_BYTES) as served:
        with product(served, home.path, in_flight=2) as running:
            first, unchanged = running.execute(), running.execute()
            server_megabytes = peak_mb(served.pid)
            served.change(CHANGES)
            changed = running.execute()
        for name, outcome in (("first pass", first), ("unchanged", unchanged), (f"{CHANGES} changes", changed)):
            row(name, outcome, None)
        print(f"server: {server_megabytes:.0f} MB peak")
    assert first.items >= MESSAGES
    assert unchanged.items == 0
    assert changed.peak_mb < MOST_MEGABYTES
    assert server_megabytes < MOST_MEGABYTES_OF_THE_SERVER
    open_database(home.database)
    try:
        assert Placement.select().count() >= MESSAGES
        assert Blob.select().count() > MESSAGES * 0.9
        assert Task.get().sequence > 0
        assert verify(Packs(home.archive), read_data=True).findings == []
    finally:
        close_database()
