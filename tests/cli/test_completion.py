"""What a shell is told when a person presses Tab, asked of the installed command as the shells ask."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mse_tui.home import Home
from mse_tui.store.database import open_database
from mse_tui.store.models import ArchiveMailbox
from tests.cli.conftest import Command

MSE_TUI = Path(sys.executable).with_name("mse-tui")


def completed(home: Path, line: str, *, shell: str = "bash") -> list[str]:
    """What the shell would offer at the end of this line; the last word is the one being typed ('' behind a space)."""
    words = ["mse-tui", *re.split(r"(?<!\\) ", line)]
    asked = {"COMP_WORDS": "\n".join(words) if shell == "fish" else " ".join(words)}
    asked["COMP_CWORD"] = words[-1] if shell == "fish" else str(len(words) - 1)
    environment = {**os.environ, "MSE_TUI_HOME": str(home), "_MSE_TUI_COMPLETE": f"{shell}_complete", **asked}
    ran = subprocess.run([MSE_TUI], capture_output=True, text=True, env=environment, check=False, timeout=60)
    assert ran.stderr == ""
    lines = ran.stdout.strip().splitlines()
    if shell == "zsh":
        return [value for kind, value in zip(lines[::3], lines[1::3], strict=False) if kind == "plain"]
    return [line.partition(",")[2].split("\t")[0] for line in lines]


@pytest.fixture
def site(with_task: Command, home: Home) -> Path:
    for arguments in (
        ("definition", "new", "MFR", "Index only"),
        ("definition", "new", "CAL", "Calendars"),
        ("schedule", "new", "daily", "Noon", "--at", "12:00"),
        ("task", "new", "Service desk", "--definition", "Index only", "--schedule", "Noon", "--group", "b@example.com"),
    ):
        assert with_task(*arguments).code == 0
    open_database(home.database)
    ArchiveMailbox.create(guid="g", address="ann@example.com", display_name="Ann")
    return home.path


@pytest.mark.skipif(not MSE_TUI.exists(), reason="needs the installed command mse-tui")
class TestTheInstalledCommand:
    @pytest.mark.parametrize(
        ("line", "offered"),
        [
            ("sch", ["schedule"]),
            ("task r", ["remove", "resume", "resync", "run"]),
            ("task run ", ["Sales", r"Service\ desk"]),
            (r"task run Service\ ", [r"Service\ desk"]),
            ('task run "serv', ["Service desk"]),
            ("task run sa", ["Sales"]),
            ("task run Sales --wh", ["--what-if"]),
            ("task set Sales --schedule n", ["Nightly", "Noon"]),
            ("task new X --type CAL --definition ", ["Calendars"]),
            ("definition show ", ["Calendars", "Everything", r"Index\ only"]),
            ("definition set MFR ", ["Everything", r"Index\ only"]),
            ("schedule remove no", ["Noon"]),
            ("archive ls a", ["ann@example.com"]),
            ("log s", ["Sales", r"Service\ desk"]),
            ("task run zzz", []),
        ],
    )
    def test_names_and_commands_are_offered(self, site: Path, line: str, offered: list[str]) -> None:
        assert sorted(completed(site, line)) == sorted(offered)

    @pytest.mark.parametrize("shell", ["zsh", "fish"])
    def test_other_shells_are_answered_in_their_way(self, site: Path, shell: str) -> None:
        assert completed(site, "task run s", shell=shell) == ["Sales", "Service desk"]

    def test_a_site_that_is_not_there_is_not_made_by_asking(self, tmp_path: Path) -> None:
        assert completed(tmp_path / "nowhere", "task run ") == []
        assert not (tmp_path / "nowhere").exists()

    def test_a_damaged_site_offers_nothing_and_complains_of_nothing(self, site: Path) -> None:
        (site / "mse-tui.db").write_text("no database")
        assert completed(site, "task run ") == []

    @pytest.mark.parametrize(("typed", "completed"), [("Sa", "Sales"), ("Se", r"Service\ desk")])
    def test_bash_completes_by_what_the_command_prints(self, site: Path, typed: str, completed: str) -> None:
        script = (
            f'PATH="{MSE_TUI.parent}:$PATH"; eval "$(mse-tui completion bash)"; COMP_WORDS=(mse-tui task run {typed});'
            ' COMP_CWORD=3; _mse_tui_completion mse-tui; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        bash = shutil.which("bash")
        assert bash is not None
        environment = {**os.environ, "MSE_TUI_HOME": str(site)}
        ran = subprocess.run([bash, "-c", script], capture_output=True, text=True, env=environment, check=True)
        assert ran.stdout == f"{completed}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(mse_tui: Command, shell: str) -> None:
    ran = mse_tui("completion", shell)
    assert ran.code == 0
    assert f"_MSE_TUI_COMPLETE={shell}_complete" in ran.out
