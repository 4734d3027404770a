"""Values in EWS elements: moments, people, texts; from XML and into it."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from lxml import etree

from mse_tui.sandbox.ews.soap import QT, EwsError, T, escape
from mse_tui.sandbox.records import Person

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_FRACTION = re.compile(r"\.(\d+)")


def moment(text: str, zone: tzinfo = UTC) -> datetime:
    """An xs:dateTime; without an offset it is meant in `zone`. Raises EwsError."""
    try:
        plain = _FRACTION.sub("", text.strip()).replace("Z", "+00:00")
        found = datetime.fromisoformat(plain)
    except ValueError as error:
        raise EwsError("ErrorInvalidPropertySet", f"{text!r} is not a moment.") from error
    return found if found.tzinfo else found.replace(tzinfo=zone)


def utc_text(text: str, zone: tzinfo = UTC) -> str:
    """The same, as the store keeps moments ('2024-05-06T08:00:00Z')."""
    return moment(text, zone).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_store(text: str) -> datetime:
    """A moment that the store keeps."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def duration(length: timedelta) -> str:
    """An xs:duration ('PT1H30M')."""
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    date = f"{days}D" if days else ""
    time = "".join(f"{value}{unit}" for value, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if value)
    return f"P{date}{'T' + time if time else ''}" if date or time else "PT0S"


def boolean(text: str | None) -> bool:
    """An xs:boolean. Raises EwsError."""
    try:
        return _BOOLEANS[(text or "").strip()]
    except KeyError as error:
        raise EwsError("ErrorInvalidPropertySet", f"{text!r} is not true or false.") from error


def truth(value: Any) -> str:
    """true or false."""
    return "true" if value else "false"


def text_element(name: str, text: str) -> str:
    """A simple element in the types namespace, as ItemSpec.properties wants it."""
    return f"<t:{name}>{escape(text)}</t:{name}>"


def mailbox_xml(name: str, address: str) -> str:
    """A t:Mailbox element."""
    shown = f"<t:Name>{escape(name)}</t:Name>" if name else f"<t:Name>{escape(address)}</t:Name>"
    if not address:
        return f"<t:Mailbox>{shown}</t:Mailbox>"
    return (
        f"<t:Mailbox>{shown}<t:EmailAddress>{escape(address)}</t:EmailAddress>"
        "<t:RoutingType>SMTP</t:RoutingType><t:MailboxType>Mailbox</t:MailboxType></t:Mailbox>"
    )


def person(element: Any) -> Person:
    """Who a t:Mailbox element names."""
    return Person(element.findtext(QT + "Name") or "", element.findtext(QT + "EmailAddress") or "")


def persons(element: Any) -> list[Person]:
    """Everybody in an element of t:Mailbox elements."""
    return [person(each) for each in element.iter(QT + "Mailbox")]


def strings(element: Any) -> list[str]:
    """The texts in an element of t:String elements."""
    return [each.text or "" for each in element.iter(QT + "String")]


def strings_xml(name: str, values: Iterable[str]) -> str:
    """An element of t:String elements."""
    return f"<t:{name}>{''.join(f'<t:String>{escape(value)}</t:String>' for value in values)}</t:{name}>"


def fragment(element: Any) -> str:
    """An element in the types namespace as XML with the prefix t and no declarations, to be put into a response."""
    name = etree.QName(element).localname
    attributes = "".join(
        f' {etree.QName(key).localname}="{escape(value)}"' for key, value in element.attrib.items() if "}" not in key
    )
    inner = escape(element.text or "") if not len(element) else "".join(fragment(child) for child in element)
    return f"<t:{name}{attributes}>{inner}</t:{name}>"


def parse_fragment(xml: str) -> Any:
    """The element that `fragment` wrote."""
    return etree.fromstring(f'<t:r xmlns:t="{T}">{xml}</t:r>')[0]
