"""Extended (MAPI) properties: how they are named, kept and computed."""

from collections.abc import Mapping
from typing import Any

from mse_tui.sandbox.ews.soap import QT, EwsError, escape
from mse_tui.sandbox.records import Row

PROPERTY_SETS = {
    "Meeting": "6ed8da90-450b-101b-98da-00aa003f1305",
    "Appointment": "00062002-0000-0000-c000-000000000046",
    "Common": "00062008-0000-0000-c000-000000000046",
    "PublicStrings": "00020329-0000-0000-c000-000000000046",
    "Address": "00062004-0000-0000-c000-000000000046",
    "InternetHeaders": "00020386-0000-0000-c000-000000000046",
    "CalendarAssistant": "11000e07-b51b-40d6-af21-caa85edab1d0",
    "UnifiedMessaging": "4442858e-a9e3-4e80-b900-317a210cc15b",
    "Task": "00062003-0000-0000-c000-000000000046",
    "Sharing": "00062040-0000-0000-c000-000000000046",
}
INTERNET_HEADERS = f"{PROPERTY_SETS['InternetHeaders']}:name:"
"""Keys that start so are headers of the message."""

SENSITIVITIES = ("Normal", "Personal", "Private", "Confidential")
IMPORTANCES = ("Low", "Normal", "High")
_READ, _UNMODIFIED, _UNSENT, _HAS_ATTACHMENT = 1, 2, 8, 16


def key_of(uri: Any) -> str:
    """The key under which an ExtendedFieldURI's property is kept. Raises EwsError for one that names nothing."""
    tag = uri.get("PropertyTag")
    if tag is not None:
        return tag_key(_number(tag))
    named = uri.get("DistinguishedPropertySetId")
    guid = PROPERTY_SETS.get(named) if named else (uri.get("PropertySetId") or "").strip("{}").lower()
    if guid and uri.get("PropertyName") is not None:
        name = uri.get("PropertyName")
        return f"{guid}:name:{name.lower() if guid == PROPERTY_SETS['InternetHeaders'] else name}"
    if guid and uri.get("PropertyId") is not None:
        return f"{guid}:id:{_number(uri.get('PropertyId'))}"
    raise EwsError("ErrorInvalidExtendedProperty", "The extended property attribute combination is invalid.")


def _number(text: str) -> int:
    try:
        return int(text, 16) if text.lower().startswith("0x") else int(text)
    except ValueError as error:
        raise EwsError("ErrorInvalidExtendedProperty", f"{text!r} is not a number.") from error


def tag_key(tag: int) -> str:
    """The key of a property that is known by its tag."""
    return f"tag:{tag & 0xFFFF:04x}"


def uri_xml(uri: Any) -> str:
    """The ExtendedFieldURI as it was asked for."""
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in uri.attrib.items())
    return f"<t:ExtendedFieldURI{attributes}/>"


def property_xml(uri_text: str, value: str | list[str]) -> str:
    """An ExtendedProperty element."""
    if isinstance(value, list):
        inner = "".join(f"<t:Value>{escape(each)}</t:Value>" for each in value)
        return f"<t:ExtendedProperty>{uri_text}<t:Values>{inner}</t:Values></t:ExtendedProperty>"
    return f"<t:ExtendedProperty>{uri_text}<t:Value>{escape(value)}</t:Value></t:ExtendedProperty>"


def read_property(element: Any) -> tuple[str, tuple[str, str | list[str]]]:
    """Key and (type, value or values) of an ExtendedProperty element. Raises EwsError."""
    uri = element.find(QT + "ExtendedFieldURI")
    if uri is None:
        raise EwsError("ErrorInvalidExtendedProperty")
    kind = uri.get("PropertyType", "String")
    values = element.find(QT + "Values")
    if values is not None:
        return key_of(uri), (kind, [each.text or "" for each in values])
    value = element.find(QT + "Value")
    if value is None:
        raise EwsError("ErrorInvalidExtendedPropertyValue")
    return key_of(uri), (kind, value.text or "")


def computed(key: str, row: Row) -> str | None:
    """A property that follows from what the item is, None where it has to be among the kept ones."""
    maker = _COMPUTED.get(key)
    return maker(row) if maker else None


def message_flags(row: Row) -> int:
    """PidTagMessageFlags."""
    flags = _READ if row["is_read"] else 0
    flags |= _UNSENT if row["is_draft"] else 0
    return flags | (_HAS_ATTACHMENT if row["has_attachments"] else 0)


def columns_from(key: str, value: str) -> Mapping[str, Any] | None:
    """The item columns that setting a property by its tag means, None where it is merely kept."""
    setter = _SETTERS.get(key)
    try:
        return setter(value) if setter else None
    except (ValueError, LookupError) as error:
        raise EwsError("ErrorInvalidExtendedPropertyValue", f"{value!r} is not valid here.") from error


def _flags_columns(value: str) -> dict[str, Any]:
    flags = int(value)
    return {"is_read": bool(flags & _READ), "is_draft": bool(flags & _UNSENT)}


def _moment(value: str) -> str:
    from mse_tui.sandbox.ews.values import utc_text  # noqa: PLC0415 (values builds on this module)

    return utc_text(value)


_FLAG_STATUS = {"0": "NotFlagged", "1": "Complete", "2": "Flagged"}

_SETTERS: dict[str, Any] = {
    "tag:001a": lambda value: {"item_class": value},
    "tag:0017": lambda value: {"importance": IMPORTANCES[int(value)]},
    "tag:0036": lambda value: {"sensitivity": SENSITIVITIES[int(value)]},
    "tag:0037": lambda value: {"subject": value},
    "tag:0039": lambda value: {"sent": _moment(value)},
    "tag:0e06": lambda value: {"received": _moment(value)},
    "tag:0e07": _flags_columns,
    "tag:1035": lambda value: {"message_id": value},
    "tag:1090": lambda value: {"flag": _FLAG_STATUS[value]},
    "tag:3007": lambda value: {"created": _moment(value)},
}

_COMPUTED: dict[str, Any] = {
    "tag:001a": lambda row: row["item_class"],
    "tag:0017": lambda row: str(IMPORTANCES.index(row["importance"])),
    "tag:0036": lambda row: str(SENSITIVITIES.index(row["sensitivity"])),
    "tag:0037": lambda row: row["subject"],
    "tag:0039": lambda row: row["sent"],
    "tag:0070": lambda row: row["subject"],
    "tag:0c1a": lambda row: row["sender_name"],
    "tag:0c1f": lambda row: row["sender_address"],
    "tag:5d01": lambda row: row["sender_address"],
    "tag:0e04": lambda row: row["display_to"],
    "tag:0e06": lambda row: row["received"],
    "tag:0e07": lambda row: str(message_flags(row)),
    "tag:0e08": lambda row: str(row["size"]),
    "tag:0e1b": lambda row: "true" if row["has_attachments"] else "false",
    "tag:1035": lambda row: row["message_id"] or None,
    "tag:1090": lambda row: {"Complete": "1", "Flagged": "2"}.get(row["flag"]),
    "tag:3007": lambda row: row["created"],
    "tag:3008": lambda row: row["modified"],
}
