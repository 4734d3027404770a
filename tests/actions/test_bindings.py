"""What a site is bound to is known before its engine has started, so that wrong groups are refused when saved."""

import pytest

from mse_tui.actions.opening import open_site
from mse_tui.home import Home
from mse_tui.reasons import Problem, Reason
from mse_tui.store.models import Site
from mse_tui.terms import SiteBinding
from tests.actions.conftest import Ready

EXCHANGE = '[exchange]\nendpoint = "https://mail.example.com/EWS/Exchange.asmx"\nuser = "svc"\npassword_env = "X"\n'
CLOUD = '[microsoft365]\ntenant = "example.onmicrosoft.com"\nclient_id = "app"\nsecret_env = "X"\n'
DOMAIN = '[active_directory]\nservers = ["dc1.example.com"]\nuser = "svc@example.com"\npassword_env = "X"\n'
SALES = "CN=Sales,OU=Groups,DC=example,DC=com"


def configured(home: Home, text: str) -> Site:
    home.config.write_text(text)
    open_site(home)
    found: Site = Site.get()
    return found


def test_a_site_bound_to_microsoft_365_saves_no_task_over_a_group_of_active_directory(ready: Ready, home: Home) -> None:
    site = configured(home, f'[site]\nbinding = "microsoft_365"\n{EXCHANGE}{CLOUD}{DOMAIN}')
    assert site.binding == SiteBinding.MICROSOFT_365
    with pytest.raises(Problem) as refused:
        ready.task(group=SALES)
    assert refused.value.reason is Reason.GROUP_REFUSED
    assert "dynamic distribution list" in refused.value.remedy
    assert ready.task(group="sales@example.com")


def test_a_site_without_a_directory_says_what_to_configure(ready: Ready, home: Home) -> None:
    configured(home, EXCHANGE)
    with pytest.raises(Problem) as refused:
        ready.task(group=SALES)
    assert refused.value.reason is Reason.DIRECTORY_MISSING
    assert "[active_directory]" in refused.value.remedy
    configured(home, EXCHANGE + DOMAIN)
    assert ready.task(group=SALES)


def test_a_name_can_be_a_group_s_where_some_directory_knows_groups(ready: Ready, home: Home) -> None:
    with pytest.raises(Problem) as refused:
        ready.task(group="Sales")
    assert refused.value.reason is Reason.ADDRESS_INVALID
    configured(home, EXCHANGE)
    assert ready.task(group="Sales")
