"""CreateAttachment, GetAttachment, DeleteAttachment."""

from base64 import b64encode
from email.message import Message
from typing import Any

from mse_tui.sandbox.ews.access import item_of, open_decoded
from mse_tui.sandbox.ews.content_fields import (
    attachment_keys,
    attachment_xml,
    is_item,
    next_attachment_key,
    payload_of,
)
from mse_tui.sandbox.ews.draft_reading import read_attachment
from mse_tui.sandbox.ews.ids import DecodedId, IdMaker, change_key, change_number, decode
from mse_tui.sandbox.ews.render import Rendering
from mse_tui.sandbox.ews.shapes import attached_item_xml
from mse_tui.sandbox.ews.soap import QM, EwsError, Request, SoapFault, operation, response_messages
from mse_tui.sandbox.mime import attachment_parts, is_inline, parse
from mse_tui.sandbox.mime_edit import add_attachments, remove_attachment, write
from mse_tui.sandbox.records import MailboxRecord, Row


def _changed(request: Request, row: Row, message: Message, keys: list[int], following: int) -> Row:
    data = write(message)
    parts = attachment_parts(parse(data))
    request.store.update_item(
        row["id"],
        {
            "has_attachments": any(not is_inline(part) for part in parts),
            "attachment_keys": f"{','.join(str(key) for key in keys)};{following}",
        },
        mime=data,
    )
    return request.store.item(row["id"])


@operation("CreateAttachment")
def create_attachment(request: Request) -> str:
    """CreateAttachment: each answer carries the item's new change key."""
    parent = request.required("ParentItemId")

    def one(element: Any) -> str:
        added = read_attachment(element)
        with request.store.writing():
            mailbox, row, _ = item_of(request, parent)
            if parent.get("ChangeKey"):
                change_number(parent.get("ChangeKey"))
            message = parse(request.store.content(row))
            keys = attachment_keys(row, len(attachment_parts(message)))
            key = next_attachment_key(row, len(keys))
            add_attachments(message, [added])
            changed = _changed(request, row, message, [*keys, key], key + 1)
        ids = IdMaker(mailbox.guid)
        kind = "ItemAttachment" if added.is_item else "FileAttachment"
        return (
            f'<m:Attachments><t:{kind}><t:AttachmentId Id="{ids.attachment(row["id"], key)}"'
            f' RootItemId="{ids.item(row["id"])}" RootItemChangeKey="{change_key(changed["changed"])}"/>'
            f"</t:{kind}></m:Attachments>"
        )

    return response_messages(request, request.required("Attachments"), one, on_error="<m:Attachments/>")


def _find(request: Request, element: Any) -> tuple[MailboxRecord, Row, DecodedId]:
    decoded = decode(element.get("Id"))
    if decoded.kind != "attachment":
        raise EwsError("ErrorInvalidIdNotAnItemAttachmentId", "Id must be an item attachment id.")
    mailbox = open_decoded(request, decoded)
    row = request.store.item(decoded.row)
    if row is None or row["mailbox"] != mailbox.id:
        raise EwsError("ErrorItemNotFound")
    return mailbox, row, decoded


@operation("GetAttachment")
def get_attachment(request: Request) -> str:
    """GetAttachment: a file's content, or an attached item with its properties."""
    shape = request.child("AttachmentShape")

    def one(element: Any) -> str:
        mailbox, row, decoded = _find(request, element)
        rendering = Rendering(request, mailbox)
        parts = attachment_parts(rendering.message(row))
        keys = attachment_keys(row, len(parts))
        if decoded.detail not in keys:
            raise EwsError("ErrorItemNotFound")
        part = parts[keys.index(decoded.detail)]
        if is_item(part):
            inside = attached_item_xml(request, mailbox, shape, payload_of(part))
        else:
            inside = f"<t:Content>{b64encode(payload_of(part)).decode()}</t:Content>"
        return f"<m:Attachments>{attachment_xml(row, rendering, part, decoded.detail, inside=inside)}</m:Attachments>"

    return response_messages(request, request.required("AttachmentIds"), one, on_error="<m:Attachments/>")


@operation("DeleteAttachment")
def delete_attachment(request: Request) -> str:
    """DeleteAttachment: each answer names the item and its new change key."""
    elements = request.element.find(QM + "AttachmentIds")
    if elements is None:
        raise SoapFault("ErrorSchemaValidation", "The request failed schema validation: AttachmentIds.")

    def one(element: Any) -> str:
        with request.store.writing():
            mailbox, row, decoded = _find(request, element)
            message = parse(request.store.content(row))
            keys = attachment_keys(row, len(attachment_parts(message)))
            if decoded.detail not in keys:
                raise EwsError("ErrorItemNotFound")
            following = next_attachment_key(row, len(keys))
            remove_attachment(message, keys.index(decoded.detail))
            changed = _changed(request, row, message, [key for key in keys if key != decoded.detail], following)
        return (
            f'<m:RootItemId RootItemId="{IdMaker(mailbox.guid).item(row["id"])}"'
            f' RootItemChangeKey="{change_key(changed["changed"])}"/>'
        )

    return response_messages(request, elements, one)
