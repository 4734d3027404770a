"""A form made from a pydantic model: its fields' titles and descriptions, nested models, lists and choices."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from mse_tui.setting_faults import setting_faults
from mse_tui.text import printable
from mse_tui.widgets.inputs import Button, Chooser, QuietInput, Several, Switch

Path = tuple[str | int, ...]
"""Where a value is in the settings, as pydantic tells it in its errors."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One field of a model, and where it is."""

    path: Path
    title: str
    description: str
    annotation: Any
    discriminator: str | None
    value: Any
    """JSON-like; None where nothing is given."""


def spots(model: type[BaseModel], values: Mapping[str, Any], path: Path = ()) -> Iterator[Spot]:
    """The fields of a model that a person fills in; constants (a union's tags) are left out."""
    for name, field in model.model_fields.items():
        if _is_constant(field.annotation):
            continue
        key = field.alias or name
        value = values.get(key, values.get(name, _default(field)))
        title = field.title or name.replace("_", " ").capitalize()
        discriminator = field.discriminator if isinstance(field.discriminator, str) else None
        yield Spot((*path, key), title, field.description or "", field.annotation, discriminator, value)


def constants(model: type[BaseModel]) -> dict[str, Any]:
    """The fields that have one possible value only."""
    return {
        field.alias or name: get_args(field.annotation)[0]
        for name, field in model.model_fields.items()
        if _is_constant(field.annotation)
    }


def _is_constant(annotation: Any) -> bool:
    return get_origin(annotation) is Literal and len(get_args(annotation)) == 1


def _default(field: FieldInfo) -> Any:
    if field.is_required():
        return None
    value = field.get_default(call_default_factory=True, validated_data={})
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    return value


def _members(annotation: Any) -> tuple[Any, ...]:
    """The members of a union without None; the type itself where it is none."""
    if get_origin(annotation) in (Union, UnionType):
        return tuple(one for one in get_args(annotation) if one is not NoneType)
    return (annotation,)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _is_enum(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Enum)


def _element(annotation: Any) -> Any:
    """What a list or tuple is of; None where it is neither."""
    if get_origin(annotation) in (list, tuple, set, frozenset, Sequence):
        inner = [one for one in get_args(annotation) if one is not Ellipsis]
        return _bare(inner[0]) if inner else str
    return None


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if hasattr(annotation, "__metadata__") else annotation


def _words(value: Any) -> str:
    return str(value).replace("_", " ")


class Entry(Vertical):
    """One field: its title, its control, what it means, and what is wrong with it."""

    def __init__(self, spot: Spot) -> None:
        super().__init__(classes="entry")
        self.spot = spot

    def compose(self) -> ComposeResult:
        """Title and control on one line, the description under them."""
        with Horizontal(classes="entry-line"):
            yield Static(printable(self.spot.title), classes="entry-title", markup=False)
            yield self.control()
        if self.spot.description:
            yield Static(printable(self.spot.description), classes="entry-text", markup=False)
        yield Static("", classes="entry-error", markup=False)

    def control(self) -> Widget:
        """What a person enters the value with."""
        raise NotImplementedError

    def value(self) -> Any:
        """What is entered; Ellipsis where nothing is, so that the model's default holds."""
        raise NotImplementedError

    def say(self, error: str) -> None:
        """Show what is wrong; '' takes it away."""
        line = next(one for one in self.children if one.has_class("entry-error"))
        assert isinstance(line, Static)
        line.update(printable(error))
        line.display = bool(error)


class SwitchEntry(Entry):
    """Yes or no."""

    def control(self) -> Widget:
        """A box to tick."""
        return Switch("", bool(self.spot.value))

    def value(self) -> bool:
        """Ticked or not."""
        return self.query_one(Switch).value


class TextEntry(Entry):
    """A number or text; an empty one is the default."""

    def control(self) -> Widget:
        """One line."""
        value = self.spot.value
        shown = "" if value is None else value.isoformat(" ", "minutes") if isinstance(value, datetime) else str(value)
        return QuietInput(shown)

    def value(self) -> Any:
        """Text; the model turns it into what it wants."""
        text = self.query_one(Input).value.strip()
        if text:
            return text
        members = get_args(self.spot.annotation)
        return None if NoneType in members else "" if self.spot.annotation is str else ...


class ListEntry(Entry):
    """Several texts on one line, separated by semicolons."""

    def control(self) -> Widget:
        """One line."""
        return QuietInput("; ".join(str(one) for one in self.spot.value or ()), placeholder="separated by ;")

    def value(self) -> list[str]:
        """Those that are not empty."""
        return [one.strip() for one in self.query_one(Input).value.split(";") if one.strip()]


class ChoiceEntry(Entry):
    """One of a few."""

    def control(self) -> Widget:
        """All of them, one shown."""
        annotation = _members(self.spot.annotation)[0]
        values = [one.value for one in annotation] if _is_enum(annotation) else list(get_args(annotation))
        value = self.spot.value.value if isinstance(self.spot.value, Enum) else self.spot.value
        return Chooser([(_words(one), one) for one in values], value)

    def value(self) -> Any:
        """The chosen one."""
        return self.query_one(Chooser).value


class SeveralEntry(Entry):
    """Some of a few."""

    def control(self) -> Widget:
        """All of them, ticked or not."""
        values = [one.value for one in _element(self.spot.annotation)]
        chosen = {one.value if isinstance(one, Enum) else one for one in self.spot.value or ()}
        return Several([(_words(one), one) for one in values], chosen)

    def value(self) -> list[Any]:
        """The ticked ones."""
        return self.query_one(Several).values


class ModelGroup(Vertical):
    """A model inside another."""

    def __init__(self, title: str, model: type[BaseModel], values: Mapping[str, Any], path: Path) -> None:
        super().__init__(classes="group")
        self._title = title
        self.model = model
        self._values = values
        self.path = path

    def compose(self) -> ComposeResult:
        """A title, then the fields."""
        if self._title:
            yield Static(printable(self._title), classes="group-title", markup=False)
        yield from entries(self.model, self._values, self.path)

    def value(self) -> dict[str, Any]:
        """The values of its fields by their keys."""
        return {**constants(self.model), **gathered(self)}


class UnionGroup(Vertical):
    """One of several models, told apart by a tag: the tag is chosen, the chosen one's fields follow."""

    def __init__(self, spot: Spot) -> None:
        super().__init__(classes="group")
        self.spot = spot
        self._models = {constants(one)[str(spot.discriminator)]: one for one in _members(spot.annotation)}
        values = spot.value if isinstance(spot.value, Mapping) else {}
        self._tag = values.get(str(spot.discriminator), next(iter(self._models)))

    @property
    def path(self) -> Path:
        """Where its value is."""
        return self.spot.path

    def compose(self) -> ComposeResult:
        """The tag, then the fields."""
        with Horizontal(classes="entry-line"):
            yield Static(printable(self.spot.title), classes="entry-title", markup=False)
            yield Chooser([(_words(tag), tag) for tag in self._models], self._tag)
        yield self._group(self.spot.value if isinstance(self.spot.value, Mapping) else {})

    def _group(self, values: Mapping[str, Any]) -> ModelGroup:
        return ModelGroup("", self._models[self._tag], values, (*self.spot.path, self._tag))

    @on(Chooser.Changed)
    async def _another(self, event: Chooser.Changed) -> None:
        if event.chooser.parent is not None and event.chooser.parent.parent is self:
            self._tag = event.chooser.value
            await self.query_one(ModelGroup).remove()
            await self.mount(self._group({}))

    def value(self) -> dict[str, Any]:
        """The chosen model's values, tag included."""
        return next(one for one in self.children if isinstance(one, ModelGroup)).value()


class ManyGroup(Vertical):
    """Any number of models: one can be added, the last taken away."""

    def __init__(self, spot: Spot) -> None:
        super().__init__(classes="group")
        self.spot = spot
        self._model: type[BaseModel] = _element(spot.annotation)

    @property
    def path(self) -> Path:
        """Where its value is."""
        return self.spot.path

    def compose(self) -> ComposeResult:
        """Title, those that there are, and two buttons."""
        with Horizontal(classes="entry-line"):
            yield Static(printable(self.spot.title), classes="entry-title", markup=False)
            yield Button("Add", id="add")
            yield Button("Take the last away", id="take")
        if self.spot.description:
            yield Static(printable(self.spot.description), classes="entry-text", markup=False)
        with Vertical(classes="members"):
            for number, values in enumerate(self.spot.value or ()):
                yield self._group(number, values)

    def _group(self, number: int, values: Mapping[str, Any]) -> ModelGroup:
        return ModelGroup(f"{number + 1}.", self._model, values, (*self.spot.path, number))

    def _groups(self) -> list[ModelGroup]:
        members = next(one for one in self.children if one.has_class("members"))
        return [one for one in members.children if isinstance(one, ModelGroup)]

    @on(Button.Pressed, "#add")
    async def _add(self, event: Button.Pressed) -> None:
        event.stop()
        members = next(one for one in self.children if one.has_class("members"))
        added = self._group(len(self._groups()), {})
        await members.mount(added)
        added.query("Input, Switch, Chooser, Several").first().focus()

    @on(Button.Pressed, "#take")
    async def _take(self, event: Button.Pressed) -> None:
        event.stop()
        if groups := self._groups():
            await groups[-1].remove()

    def value(self) -> list[dict[str, Any]]:
        """All of them."""
        return [one.value() for one in self._groups()]


def entries(model: type[BaseModel], values: Mapping[str, Any], path: Path = ()) -> Iterator[Widget]:
    """A widget for each field of a model."""
    for spot in spots(model, values, path):
        yield _entry(spot)


def _entry(spot: Spot) -> Widget:
    members = _members(spot.annotation)
    if spot.discriminator is not None:
        return UnionGroup(spot)
    if len(members) == 1 and _is_model(members[0]):
        return ModelGroup(spot.title, members[0], spot.value or {}, spot.path)
    element = _element(members[0])
    if element is not None and _is_model(element):
        return ManyGroup(spot)
    return _kind(members[0], element)(spot)


def _kind(annotation: Any, element: Any) -> type[Entry]:
    if element is not None:
        return SeveralEntry if _is_enum(element) else ListEntry
    if annotation is bool:
        return SwitchEntry
    return ChoiceEntry if _is_enum(annotation) or get_origin(annotation) is Literal else TextEntry


def gathered(parent: Widget) -> dict[str, Any]:
    """The values of the fields directly under a group or form."""
    found: dict[str, Any] = {}
    for child in parent.children:
        if isinstance(child, Entry) and (value := child.value()) is not ...:
            found[str(child.spot.path[-1])] = value
        elif isinstance(child, UnionGroup | ManyGroup | ModelGroup):
            found[str(child.path[-1])] = child.value()
    return found


class Form(VerticalScroll, can_focus=False):
    """The fields of a model, checked by the model."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", "Next field", show=False),
        Binding("up", "app.focus_previous", "Field before", show=False),
    ]

    class Changed(Message):
        """Something was entered."""

    def __init__(self, model: type[BaseModel], values: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.model = model
        self._values = values or {}

    def compose(self) -> ComposeResult:
        """A widget a field."""
        yield from entries(self.model, self._values)

    def values(self) -> dict[str, Any]:
        """What is entered, unchecked."""
        return gathered(self)

    def checked(self) -> BaseModel | None:
        """The settings; None where something is wrong, which is then shown beside its field."""
        for entry in self.query(Entry):
            entry.say("")
        try:
            return self.model.model_validate(self.values())
        except ValidationError as error:
            self._explain(error)
            return None

    def settings(self) -> BaseModel | None:
        """The settings, if they are right as they stand; shows nothing."""
        try:
            return self.model.model_validate(self.values())
        except ValidationError:
            return None

    def _explain(self, error: ValidationError) -> None:
        first: Entry | None = None
        left: list[str] = []
        for location, fault in zip(error.errors(), setting_faults(self.model, error), strict=True):
            entry = self._entry_at(location["loc"])
            if entry is None:
                left.append(str(fault))
            else:
                entry.say(fault.wrong)
                first = first or entry
        if first is not None:
            controls: Iterable[Widget] = first.query("Input, Switch, Chooser, Several")
            next(iter(controls)).focus()
        if left:
            self.app.notify("; ".join(left), severity="error", markup=False)

    def _entry_at(self, path: Path) -> Entry | None:
        return max(
            (one for one in self.query(Entry) if path[: len(one.spot.path)] == one.spot.path),
            key=lambda one: len(one.spot.path),
            default=None,
        )

    @on(Input.Changed)
    @on(Switch.Changed)
    @on(Chooser.Changed)
    @on(Several.Changed)
    def _changed(self) -> None:
        self.post_message(self.Changed())


def align_controls(root: Widget) -> None:
    """Have all controls below `root` stand in one column: titles are as wide as the widest, less what indents them."""
    indents = {title: _indent(title) for title in root.query(".entry-title").results(Static)}
    edge = max((indent + cell_len(str(title.content)) for title, indent in indents.items()), default=0)
    for title, indent in indents.items():
        title.styles.min_width = edge + 1 - indent


def _indent(widget: Widget) -> int:
    return sum(one.styles.margin.left for one in widget.ancestors if isinstance(one, Widget))
