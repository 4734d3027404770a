"""What holds for the code as a whole: who may import whom, and what is loaded when no screen is wanted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mse_tui.reasons import Reason, explain
from tests.conftest import REPOSITORY

HEADLESS = (
    "access", "actions", "archive", "config", "directory", "engine", "exchange", "features", "home", "reasons",
    "sandbox", "store", "terms", "text", "web",
)  # fmt: skip


def test_import_contracts_hold() -> None:
    # In a process of its own: the linter silences every logger that its process has.
    configuration = str(REPOSITORY / "pyproject.toml")
    program = f"""
import sys
from importlinter.cli import lint_imports
sys.exit(lint_imports(config_filename={configuration!r}, cache_dir=None))
"""
    _python("-c", program)


def test_no_headless_module_loads_a_terminal_library() -> None:
    program = f"""
import importlib, pkgutil, sys, mse_tui
wanted = {HEADLESS!r}
names = [m.name for m in pkgutil.walk_packages(mse_tui.__path__, "mse_tui.") if m.name.split(".")[1] in wanted]
assert len(names) > 50, names
for name in names:
    if ".migrations." not in name:
        importlib.import_module(name)
print(sorted({{m.split(".")[0] for m in sys.modules}} & {{"textual", "rich"}}))
"""
    assert _python("-c", program).stdout.strip() == "[]"


@pytest.mark.parametrize(
    "arguments", [["--version"], ["--help"], ["status"], ["engine", "--help"], ["task", "list"], ["site", "show"]]
)
def test_commands_do_not_load_the_screens(arguments: list[str], tmp_path: Path) -> None:
    program = f"""
import sys
from mse_tui.cli.main import run
home = ["--home", {str(tmp_path / "home")!r}]
assert run([*home, "schedule", "new", "daily", "Nightly", "--at", "22:00"]) == 0
code = run([*home, *{arguments!r}])
loaded = {{m.split(".")[0] for m in sys.modules}}
print("LOADED", sorted(loaded & {{"textual", "rich"}}), code)
"""
    last = _python("-c", program).stdout.strip().splitlines()[-1]
    assert last.startswith("LOADED []"), last


@pytest.mark.parametrize("arguments", [["definition", "list"], ["plan", "nothing.toml"], ["apply", "--help"]])
def test_commands_that_word_settings_do_not_load_the_screens(arguments: list[str], tmp_path: Path) -> None:
    program = f"""
import sys
from mse_tui.cli.main import run
run(["--home", {str(tmp_path / "home")!r}, *{arguments!r}])
print("LOADED", sorted({{m.split(".")[0] for m in sys.modules}} & {{"textual"}}))
"""
    assert _python("-c", program).stdout.strip().splitlines()[-1] == "LOADED []"


def test_version_loads_no_library_but_click() -> None:
    program = """
import sys
from mse_tui.cli.main import run
run(["--version"])
print(sorted({m.split(".")[0] for m in sys.modules} & {"peewee", "pydantic", "exchangelib", "lxml", "requests"}))
"""
    assert _python("-c", program).stdout.strip().splitlines()[-1] == "[]"


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_says_what_happened_and_what_to_do(reason: Reason) -> None:
    explanation = explain(reason)
    assert explanation.happened.endswith(".")
    assert explanation.remedy.endswith(".") or ":" in explanation.remedy


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TERM": "xterm"}
    finished = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return finished
