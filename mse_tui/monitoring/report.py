"""One execution as a page or a table to hand on: a row a mailbox, with counters, reasons and what to do."""

import csv
import html
from collections.abc import Iterator, Sequence
from typing import TextIO

from mse_tui.actions import contents
from mse_tui.reasons import Reason, explain
from mse_tui.store import queries
from mse_tui.store.queries import ExecutionDetail, ExecutionRow, MailboxResultRow
from mse_tui.text import printable
from mse_tui.widgets.counters import counters_said
from mse_tui.widgets.wording import item_said

_COLUMNS = ("no.", "mailbox", "began (UTC)", "ended (UTC)", "mode", "result", "reason", "message")
_RESULT = _COLUMNS.index("result")
_COLOURS = {"green": "#1a7f37", "orange": "#9a6700", "red": "#cf222e", "none": "#57606a"}
_STYLE = (
    "body{font:14px/1.4 system-ui,sans-serif;margin:2em;color-scheme:light dark}"
    "table{border-collapse:collapse;margin:1em 0}th,td{text-align:left;vertical-align:top;padding:.25em .8em .25em 0;"
    "border-bottom:1px solid #8884}td.n{text-align:right}"
)


def write_csv(detail: ExecutionDetail, target: TextIO) -> None:
    """The execution's own row, which names no mailbox, then a row a mailbox: what it was and how it went.

    Then a column a counter and a column a reason for skipping.
    """
    counters, skipped = (sorted(found) for found in queries.totals(detail.execution.id))
    rows = csv.writer(target)
    rows.writerow([*_COLUMNS, *counters, *(f"skipped: {reason}" for reason in skipped), "failed items"])
    rows.writerow([*map(_harmless, _own_cells(detail.execution)), *[""] * (len(counters) + len(skipped) + 1)])
    for one in _results(detail):
        numbers = [one.counters.get(name, 0) for name in counters] + [one.skipped.get(name, 0) for name in skipped]
        rows.writerow([*map(_harmless, _cells(one)), *numbers, _harmless(_failures(one, "; "))])


def write_html(detail: ExecutionDetail, target: TextIO) -> None:
    """One page that needs nothing else: no scripts, nothing from elsewhere, readable in light and dark."""
    row = detail.execution
    title = html.escape(f"{printable(row.shown_task)}: {row.word}, {_time(row.started)} UTC")
    target.write(f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>')
    target.write(f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>\n')
    target.write(f"<h1>{title}</h1>\n")
    target.write(_facts(row))
    counters, skipped = queries.totals(row.id)
    skips = [(reason, f"{number:,}") for reason, number in skipped.items()]
    for heading, found in (("Counters", list(counters_said(row.type, counters))), ("Skipped", skips)):
        if found:
            target.write(f"<h2>{heading}</h2>\n<table>")
            target.writelines(
                f'<tr><td>{html.escape(name)}</td><td class="n">{amount}</td></tr>\n' for name, amount in found
            )
            target.write("</table>\n")
    target.write("<h2>Mailboxes</h2>\n<table><tr>")
    target.writelines(f"<th>{html.escape(name)}</th>" for name in _COLUMNS)
    target.write("</tr>\n")
    for one in _results(detail):
        target.write(_mailbox(one))
    target.write("</table>\n</body></html>\n")


def _facts(row: ExecutionRow) -> str:
    told = f"{row.trigger}, {row.asked_by}" if row.asked_by else row.trigger
    facts = (
        ("Result", row.word),
        ("Message", row.message),
        ("Reason", row.reason),
        ("What to do", _remedy(row.reason)),
        ("Type", row.type.label),
        ("Why it began", told),
        ("Began (UTC)", _time(row.started)),
        ("Ended (UTC)", _time(row.finished)),
        ("Mailboxes", f"{row.processed} of {row.mailboxes}"),
    )
    rows = "".join(f"<tr><th>{name}</th><td>{_escaped(value)}</td></tr>\n" for name, value in facts if value)
    return f"<table>{rows}</table>\n"


def _mailbox(one: MailboxResultRow) -> str:
    cells = list(map(_escaped, _cells(one)))
    cells[_RESULT] = f'<b style="color:{_COLOURS[one.light.value]}">{cells[_RESULT]}</b>'
    more = "".join(
        f"<br>{_escaped(text)}" for text in (_remedy(one.reason), *_failures(one, "\n").splitlines()) if text
    )
    cells[-1] += more
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>\n"


def _own_cells(row: ExecutionRow) -> Sequence[str]:
    return ("", "", _time(row.started), _time(row.finished), "", row.word, row.reason, row.message)


def _cells(one: MailboxResultRow) -> Sequence[str]:
    return (
        str(one.position), one.address, _time(one.started), _time(one.finished), one.mode, one.word, one.reason,
        one.message,
    )  # fmt: skip


def _failures(one: MailboxResultRow, separator: str) -> str:
    return separator.join(
        f"{item_said(failure.item)}: {failure.message} [{failure.reason}]" for failure in one.failures
    )


def _results(detail: ExecutionDetail) -> Iterator[MailboxResultRow]:
    return contents.all_mailbox_results(detail.execution.id)


def _remedy(reason: str) -> str:
    return explain(Reason(reason)).remedy if reason in set(Reason) else ""


def _time(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""


def _escaped(text: str) -> str:
    return html.escape(printable(text))


def _harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    text = printable(text)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
