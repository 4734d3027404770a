"""A site is backed up while its engine works, put in place elsewhere, and goes on as if nothing had been."""

import json
import shutil
from pathlib import Path

import pytest

from mse_tui.actions.archive_care import Wanted, verify_archive
from mse_tui.archive.packs import Packs
from mse_tui.cli.main import run
from mse_tui.engine.leases import Leases
from mse_tui.home import Home
from mse_tui.sandbox.churn import churn
from mse_tui.store import queries
from mse_tui.store.database import open_database
from mse_tui.store.lease_keys import engine_key
from mse_tui.store.models import Lease
from tests.journeys.conftest import SiteUnderTest


@pytest.mark.slow
def test_a_site_moves_by_its_backup(site: SiteUnderTest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    addresses = [row.address for row in site.server.store.mailboxes()][:2]
    task = site.task("Folders", addresses)
    backup = tmp_path / "backup"
    with site.engine():
        assert [outcome.execution.light.value for outcome in site.run(task)] == ["green"]
        assert _back_up(site, backup, capsys)["copied"] > 0
        churn(site.server.store, 60, 3)
        site.run(task)
        again = _back_up(site, backup, capsys)
        assert 0 < again["copied"] < again["packs"]
        archived = {address: site.archived(address) for address in addresses}
        code = queries.sites()[0].code
    churn(site.server.store, 30, 4)
    moved = _moved(site, backup, tmp_path / "elsewhere")
    assert queries.sites()[0].code == code
    assert Leases().holder(engine_key(code)) == ""
    assert {address: moved.archived(address) for address in addresses} == archived
    assert verify_archive(Packs(moved.home.archive), Wanted(read_data=True)).is_ok
    with moved.engine():
        (outcome,) = moved.run(task)
        assert outcome.execution.light.value == "green"
        assert {row.mode for row in outcome.results} == {"differential"}
        assert sum(row.counters.get("items_added", 0) for row in outcome.results) > 0


def _back_up(site: SiteUnderTest, directory: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, int]:
    capsys.readouterr()
    assert run(["--home", str(site.home.path), "archive", "backup", str(directory), "--json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


def _moved(site: SiteUnderTest, backup: Path, to: Path) -> SiteUnderTest:
    """As the operator's guide says: the directory in place, no backup any more, the password file, the engine there."""
    shutil.copytree(backup, to)
    (to / "mse-tui.backup").unlink()
    assert not (to / "exchange.password").exists()
    shutil.copy2(site.home.path / "exchange.password", to / "exchange.password")
    home = Home.open(to)
    open_database(home.database)
    Lease.update(until=0).execute()  # half a minute has passed
    return SiteUnderTest(home, site.server)
