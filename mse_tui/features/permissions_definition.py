"""What a Mailbox Permissions Sync task can be told."""

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mse_tui.access.rights import Source


class PermissionsSyncDefinition(BaseModel):
    """Which of Exchange's permissions decide who may open a mailbox's archive."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    full_access: bool = Field(
        True,
        title="Full Access",
        description="Who has Full Access to the mailbox may open its whole archive; a Deny keeps people out of it.",
    )
    folder_permissions: bool = Field(
        True,
        title="Folder permissions",
        description="Who may read a folder in Exchange may read it in the archive.",
    )
    delegates: bool = Field(
        True,
        title="Delegates",
        description="Who acts for the owner may read the standard folders that the delegate's levels allow.",
    )
    expand_groups: bool = Field(
        True,
        title="Expand groups",
        description="Let in the members of groups that are named; otherwise such entries are skipped and counted.",
    )
    max_revocations: int = Field(
        10,
        ge=0,
        title="Most people to lose access",
        description="If more people than this would lose access to a mailbox's archive in one run, nothing is changed.",
    )
    max_revocations_percent: int = Field(
        50,
        ge=0,
        le=100,
        title="Most people to lose access (%)",
        description="The same by the share of those who have access; it counts from four people on.",
    )
    dry_run: bool = Field(
        False, title="Dry run", description="Report what would change and change nothing: mse-tui access changes."
    )

    @model_validator(mode="after")
    def _has_a_source(self) -> "PermissionsSyncDefinition":
        if not self.sources:
            raise ValueError("nothing is switched on: choose Full Access, folder permissions or delegates")
        return self

    @property
    def sources(self) -> frozenset[Source]:
        """What is to be read."""
        chosen = {
            Source.FULL_ACCESS: self.full_access,
            Source.FOLDER: self.folder_permissions,
            Source.DELEGATE: self.delegates,
        }
        return frozenset(source for source, is_on in chosen.items() if is_on)

    def allows(self, losing: int, people: int) -> bool:
        """Whether so many of so many people may lose access in one run."""
        if losing > self.max_revocations:
            return False
        return losing <= _ALWAYS_ALLOWED or losing * 100 <= self.max_revocations_percent * people

    def believes_empty(self, archives: int) -> bool:
        """Whether a group through which people have access to so many archives may have no members now.

        One that was emptied by mistake would pass the cap in each archive, when it is a small one.
        """
        return archives <= _ALWAYS_ALLOWED or self.max_revocations_percent == _ALL


_ALL = 100
_ALWAYS_ALLOWED = 3
"""So few may always lose access: of a handful of delegates half is one or two."""
