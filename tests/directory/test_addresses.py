"""Lists of addresses as people type and paste them."""

import pytest

from mse_tui.directory.addresses import AddressDirectory, parse_addresses, valid_addresses
from mse_tui.exchange.rows import MailboxIdentity
from mse_tui.reasons import Problem, Reason


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("anna@example.com", ["anna@example.com"]),
        ("a@example.com; b@example.com,c@example.com\r\nd@example.com", [f"{n}@example.com" for n in "abcd"]),
        ("  Anna@Example.COM ;; anna@example.com,", ["anna@example.com"]),
        ('"Berg, Anna" <anna@example.com>; Carl <carl@example.com>', ["anna@example.com", "carl@example.com"]),
        ("o'neil@corp.local; jürgen@büro.example", ["o'neil@corp.local", "jürgen@büro.example"]),
        (
            "anna@example.com berta@example.com\tcarl@example.com",
            [f"{n}@example.com" for n in ("anna", "berta", "carl")],
        ),
        ("jürgen@BÜRO.example; JÜRGEN@xn--bro-hoa.example; 用户@例え.jp", ["jürgen@büro.example", "用户@例え.jp"]),
        ("", []),
    ],
)
def test_addresses_are_read_in_order_each_once(text, addresses):
    parsed = parse_addresses(text)
    assert list(parsed.addresses) == addresses
    assert parsed.refused == ()


def test_addresses_may_be_read_by_many_at_once(monkeypatch):
    class Racing(list):
        def remove(self, name):
            super().remove(name)
            super().remove(name)  # another thread was first

    monkeypatch.setattr("email_validator.SPECIAL_USE_DOMAIN_NAMES", Racing(["local", "test", "onion"]))
    assert parse_addresses("anna@corp.local").refused == ()


@pytest.mark.parametrize("text", ["anna", "anna@", "@example.com", "a b@example.com", "a@exa mple.com", "<>", "a@b@c"])
def test_what_is_no_address_is_refused_with_its_reason(text):
    parsed = parse_addresses(f"{text}; anna@example.com")
    assert parsed.addresses == ("anna@example.com",)
    (refused,) = parsed.refused
    assert (refused.entry, refused.reason) == (text, Reason.ADDRESS_INVALID)
    assert text in refused.message


def test_an_open_quote_swallows_no_address():
    assert parse_addresses('"Anna, berta@example.com; carl@example.com').addresses == (
        "berta@example.com",
        "carl@example.com",
    )


def test_a_list_that_must_be_right_names_all_that_is_wrong():
    with pytest.raises(Problem) as refused:
        valid_addresses("anna; berta@example.com; carl@")
    assert refused.value.reason is Reason.ADDRESS_INVALID
    assert "'anna'" in refused.value.happened
    assert "'carl@'" in refused.value.happened
    with pytest.raises(Problem) as empty:
        valid_addresses(" ; ")
    assert empty.value.reason is Reason.GROUP_EMPTY


class Organisation:
    def resolve(self, address):
        if address.startswith("nobody"):
            raise Problem(Reason.MAILBOX_NOT_FOUND, "Nobody has it.")
        if address.startswith("down"):
            raise Problem(Reason.SERVER_UNREACHABLE, "Down.")
        primary = address.replace("alias", "anna")
        return MailboxIdentity("", primary.title(), "Name", "shared")


def test_aliases_lead_to_their_mailbox_once():
    found = AddressDirectory(Organisation().resolve).resolve("alias@example.com; berta@example.com; anna@example.com")
    assert [(member.address, member.entry) for member in found.included] == [
        ("anna@example.com", "alias@example.com"),
        ("berta@example.com", ""),
    ]
    assert found.included[0].kind == "shared"


@pytest.mark.parametrize("text", ["", " ; , ", "\n"])
def test_a_list_that_names_nobody_is_no_group_of_nobody(text: str) -> None:
    with pytest.raises(Problem) as empty:
        AddressDirectory(Organisation().resolve).resolve(text)
    assert empty.value.reason is Reason.GROUP_EMPTY


class Encoded(Organisation):
    """Keeps internationalised domains as they travel in DNS."""

    def resolve(self, address):
        if not address.isascii():
            raise Problem(Reason.MAILBOX_NOT_FOUND, "Nobody has it.")
        return super().resolve(address)


def test_an_internationalised_domain_is_looked_for_in_both_forms():
    found = AddressDirectory(Encoded().resolve).resolve("anna@büro.example; anna@xn--bro-hoa.example")
    assert [member.address for member in found.included] == ["anna@xn--bro-hoa.example"]
    assert found.skipped == ()


def test_an_unknown_address_is_skipped_but_a_directory_that_cannot_answer_is_an_error():
    directory = AddressDirectory(Organisation().resolve)
    found = directory.resolve("nobody@example.com; anna@example.com")
    assert [entry.reason for entry in found.skipped] == [Reason.MAILBOX_NOT_FOUND]
    with pytest.raises(Problem) as error:
        directory.resolve("anna@example.com; down@example.com")
    assert error.value.reason is Reason.SERVER_UNREACHABLE
