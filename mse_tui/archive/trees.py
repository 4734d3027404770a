"""Folder places put together to trees: paths, order, depth."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

ROOTS = ("msgfolderroot", "archivemsgfolderroot")
"""The top of each area; it has messages but no name of its own in a path."""
_FIRST = ("inbox", "drafts", "sentitems", "deleteditems", "junkemail", "outbox")
"""The folders that stand before the others, in the order of mail programs."""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder somewhere in the tree for a while, in pass stamps."""

    folder_id: int
    parent_id: int | None
    name: str
    opened: int
    closed: int | None
    area: str
    distinguished: str
    folder_class: str


class Tree:
    """At most one place a folder. A folder whose parent is not in the tree stands at the top; cycles are broken."""

    def __init__(self, places: dict[int, Place]) -> None:
        self._places = places
        self._paths: dict[int, str] = {}

    @classmethod
    def latest(cls, places: Iterable[Place]) -> "Tree":
        """Of each folder the open place, else the one that it was in last."""
        chosen: dict[int, Place] = {}
        for place in places:
            known = chosen.get(place.folder_id)
            if known is None or _rank(place) >= _rank(known):
                chosen[place.folder_id] = place
        return cls(chosen)

    @classmethod
    def at(cls, places: Iterable[Place], stamp: int) -> "Tree":
        """The places that span a stamp."""
        return cls.latest(p for p in places if p.opened <= stamp and (p.closed is None or p.closed > stamp))

    def path(self, folder_id: int) -> str:
        """Names from the top, joined by /; '' for a root and for a folder that is not in the tree."""
        if folder_id not in self._paths:
            names = [place.name for place in self._upwards(folder_id) if not _is_root(place)]
            self._paths[folder_id] = "/".join(reversed(names))
        return self._paths[folder_id]

    def parent(self, place: Place) -> int | None:
        """The parent where it is in the tree."""
        return place.parent_id if place.parent_id in self._places else None

    def walk(self) -> Iterator[tuple[Place, int]]:
        """Depth first: every place with its depth; the primary area before the archive, siblings as in mail clients."""
        children: dict[int | None, list[Place]] = {}
        for place in self._places.values():
            children.setdefault(self.parent(place), []).append(place)
        for siblings in children.values():
            siblings.sort(key=_order, reverse=True)
        seen: set[int] = set()
        stack = [(place, 0) for place in children.get(None, ())]
        while stack or len(seen) < len(self._places):
            if not stack:
                stack = [(next(p for p in self._places.values() if p.folder_id not in seen), 0)]
            place, depth = stack.pop()
            if place.folder_id in seen:
                continue
            seen.add(place.folder_id)
            yield place, depth
            below = depth if _is_root(place) else depth + 1
            stack += [(child, below) for child in children.get(place.folder_id, ())]

    def _upwards(self, folder_id: int) -> Iterator[Place]:
        seen: set[int] = set()
        place = self._places.get(folder_id)
        while place is not None and place.folder_id not in seen:
            seen.add(place.folder_id)
            yield place
            place = self._places.get(place.parent_id) if place.parent_id is not None else None


def _rank(place: Place) -> tuple[bool, int, int]:
    return (place.closed is None, place.closed or 0, place.opened)


def _is_root(place: Place) -> bool:
    return place.distinguished in ROOTS


def _order(place: Place) -> tuple[bool, bool, int, str, int]:
    name = place.distinguished.removeprefix("archive")
    rank = _FIRST.index(name) if name in _FIRST else len(_FIRST)
    return (place.area != "primary", not _is_root(place), rank, place.name.casefold(), place.folder_id)
