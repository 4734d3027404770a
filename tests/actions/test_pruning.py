"""How long records are kept: shown from, and written into, the configuration file."""

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from mse_tui.access.roles import Role, Roles, use_roles
from mse_tui.actions.pruning import pruning, set_pruning, would_go
from mse_tui.config.editing import set_values
from mse_tui.config.loading import load_configuration
from mse_tui.config.site import EngineSettings
from mse_tui.engine.housekeeping import Ages, ages_now
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import now
from mse_tui.store.models import Audit, Execution
from tests.actions.conftest import Ready
from tests.support.other_users import GROUP, missing

WRITTEN = """\
# Ours; ask Ann before you change it.
[exchange]
endpoint = "https://mail.example.com/EWS/Exchange.asmx"   # the old host
user = 'EXAMPLE\\svc'
password_env = "MSE_TEST_PASSWORD"

[engine]
workers = 2     # it is a small machine
# keep_executions_days = 400
"""


@pytest.fixture
def config(store: Home) -> Path:
    store.config.write_text(WRITTEN)
    store.config.chmod(0o640)
    return store.config


def execute(ready: Ready, *ages: int) -> None:
    task = ready.task()
    for days in ages:
        moment = now() - timedelta(days=days)
        Execution.create(task=task, trigger="schedule", started=moment, finished=moment, definition="{}")


def test_what_is_kept_is_told(ready: Ready, config: Path) -> None:
    execute(ready, 500, 90, 3)
    found = pruning(config)
    assert (found.executions_days, found.audit_days) == (400, 3650)
    assert found.executions == 3
    assert found.oldest_execution is not None
    assert (now() - found.oldest_execution).days == 500
    assert found.audit_entries == Audit.select().count()
    assert would_go(config) == (1, 0)
    assert would_go(config, executions_days=30) == (2, 0)


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_the_group_that_may_read_the_file_stays(config: Path) -> None:
    os.chown(config, -1, GROUP.gr_gid)
    set_values(config, "engine", {"keep_audit_days": 5})
    assert (config.stat().st_gid, stat.S_IMODE(config.stat().st_mode)) == (GROUP.gr_gid, 0o640)


def test_one_setting_is_written_and_the_rest_of_the_file_stays(ready: Ready, config: Path) -> None:
    set_pruning(config, executions_days=30)
    expected = WRITTEN.replace("machine\n", "machine\n", 1)
    lines = config.read_text().splitlines()
    assert [line for line in lines if line != "keep_executions_days = 30"] == expected.splitlines()
    assert load_configuration(config).engine.keep_executions_days == 30
    assert load_configuration(config).engine.workers == 2
    assert stat.S_IMODE(config.stat().st_mode) == 0o640
    assert [path.name for path in config.parent.iterdir() if "config" in path.name] == ["config.toml"]
    entry = Audit.select().order_by(Audit.id.desc()).get()
    assert entry.action == "change pruning"
    assert entry.after == '{"keep_executions_days": 30}'
    set_pruning(config, executions_days=30)
    assert Audit.select().where(Audit.action == "change pruning").count() == 1


def test_a_file_without_the_table_gets_it(ready: Ready, config: Path) -> None:
    config.write_text(WRITTEN.partition("[engine]")[0])
    set_pruning(config, audit_days=1000)
    assert load_configuration(config).engine.keep_audit_days == 1000


@pytest.mark.parametrize("days", [0, -1, 10**9])
def test_ages_that_make_no_sense_are_refused(ready: Ready, config: Path, days: int) -> None:
    with pytest.raises(Problem) as refused:
        set_pruning(config, executions_days=days)
    assert refused.value.reason is Reason.INVALID
    assert "keep_executions_days" in refused.value.happened
    assert config.read_text() == WRITTEN


def test_without_a_file_nothing_is_changed_nor_said_to_be(ready: Ready, store: Home) -> None:
    with pytest.raises(Problem, match="There is no configuration") as refused:
        set_pruning(store.config, executions_days=30)
    assert "mse-tui site example" in refused.value.remedy
    assert not Audit.select().where(Audit.action == "change pruning").exists()


def test_what_the_file_does_not_allow_is_to_be_written_by_hand(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[engine\n")
    with pytest.raises(Problem) as refused:
        set_values(file, "engine", {"keep_audit_days": 5})
    assert refused.value.remedy == "Write it by hand under [engine]: keep_audit_days = 5"
    assert file.read_text() == "[engine\n"


def test_it_takes_who_may_delete(ready: Ready, config: Path) -> None:
    use_roles(Roles({Role.DESTRUCTIVE: frozenset({"nobody is in it"})}))
    try:
        with pytest.raises(Problem) as refused:
            set_pruning(config, executions_days=1)
    finally:
        use_roles(Roles())
    assert refused.value.reason is Reason.ROLE_MISSING
    assert config.read_text() == WRITTEN


def test_the_engine_goes_by_the_file_as_it_is_now(config: Path) -> None:
    at_start = EngineSettings(keep_executions_days=7, keep_audit_days=8)
    config.write_text(WRITTEN + "keep_executions_days = 50\n")
    assert ages_now(config, at_start) == Ages(timedelta(days=50), timedelta(days=3650))


@pytest.mark.parametrize("text", [None, "[engine\n", "[engine]\nkeep_executions_days = 0\n"])
def test_a_file_that_cannot_be_read_never_lets_more_go(store: Home, text: str | None) -> None:
    if text is not None:
        store.config.write_text(text)
    at_start = EngineSettings(keep_executions_days=700, keep_audit_days=8)
    assert ages_now(store.config, at_start) == Ages(timedelta(days=700), timedelta(days=8))
