"""Messages of the practice organisation, generated from a seed: the envelope when populating, the body on demand.

A message is a function of its body seed, a short text. So a million of them take no more room than their envelopes,
and what a client fetches is the same at every fetch and after every restart.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from hashlib import blake2b
from math import exp
from statistics import NormalDist
from typing import NamedTuple

from mse_tui.sandbox.company import Company, Correspondent, Employee, Language, company
from mse_tui.sandbox.letter_mime import (
    MEETING,
    SIGNED,
    Conversation,
    Draft,
    addressed,
    letter_mime,
    message_id_of,
    references_of,
    subject_of,
)
from mse_tui.sandbox.records import ItemSpec, Person

MEAN_BYTES = 30_000
"""Mean size of a message, unless told otherwise."""

_SPREAD = 1.2
"""Sigma of the log-normal distribution of sizes: median half of the mean, one in a thousand 20 times as large."""
_QUANTILES = 1 << 14
_SMALLEST = 1_200
_EVERYBODY = -1
"""Owner of the conversations that everybody gets, the same bytes in each mailbox."""
_EVERYBODYS_LANGUAGE = "de"
_OTHERS = -10
"""Owner of the first of the company's other mailboxes; the next ones are below it."""


class Letter(NamedTuple):
    """A generated message and the folder it lies in: a distinguished name, or the path of a folder people made."""

    folder: str | tuple[str, ...]
    spec: ItemSpec


class _Dice:
    """Repeatable choices out of one digest; much cheaper than seeding a random generator for each message."""

    __slots__ = ("_value",)

    def __init__(self, text: str) -> None:
        self._value = int.from_bytes(blake2b(text.encode(), digest_size=64).digest(), "big")

    def below(self, number: int) -> int:
        self._value, choice = divmod(self._value, number)
        return choice

    def chance(self, per_mille: int) -> bool:
        return self.below(1000) < per_mille


class Letters:
    """The messages of one organisation: all from one seed, with one mean size."""

    def __init__(self, seed: int, mean_bytes: int = MEAN_BYTES, of: Company | None = None) -> None:
        self._company = of if of is not None else company()
        self._seed = seed
        self._mean = mean_bytes
        self._sizes = _quantiles(mean_bytes)
        self._others = tuple(self._company.other_mailboxes())
        self._until = int(self._company.until.timestamp()) // 60
        self._conversation = lru_cache(maxsize=512)(self._make_conversation)

    def of_employee(self, index: int, count: int) -> Iterator[Letter]:
        """`count` messages of the n-th person's mailbox, about from the oldest to the youngest."""
        return self._letters(index, self._company.employee(index).language, count)

    def of_other(self, place: int, count: int) -> Iterator[Letter]:
        """`count` messages of the n-th of the company's other mailboxes."""
        return self._letters(_OTHERS - place, self._others[place].language, count)

    def _letters(self, owner: int, code: str, count: int) -> Iterator[Letter]:
        made, conversation = 0, 0
        while made < count:
            everybody = conversation % 40 == 39
            key = conversation // 40 if everybody else conversation
            whose, tongue = (_EVERYBODY, _EVERYBODYS_LANGUAGE) if everybody else (owner, code)
            dice = _Dice(f"{self._seed} {whose} {key}")
            length = 1 if everybody else (1, 1, 1, 2, 2, 3, 3, 4, 5, 7)[dice.below(10)]
            minute = self._begins(key, dice) if everybody else self._minute(made, count, dice)
            for position in range(min(length, count - made)):
                seed = f"L1|{self._seed}|{self._mean}|{whose}|{tongue}|{key}|{position}|{minute}"
                yield self._letter(seed, owner, code)
            made += min(length, count - made)
            conversation += 1

    def arrival(self, owner: int, code: str, number: int, moment: datetime) -> Letter:
        """A new message in a mailbox after it was filled: the first of conversation `number`, about at this moment."""
        minute = int(moment.timestamp()) // 60
        return self._letter(f"L1|{self._seed}|{self._mean}|{owner}|{code}|{number}|0|{minute}", owner, code)

    def render(self, body_seed: str) -> bytes:
        """The MIME of a message from its body seed."""
        return letter_mime(self._draft(body_seed), self._company.domain)

    def _minute(self, made: int, count: int, dice: _Dice) -> int:
        """When a conversation begins: in working hours mostly, evenly over the years."""
        span = self._company.years * 365 - 40
        day = self._until // 1440 - 40 - span + (made * span) // count
        if (day + 3) % 7 >= 5 and not dice.chance(150):
            day -= 2
        return day * 1440 + 390 + dice.below(690)

    def _begins(self, key: int, dice: _Dice) -> int:
        span = self._company.years * 365 - 40
        return (self._until // 1440 - 40 - (key * 11) % span) * 1440 + 480 + dice.below(300)

    def _make_conversation(self, owner: int, code: str, key: int) -> Conversation:
        dice = _Dice(f"{self._seed} {owner} {code} {key} who")
        listed, outside = self._company.listed, self._company.correspondents
        group = None
        spam = False
        other: Employee | Correspondent
        if owner == _EVERYBODY:
            people = [listed[(0, 7, 8, 15)[dice.below(4)]].person]
            everyone = next(group for group in self._company.groups() if group.everyone)
            group = Person(everyone.name, everyone.address)
        else:
            mine = self._owner(owner)
            other = outside[dice.below(len(outside))] if dice.chance(450) else listed[dice.below(len(listed))]
            spam = isinstance(other, Correspondent) and other.spam
            code = other.language if dice.chance(600) or spam else code
            people = [other.person, mine] if spam or dice.chance(600) else [mine, other.person]
            people += [listed[dice.below(len(listed))].person for _ in range((0, 0, 0, 1, 1, 2)[dice.below(6)])]
            people = list(dict.fromkeys(people))
            if len(people) == 1:
                people.append(outside[0].person)
        words = self._company.languages[code]
        numbers = {"number": 20_000 + dice.below(9_000), "small": 2 + dice.below(27), "year": 2024 + dice.below(4)}
        project = words.projects[dice.below(len(words.projects))]
        return Conversation(
            key=f"{self._seed}.{owner}.{key}",
            language=words,
            subject=words.subjects[dice.below(len(words.subjects))].format(project=project, **numbers),
            people=tuple(people),
            group=group,
            private=("Private", "Personal", "Private", "Confidential")[dice.below(4)] if dice.chance(25) else "Normal",
            spam=spam,
            project=project,
            document=words.documents[dice.below(len(words.documents))].format(**numbers),
            filed=owner != _EVERYBODY and dice.chance(450),
            gap=7 + dice.below(2_000),
        )

    def _owner(self, owner: int) -> Person:
        if owner <= _OTHERS:
            other = self._others[_OTHERS - owner]
            return Person(other.name, other.address)
        return self._company.employee(owner).person

    def _draft(self, body_seed: str) -> Draft:
        _, _, _, owner, code, key, position, minute = body_seed.split("|")
        conversation = self._conversation(int(owner), code, int(key))
        dice = _Dice(f"{conversation.key} {position}")
        size = max(_SMALLEST, self._sizes[dice.below(_QUANTILES)])
        attachments = 0
        if size > 40_000 or (size > 8_000 and dice.chance(120)):
            attachments = (1, 1, 1, 2, 2, 3)[dice.below(6)]
        item_class = "IPM.Note"
        special = dice.below(1000)
        if conversation.group is None and special < 15:
            item_class, attachments = MEETING, 0
        elif conversation.group is None and special < 22:
            item_class = SIGNED
        elif conversation.group is None and special < 27:
            item_class, attachments = "IPM.Note.EnterpriseVault.Shortcut", 0
        return Draft(
            conversation=conversation,
            position=int(position),
            minute=int(minute) + int(position) * conversation.gap,
            charset=conversation.language.charsets[dice.below(3)],
            size=size,
            attachments=attachments,
            item_class=item_class,
            importance=("High", "High", "High", "Low")[dice.below(4)] if dice.chance(45) else "Normal",
            choice=dice.below(1 << 62),
        )

    def _letter(self, body_seed: str, owner: int, code: str) -> Letter:
        draft = self._draft(body_seed)
        conversation = draft.conversation
        sender, to, cc = addressed(draft)
        dice = _Dice(f"{body_seed} {owner} state")
        age = self._until - draft.minute
        mine = sender == self._owner(owner)
        sent = datetime.fromtimestamp(draft.minute * 60 + draft.choice % 60, UTC)
        words = self._company.languages[code]
        spec = ItemSpec(
            subject=subject_of(draft),
            item_class=draft.item_class,
            sender=sender,
            to=to,
            cc=cc,
            received=sent + timedelta(seconds=1 + draft.choice % 9),
            sent=sent,
            message_id=message_id_of(conversation, draft.position, self._company.domain),
            in_reply_to=message_id_of(conversation, draft.position - 1, self._company.domain) if draft.position else "",
            references=" ".join(references_of(draft, self._company.domain)),
            size=draft.size,
            body_seed=body_seed,
            is_read=mine or not dice.chance(400 if age < 60 * 24 * 60 else 30),
            flag=("Flagged", "Flagged", "Complete")[dice.below(3)] if dice.chance(50) else "NotFlagged",
            categories=(words.categories[dice.below(len(words.categories))],) if dice.chance(80) else (),
            importance=draft.importance,
            sensitivity=conversation.private,
            has_attachments=draft.attachments > 0,
        )
        folder = _folder(draft, words, dice, mine=mine)
        spec.is_draft = folder == "drafts"
        return Letter(folder, spec)


def render(body_seed: str) -> bytes:
    """The MIME of a generated message, whatever organisation it belongs to. Raises ValueError for a foreign seed."""
    try:
        kind, seed, mean, _ = body_seed.split("|", 3)
        if kind != "L1":
            raise ValueError(kind)
        letters = _letters(int(seed), int(mean))
    except ValueError as error:
        raise ValueError(f"not a body seed: {body_seed!r}") from error
    return letters.render(body_seed)


_letters = lru_cache(maxsize=8)(Letters)


@cache
def _quantiles(mean: int) -> tuple[int, ...]:
    """Sizes at evenly spaced quantiles of a log-normal distribution; their mean is `mean`."""
    normal = NormalDist()
    sizes = [exp(_SPREAD * normal.inv_cdf((step + 0.5) / _QUANTILES)) for step in range(_QUANTILES)]
    factor = mean * _QUANTILES / sum(sizes)
    return tuple(int(size * factor) for size in sizes)


def _folder(draft: Draft, words: Language, dice: _Dice, *, mine: bool) -> str | tuple[str, ...]:
    fate = dice.below(1000)
    if draft.conversation.spam:
        return "junkemail" if fate < 900 else "inbox"
    if fate < 60:
        return "deleteditems"
    if fate < 66 and mine:
        return "drafts"
    if draft.conversation.filed and (not mine or fate > 700):
        return words.paths[_Dice(draft.conversation.key).below(len(words.paths))]
    return "sentitems" if mine else "inbox"
