"""Questions: Enter pressed out of turn changes nothing."""

import ast
from collections.abc import Iterator
from pathlib import Path

import mse_tui

PACKAGE = Path(mse_tui.__file__).parent
MAY_DO_SOMETHING = {
    "action_task_run": "on which mailboxes: nothing, for several tasks and for what takes away",
    "action_task_change": "what to change: the next question changes it",
    "action_create": "which type: a form follows",
    "action_message_attachment": "which attachment",
    "action_view": "which view is shown",
    "action_calendar_choose": "which calendar is shown",
    "action_calendar_view": "which view is shown",
}
"""By the method that asks: why its first choice may be one that does something."""


def questions() -> Iterator[tuple[str, ast.expr | None]]:
    """Every question with choices: the function that asks it, and what its first choice answers if that is known."""
    for path in sorted([PACKAGE / "app.py", *(PACKAGE / "screens").glob("*.py")]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Choice":
                    yield function.name, first_answer(function, call)


def first_answer(function: ast.AST, call: ast.Call) -> ast.expr | None:
    """What the first choice answers; named choices are looked up above the call."""
    choices = call.args[2]
    if isinstance(choices, ast.Name):
        given = [
            one.value
            for one in ast.walk(function)
            if isinstance(one, ast.Assign)
            and one.lineno < call.lineno
            and any(isinstance(target, ast.Name) and target.id == choices.id for target in one.targets)
        ]
        literal = [one for one in given if isinstance(one, ast.List)]
        choices = literal[-1] if literal else choices
    if isinstance(choices, ast.List) and choices.elts and isinstance(first := choices.elts[0], ast.Tuple):
        return first.elts[1]
    return None


def test_the_first_choice_of_what_changes_something_changes_nothing() -> None:
    found = list(questions())
    unsafe = {name for name, answer in found if not (isinstance(answer, ast.Constant) and not answer.value)}
    assert unsafe == set(MAY_DO_SOMETHING)
    assert len(found) > len(unsafe) + 10
