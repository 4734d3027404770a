"""Groups given as addresses: one, or a list separated by semicolons, commas or line ends."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import TYPE_CHECKING

from mse_tui.directory.directory import Member, Membership, SkippedEntry
from mse_tui.exchange.rows import MailboxIdentity
from mse_tui.reasons import Problem, Reason

if TYPE_CHECKING:
    from email_validator import ValidatedEmail

SEPARATORS = ";,\n\r"
"""What stands between the entries of a list."""

_ABOUT_ONE = frozenset(
    {
        Reason.CONTACT,
        Reason.MAILBOX_DISABLED,
        Reason.MAILBOX_ELSEWHERE,
        Reason.MAILBOX_NOT_FOUND,
        Reason.NOT_LICENSED,
        Reason.NO_MAILBOX,
    }
)
"""What is said of one address; everything else says that no address could be looked up."""


@dataclass(frozen=True, slots=True)
class ParsedAddresses:
    """What a text of addresses says."""

    addresses: tuple[str, ...]
    """Valid ones, lower case, each once, in the order given."""
    refused: tuple[SkippedEntry, ...]
    """What is no address, and why."""


def parse_addresses(text: str) -> ParsedAddresses:
    """Read a list of addresses; display names ('Anna Berg <anna@example.com>') are allowed."""
    addresses: dict[str, None] = {}
    refused = []
    for entry in _entries(text):
        try:
            addresses[_address(entry)] = None
        except ValueError as error:
            message = f"{entry!r} is not a mail address: {error}"
            refused.append(SkippedEntry(entry, Reason.ADDRESS_INVALID, message))
    return ParsedAddresses(tuple(addresses), tuple(refused))


def valid_addresses(text: str) -> tuple[str, ...]:
    """The addresses of a text that has to be right as a whole.

    Raises Problem address-invalid naming all entries that are not, group-empty when there is none.
    """
    parsed = parse_addresses(text)
    if parsed.refused:
        raise Problem(Reason.ADDRESS_INVALID, " ".join(_sentence(entry.message) for entry in parsed.refused))
    if not parsed.addresses:
        raise _names_nobody()
    return parsed.addresses


def _names_nobody() -> Problem:
    return Problem(Reason.GROUP_EMPTY, "The list holds no address.", "Give at least one mail address.")


class AddressDirectory:
    """Resolves address lists by whoever knows the site's mailboxes, aliases to their primary address."""

    def __init__(
        self, resolve: Callable[[str], MailboxIdentity], now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """`resolve`: as `Exchange.resolve`."""
        self._resolve_one = resolve
        self._now = now

    def resolve(self, group_text: str) -> Membership:
        """Each address's mailbox; addresses of one mailbox count once, unknown ones are skipped with their reason.

        Raises Problem group-empty where nothing is named, and when they could not be asked.
        """
        parsed = parse_addresses(group_text)
        if not parsed.addresses and not parsed.refused:
            raise _names_nobody()
        included: dict[str, Member] = {}
        skipped = list(parsed.refused)
        for address in parsed.addresses:
            try:
                found = self._resolve(address)
            except Problem as problem:
                if problem.reason not in _ABOUT_ONE:
                    raise
                skipped.append(SkippedEntry(address, problem.reason, problem.happened))
                continue
            primary = found.address.lower()
            entry = "" if primary == address else address
            included.setdefault(primary, Member(primary, found.display_name, found.kind, entry))
        return Membership(tuple(included.values()), tuple(skipped), self._now())

    def _resolve(self, address: str) -> MailboxIdentity:
        """An internationalised domain may be kept in either of its two forms."""
        try:
            return self._resolve_one(address)
        except Problem as problem:
            encoded = _encoded(address)
            if problem.reason is not Reason.MAILBOX_NOT_FOUND or encoded == address:
                raise
            return self._resolve_one(encoded)


def _entries(text: str) -> Iterator[str]:
    """Split at separators, except inside quotes and angle brackets ('"Berg, Anna" <anna@example.com>')."""
    entry, closing = "", ""
    for character in text:
        if closing:
            closing = "" if character == closing else closing
        elif character in '"<':
            closing = '"' if character == '"' else ">"
        elif character in SEPARATORS:
            yield from _unless_blank(entry)
            entry = ""
            continue
        entry += character
    if closing and any(separator in entry for separator in SEPARATORS):
        # A quote that is never closed must not swallow the addresses behind it.
        for part in _split(entry):
            yield from _unless_blank(part)
        return
    yield from _unless_blank(entry)


def _split(text: str) -> list[str]:
    for separator in SEPARATORS[1:]:
        text = text.replace(separator, SEPARATORS[0])
    return text.split(SEPARATORS[0])


def _unless_blank(entry: str) -> Iterator[str]:
    entry = entry.strip()
    words = entry.split()
    if len(words) > 1 and all("@" in word for word in words) and not set(entry) & set('"<>()'):
        yield from words  # pasted without separators
    elif entry:
        yield entry


def _address(entry: str) -> str:
    """One entry's address. Raises ValueError that says what is wrong with it."""
    bare = parseaddr(entry)[1] if "<" in entry else entry
    return _validated(bare or entry).normalized.lower()


def _encoded(address: str) -> str:
    """The address with its domain as it travels in DNS (xn--...)."""
    local, _, domain = address.rpartition("@")
    if domain.isascii():
        return address
    return f"{local}@{_validated(f'x@{domain}').ascii_domain}"


def _validated(address: str) -> "ValidatedEmail":
    """Also in a domain that the Internet's mail can't reach: organisations use such inside.

    Raises ValueError that says what is wrong with it.
    """
    # It compiles its rules for as long as a twentieth of the screens' first frame, which checks no address.
    import email_validator  # noqa: PLC0415

    special = email_validator.SPECIAL_USE_DOMAIN_NAMES
    special[:] = [name for name in special if name not in ("local", "test")]
    return email_validator.validate_email(address, check_deliverability=False, globally_deliverable=False)


def _sentence(text: str) -> str:
    return text if text.endswith(".") else text + "."
