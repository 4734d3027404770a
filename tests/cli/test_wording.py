"""What commands say and take where a person would otherwise be left guessing."""

import json
from datetime import timedelta

import pytest

from mse_tui.access import audit_chain, roles
from mse_tui.access.audit_chain import Entry
from mse_tui.actions.opening import open_site
from mse_tui.home import Home
from mse_tui.store import queries
from mse_tui.store.database import now
from mse_tui.store.models import Audit
from mse_tui.terms import EXIT_USAGE
from mse_tui.widgets.wording import lasted
from tests.cli.conftest import Command


def test_a_task_takes_its_type_from_its_definition(with_task: Command) -> None:
    assert with_task("definition", "new", "MSM", "Old attachments").code == 0
    made = ("--schedule", "Nightly", "--group", "ann@example.com")
    assert with_task("task", "new", "Saving", "--definition", "old attachments", *made).code == 0
    assert with_task("definition", "new", "MSM", "Everything").code == 0
    refused = with_task("task", "new", "Both", "--definition", "Everything", *made)
    assert refused.code == EXIT_USAGE and "Say which: MFR/Everything, MSM/Everything" in refused.err
    assert with_task("task", "new", "One", "--definition", "MSM/Everything", *made).code == 0
    assert with_task("task", "new", "Two", "--definition", "Everything", "--type", "MFR", *made).code == 0
    kinds = {row.description: str(row.type) for row in queries.tasks_of_type()}
    assert (kinds["Saving"], kinds["One"], kinds["Two"]) == ("MSM", "MSM", "MFR")


def test_a_role_that_nobody_has_is_not_asked_for(
    with_task: Command, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.config.write_text('[roles]\nviewer = ["staff"]\n')
    monkeypatch.setattr(roles, "groups_of", lambda _: frozenset({"staff"}))
    refused = with_task("task", "run", "Sales")
    assert "No group has the role operator, so nobody may do this" in refused.err
    assert "[roles]" in refused.err and "no group at all" not in refused.err


def test_the_audit_is_narrowed_by_person_subject_and_time(mse_tui: Command, home: Home) -> None:
    open_site(home)
    site = queries.sites()[0].code
    Audit.delete().execute()
    for days, who, action, subject in (
        (9, "ann", "create task", "Sales"), (5, "root (bo)", "run now", "Sales"), (1, "ann", "place hold", "1 Case 7"),
    ):  # fmt: skip
        audit_chain.append(site, Entry(now() - timedelta(days=days), who, action, subject, "", ""))

    def actions(*options: str) -> list[str]:
        return [row["action"] for row in json.loads(mse_tui("audit", *options, "--json").out)]

    assert actions() == ["place hold", "run now", "create task"]
    assert actions("--who", "BO") == ["run now"]
    assert actions("--what", "sales") == ["run now", "create task"]
    assert actions("--what", "hold") == ["place hold"]
    since, until = ((now() - timedelta(days=each)).date().isoformat() for each in (7, 3))
    assert actions("--since", since) == ["place hold", "run now"]
    assert actions("--since", since, "--until", until) == ["run now"]
    assert actions("--who", "ann", "--until", until) == ["create task"]
    refused = mse_tui("audit", "--since", "yesterday")
    assert refused.code == EXIT_USAGE and "2026-03-01" in refused.err


def test_the_same_hold_is_not_placed_twice(mse_tui: Command) -> None:
    assert mse_tui("hold", "place", "Case 7").code == 0
    refused = mse_tui("hold", "place", "case 7")
    assert refused.code == EXIT_USAGE and "no. 1, placed by" in refused.err
    assert mse_tui("hold", "place", "Case 8").code == 0
    for subject in ("secret", "other"):
        assert mse_tui("hold", "place", "Case 7", "--subject", subject).code == 0
    assert mse_tui("hold", "place", "Case 7", "--subject", "other").code == EXIT_USAGE
    assert mse_tui("hold", "lift", "1", "--yes").code == 0
    assert mse_tui("hold", "place", "Case 7").code == 0
    assert "these four alone" in mse_tui("hold", "place", "--help").out


def test_what_can_not_be_approved_is_called_by_its_name(with_task: Command) -> None:
    for words in (("definition", "approve", "Everything", "--yes"), ("purge", "withdraw", "Everything")):
        refused = with_task(*words)
        assert refused.code == EXIT_USAGE
        assert "the definition 'Everything'" in refused.err and "definition 1" not in refused.err
    assert "the default retention of the archive" in with_task("retention", "approve", "--yes").err


def test_defaults_and_options_read_as_words(mse_tui: Command) -> None:
    told = " ".join(mse_tui("definition", "new", "MSM", "--help").out.split())
    assert "[default: IPM.Note]" in told
    for option in (("--web-port", "1"), ("--web-url", "https://a.example")):
        refused = mse_tui(*option, "status")
        assert refused.code == EXIT_USAGE and "goes with --web" in refused.err


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(60, "1 min"), (61, "1 min 1 s"), (86_400, "24 h"), (90_000, "25 h"), (7 * 86_400, "7 days"), (5, "5.0 s")],
)
def test_durations_leave_out_what_is_nothing(seconds: int, said: str) -> None:
    assert lasted(timedelta(seconds=seconds)) == said
