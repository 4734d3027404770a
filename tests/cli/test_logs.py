"""How log lines read."""

import io
import logging

from mse_tui.cli.logs import PlainFormatter


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
