"""What `pip install .` gives: the command, with everything that it needs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mse_tui import __version__
from tests.conftest import REPOSITORY


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_fresh_environment_gets_the_command_and_its_data(tmp_path: Path) -> None:
    source, environment = tmp_path / "source", tmp_path / "environment"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (REPOSITORY / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, source / name)
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    _run(
        environment / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--constraint", "requirements.lock", ".", cwd=source,
    )  # fmt: skip
    shutil.rmtree(source)
    command = environment / "bin" / "mse-tui"
    assert _run(command, "--version", cwd=tmp_path) == f"mse-tui {__version__}\n"
    assert "[exchange]" in _run(command, "site", "example", cwd=tmp_path)
    _run(environment / "bin" / "python", "-c", "from mse_tui.app import MseTuiApp", cwd=tmp_path)
    small = ("--home", tmp_path / "home", "demo", "--headless", "--people", "3", "--messages", "60")
    assert "success" in _run(command, *small, cwd=tmp_path)


def _run(program: Path, *arguments: object, cwd: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "MSE_TUI_HOME")}
    ran = subprocess.run(
        [str(program), *map(str, arguments)], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout
