"""Litigation holds, as people place and lift them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mse_tui.access.roles import Role, needs
from mse_tui.actions.audit import audit, who
from mse_tui.actions.checks import valid_name, valid_settings
from mse_tui.archive import views
from mse_tui.archive.holds import HoldRow, HoldScope, HoldSearch, holds
from mse_tui.reasons import Problem, Reason
from mse_tui.store.database import now, writing
from mse_tui.store.retention import Hold


class NewHold(BaseModel):
    """A litigation hold to be placed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mailbox: str = Field("", title="Mailbox", description="Hold all that this mailbox has. Empty: every mailbox.")
    message: int | None = Field(
        None, ge=1, title="Message", description="Hold one message, by its number in the archive. Empty: all."
    )
    sender: str = Field("", title="Sender", description="Only messages with this in the sender's address.")
    recipients: str = Field("", title="Recipients", description="Only messages with this in the recipients.")
    subject: str = Field("", title="Subject", description="Only messages with this in the subject.")
    received_from: datetime | None = Field(
        None, title="Received from", description="Only messages received then or later, such as 2024-01-01T00:00Z."
    )
    received_until: datetime | None = Field(
        None, title="Received until", description="Only messages received before, such as 2024-07-01T00:00Z."
    )

    @property
    def search(self) -> dict[str, Any]:
        """What is searched for; nothing where the hold is no search."""
        names = ("sender", "recipients", "subject", "received_from", "received_until")
        return {name: value for name in names if (value := getattr(self, name))}


def all_holds(*, lifted: bool = False) -> list[HoldRow]:
    """Holds in force; with `lifted` also those that were."""
    return holds(lifted=lifted)


def what_it_covers(hold: HoldRow) -> str:
    """What a hold covers, in words."""
    where = ""
    if hold.mailbox_id is not None:
        where = views.mailbox(str(hold.mailbox_id)).address
    if hold.search is not None:
        found = hold.search.model_dump(mode="json", exclude_defaults=True)
        words = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in found.items())
        return f"what has {words}" + (f" in {where}" if where else "")
    if hold.scope is HoldScope.MESSAGE:
        return f"message {hold.placement_id}" if hold.placement_id is not None else "a message that is gone"
    return f"all of {where}" if where else "the whole archive"


@needs(Role.OPERATOR)
def place_hold(name: str, hold: NewHold | dict[str, Any]) -> int:
    """Place a litigation hold; its id. Raises Problem invalid, not-found."""
    name = valid_name(name, "matter")
    wanted = valid_settings(NewHold, hold)
    whose = views.mailbox(wanted.mailbox) if wanted.mailbox.strip() else None
    mailbox_id = None if whose is None else whose.id
    search = valid_settings(HoldSearch, wanted.search) if wanted.search else None
    message_id = None
    if wanted.message is not None:
        if mailbox_id is not None or search is not None:
            raise Problem(Reason.INVALID, "A hold on one message takes no mailbox and no search.", "Leave them empty.")
        message_id = views.message(wanted.message).message_id
    scope = _scope(mailbox_id, message_id, search)
    with writing():
        _refuse_second(name, scope, mailbox_id, message_id, search)
        row = Hold.create(
            name=name, scope=scope, mailbox=mailbox_id, message=message_id,
            search=search.model_dump_json() if search else "", placed=now(), placed_by=who(),
        )  # fmt: skip
        told = {**wanted.model_dump(mode="json"), "mailbox": "" if whose is None else whose.address}
        audit("place hold", f"{row.id} {name}", after={"scope": scope, **told})
    return int(row.id)


def _refuse_second(
    name: str, scope: HoldScope, mailbox_id: int | None, message_id: int | None, search: HoldSearch | None
) -> None:
    """Raises Problem invalid where the matter has a hold in force on the very same."""
    for row in holds():
        same = (row.name.casefold(), row.scope, row.mailbox_id, row.message_id) == (
            name.casefold(), scope, mailbox_id, message_id,
        )  # fmt: skip
        if same and row.search == search:
            raise Problem(
                Reason.INVALID,
                f"The matter {row.name!r} has this hold already: no. {row.id}, placed by {row.placed_by}.",
                "Nothing is to be done; another matter may hold the same.",
            )


@needs(Role.DESTRUCTIVE)
def lift_hold(hold_id: int) -> None:
    """End a hold: what it covered may be deleted and purged again. Raises Problem not-found."""
    with writing():
        lifted = Hold.update(lifted=now(), lifted_by=who()).where(Hold.id == hold_id, Hold.lifted.is_null())
        if not lifted.execute():
            raise Problem(
                Reason.NOT_FOUND, f"No hold {hold_id} is in force.", "mse-tui hold list shows those there are."
            )
        audit("lift hold", f"{hold_id} {Hold.get_by_id(hold_id).name}")


def _scope(mailbox_id: int | None, message_id: int | None, search: HoldSearch | None) -> HoldScope:
    if message_id is not None:
        return HoldScope.MESSAGE
    if search is not None:
        return HoldScope.SEARCH
    return HoldScope.ARCHIVE if mailbox_id is None else HoldScope.MAILBOX
