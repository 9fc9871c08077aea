"""What a user writes down is taken, or refused with its field and what to do."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from connectors.vtex.access import Hosts, VtexCredentials, headers
from connectors.vtex.seller.settings import Defaults, VtexSellerSettings
from tests.connectors.vtex.seller.goods import settings


@pytest.mark.parametrize("model", (VtexSellerSettings, Defaults, VtexCredentials))
def test_every_field_says_what_it_is(model: type[BaseModel]) -> None:
    """For the documentation and for whoever asks at a prompt."""
    assert [name for name, field in model.model_fields.items() if not field.description] == []


def test_hosts_are_those_of_the_account() -> None:
    """Three of them."""
    hosts = Hosts.of("mystore")

    assert hosts.store == "https://mystore.vtexcommercestable.com.br"
    assert hosts.api == "https://api.vtex.com/mystore"
    assert hosts.on_portal("/api/x") == "https://portal.vtexcommercestable.com.br/api/x?an=mystore"


def test_an_endpoint_stands_for_all_hosts() -> None:
    """With the paths behind it as they are."""
    hosts = Hosts.of("mystore", endpoint="http://127.0.0.1:9500")

    assert (hosts.store, hosts.api) == ("http://127.0.0.1:9500", "http://127.0.0.1:9500/mystore")
    assert hosts.on_portal("/api/x") == "http://127.0.0.1:9500/api/x?an=mystore"


@pytest.mark.parametrize(
    ("field", "value", "remedy"),
    (
        ("account", "mystore.myvtex.com", "is not an account's name; give what stands before .myvtex.com"),
        ("account", "my store", "is not an account's name"),
        ("account", "", "is not an account's name"),
        ("account", "a/../b", "is not an account's name"),
        ("environment", "evil.example/", "vtexcommercestable"),
        ("endpoint", "127.0.0.1:9500", "give scheme, host and perhaps a path"),
        ("endpoint", "http://u:p@x", "give scheme, host and perhaps a path"),
        ("endpoint", "http://x/?a=1", "give scheme, host and perhaps a path"),
        ("endpoint", "http://[x", "give scheme, host and perhaps a path"),
        ("seller_id", "a/b", "copy it from the marketplace's Sellers management"),
        ("seller_id", "", "copy it from the marketplace's Sellers management"),
        ("seller_id", "..", "copy it from the marketplace's Sellers management"),
        ("currency", "reais", "use a code such as USD"),
        ("sku", "gtin", "'key' or 'sku'"),
        ("locations", [], "at least 1"),
        ("requests_per_second", 0, "greater than or equal to 0.001"),
        ("requests_per_second", 1e-300, "greater than or equal to 0.001"),
        ("requests_per_second", 1e308, "less than or equal to 10000"),
        ("follow_seconds", 1e-9, "greater than or equal to 1"),
        ("follow_at_most_seconds", 1e-9, "greater than or equal to 1"),
        ("defaults", {"weight_grams": 0}, "greater than 0"),
        ("defaults", {"image": "http://x/a.png"}, "give the whole https address"),
        ("defaults", {"category_path": ["A/B"]}, 'write ["Department", "Category"]'),
        ("defaults", {"category_path": []}, "at least 1"),
        ("defaults", {"brand": " "}, "at least 1"),
        ("unknown", 1, "Extra inputs are not permitted"),
    ),
)
def test_what_is_wrong_is_said_with_its_field(field: str, value: Any, remedy: str) -> None:
    """And the remedy."""
    with pytest.raises(ValidationError) as raised:
        settings(**{field: value})

    (error,) = raised.value.errors()
    assert error["loc"][0] == field
    assert remedy in error["msg"]


def test_names_are_taken_as_people_write_them() -> None:
    """Blanks and capitals do not matter, a slash at the end neither."""
    found = settings(account=" MyStore ", endpoint="http://127.0.0.1:9500/", currency="brl")

    assert (found.account, found.endpoint, found.currency) == ("mystore", "http://127.0.0.1:9500", "BRL")
    assert settings(defaults={"category_path": [" Shoes "], "brand": " Nike "}).defaults == Defaults(
        category_path=["Shoes"], brand="Nike"
    )


@pytest.mark.parametrize("field", ("app_key", "app_token"))
@pytest.mark.parametrize("value", ("", "a b", "a\nX-Evil: 1", "ключ"))
def test_a_credential_that_is_no_header_is_refused_without_being_shown(field: str, value: str) -> None:
    """Neither in the error nor in a representation."""
    with pytest.raises(ValidationError) as raised:
        VtexCredentials.model_validate({"app_key": "k", "app_token": "t"} | {field: value})

    assert "copy it anew" in str(raised.value)
    assert not value or value not in str(raised.value)


def test_headers_hold_both_keys() -> None:
    """In plain, and nowhere else."""
    credentials = VtexCredentials.model_validate({"app_key": "key-1", "app_token": "token-1"})

    assert headers(credentials) == {
        "X-VTEX-API-AppKey": "key-1",
        "X-VTEX-API-AppToken": "token-1",
        "Accept": "application/json",
        "Content-Type": "application/json",
    }
    assert "token-1" not in repr(credentials)
