"""How log lines read."""

import io
import logging
import subprocess
import sys

from mse_tui.cli.logs import PlainFormatter
from mse_tui.home import Home


def _line(message: str, **about: object) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PlainFormatter())
    handler.handle(logging.makeLogRecord({"msg": message, "levelname": "INFO", "name": "mse_tui.engine", **about}))
    return stream.getvalue()


def test_a_line_says_what_it_is_about() -> None:
    line = _line("done", task="Sales", execution=7, mailbox="ann@example.com")
    assert line.endswith("INFO    mse_tui.engine: done [task=Sales, execution=7, mailbox=ann@example.com]\n")


def test_a_line_about_nothing_has_no_brackets() -> None:
    assert _line("ready").endswith(": ready\n")


def test_outside_text_stays_on_its_line() -> None:
    assert _line("folder a\x1b[2J\nforged line").count("\n") == 1
    assert "\x1b" not in _line("folder a\x1b[2J")


def test_a_command_without_a_log_tells_a_warning_as_it_tells_a_fault(home: Home) -> None:
    program = (
        "import logging; from mse_tui.cli.main import run;"
        f" run(['--home', {str(home.path)!r}, 'status']);"
        " logging.getLogger('some').info('nothing of note'); logging.getLogger('some').warning('odd\\nforged')"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stderr.splitlines()[-1] == "mse-tui: warning: odd\\nforged"
