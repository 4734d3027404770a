"""What is wrong with settings is said in the product's words: which setting, what is wrong, what would be right."""

import json
from collections.abc import Mapping
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import BaseModel, ValidationError

from mse_tui.actions.holds import NewHold
from mse_tui.actions.retention import RetentionSettings
from mse_tui.cli.options import options_of
from mse_tui.config.configuration import Configuration
from mse_tui.engine.schedules import ScheduleSettings
from mse_tui.features import FEATURES
from mse_tui.setting_faults import in_words, setting_faults
from mse_tui.terms import TaskType

NIGHTLY = {"zone": "UTC", "timing": {"kind": "daily", "times": {"repeat": "once", "at": "22:00"}}}
MODELS = [ScheduleSettings, RetentionSettings, NewHold, Configuration, *(one.definition for one in FEATURES.values())]
RAW = ("Input should", "input", "Extra inputs", "Field required", "Value error", "valid ", "tag-union", "type=", "\n")
"""What nobody should read who has never heard of the library that checks."""


def words(model: type[BaseModel], values: Mapping[str, Any], **options: bool) -> str:
    with pytest.raises(ValidationError) as met:
        model.model_validate(values)
    return "; ".join(map(str, setting_faults(model, met.value, **options)))


def timing(**times: Any) -> dict[str, Any]:
    return {"zone": "UTC", "timing": {"kind": "daily", "times": times}}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            timing(repeat="once", at="25:99"),
            "timing.times.at ('At'): '25:99' is not a time of day; write HH:MM, such as 22:00",
        ),
        (timing(repeat="once"), "timing.times.at ('At'): is missing"),
        (timing(repeat="twice"), "timing.times: repeat 'twice' is none of once, many"),
        (timing(), "timing.times: say which by repeat: once, many"),
        (
            timing(repeat="many", **{"from": "8:00", "to": "9:00", "every_minutes": "x"}),
            "timing.times.every_minutes ('Every'): 'x' is not a whole number; give a whole number from 1 to 1440",
        ),
        (
            timing(repeat="many", **{"from": "08:00", "to": "09:00", "every_minutes": 0}),
            "timing.times.every_minutes ('Every'): 0 is too small; give a whole number from 1 to 1440",
        ),
        ({**NIGHTLY, "on_mised": "skip"}, "on_mised: unknown key, did you mean on_missed?"),
        ({**NIGHTLY, "timing": "daily"}, "timing"),
        ({**NIGHTLY, "timing": {"kind": "weekly", "days": ["Monday"], "times": {}}}, "Mon, Tue"),
    ],
)  # fmt: skip
def test_a_schedules_faults_name_the_setting_and_what_would_be_right(settings: dict[str, Any], said: str) -> None:
    assert said in words(ScheduleSettings, settings)


def test_what_is_in_a_list_is_numbered_as_people_count() -> None:
    wrong = {
        "managed_folders": [{"name": "A", "policy": {}}, {"name": "B", "policy": {"archive_purge_after_days": -1}}]
    }
    said = words(FEATURES[TaskType.MANAGED_FOLDERS].definition, wrong)
    assert said.startswith(
        "managed_folders no. 2: policy.archive_purge_after_days ('Archive purge (days)'): -1 is too small"
    )


def test_a_key_that_is_like_none_is_answered_with_those_there_are() -> None:
    model = FEATURES[TaskType.MANAGED_FOLDERS].definition
    assert words(model, {"default_policy": {"days": 3}}) == (
        "default_policy.days: unknown key; there are exchange_delete_after_days, delete_by, include_unread,"
        " expire_view_after_days, archive_purge_after_days"
    )
    assert words(model, {"zzz": 3}).endswith("max_changes, ..."), "not all of many"


@pytest.mark.parametrize("type", list(TaskType))
def test_what_is_given_as_json_has_an_example_that_is_right(type: TaskType) -> None:
    model = FEATURES[type].definition
    for option, (name, field) in zip(options_of(model), model.model_fields.items(), strict=True):
        assert isinstance(option, click.Option)
        if "As JSON" in (option.help or ""):
            assert field.examples and json.dumps(field.examples[0]) in (option.help or "")
            values = field.examples if option.multiple else field.examples[0]
            assert model.model_validate({name: values}).model_dump()[name] != model().model_dump()[name]


def test_no_value_is_repeated_where_one_may_be_a_secret() -> None:
    said = words(
        Configuration, {"exchange": {"endpoint": "https://x/", "user": 4711, "workers": "hunter2"}}, shown=False
    )
    assert "exchange.user" in said and "4711" not in said and "hunter2" not in said


_ANYTHING = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5) | some.binary(max_size=2),
    lambda inner: some.lists(inner, max_size=2) | some.dictionaries(some.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.parametrize("model", MODELS)
@given(data=some.data())
def test_nothing_is_said_in_the_words_of_a_library(model: type[BaseModel], data: some.DataObject) -> None:
    names = [field.alias or name for name, field in model.model_fields.items()]
    values = data.draw(some.dictionaries(some.sampled_from([*names, "nothing_such"]), _ANYTHING))
    try:
        model.model_validate(values)
    except ValidationError as error:
        said = in_words(model, error)
        faults = [f"{fault.wrong}" for fault in setting_faults(model, error, shown=False)]
        assert said and all(faults)
        assert not [(raw, fault) for fault in faults for raw in RAW if raw in fault]
