"""Roles by the operating system's groups."""

from collections.abc import Iterator

import pytest

from mse_tui.access import roles
from mse_tui.access.roles import Role, Roles, may, needs, require, use_roles
from mse_tui.reasons import Problem, Reason

GIVEN = Roles({Role.VIEWER: frozenset({"helpdesk"}), Role.OPERATOR: frozenset({"mail"}),
               Role.DESTRUCTIVE: frozenset({"lead"}), Role.AUDITOR: frozenset({"audit"})})  # fmt: skip


@pytest.fixture(autouse=True)
def _roles_end_with_the_test() -> Iterator[None]:
    yield
    use_roles(Roles())


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ({"helpdesk"}, {Role.VIEWER}),
        ({"mail", "users"}, {Role.VIEWER, Role.OPERATOR}),
        ({"lead"}, {Role.VIEWER, Role.OPERATOR, Role.DESTRUCTIVE}),
        ({"audit"}, {Role.VIEWER, Role.AUDITOR}),
        ({"audit", "mail"}, {Role.VIEWER, Role.OPERATOR, Role.AUDITOR}),
        ({"users"}, set()),
        (set(), set()),
    ],
)
def test_a_role_comes_with_what_it_implies(groups: set[str], expected: set[Role]) -> None:
    assert GIVEN.of(frozenset(groups)) == expected


def test_where_no_role_is_given_everybody_may_do_everything() -> None:
    assert Roles().of(frozenset()) == set(Role)
    assert Roles({Role.OPERATOR: frozenset()}).of(frozenset()) == set(Role)


def test_an_action_without_its_role_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    done = []
    monkeypatch.setattr(roles, "groups_of", lambda _: frozenset({"mail"}))
    use_roles(GIVEN)
    needs(Role.OPERATOR)(done.append)("run")
    with pytest.raises(Problem) as refused:
        needs(Role.DESTRUCTIVE)(done.append)("purge")
    assert done == ["run"]
    assert refused.value.reason is Reason.ROLE_MISSING
    assert "lead" in refused.value.remedy
    assert may(Role.VIEWER)
    assert not may(Role.AUDITOR)


def test_a_role_that_nobody_has_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "groups_of", lambda _: frozenset({"helpdesk"}))
    use_roles(Roles({Role.VIEWER: frozenset({"helpdesk"})}))
    with pytest.raises(Problem, match="lacks the role operator") as refused:
        require(Role.OPERATOR)
    assert "No group has the role operator" in refused.value.remedy
