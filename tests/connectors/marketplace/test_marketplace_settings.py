"""What is wrong with a marketplace's settings is said when they are written."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from connectors.marketplace import routes
from connectors.marketplace.destination import MarketplaceDestination
from connectors.marketplace.settings import MarketplaceCredentials, MarketplaceSettings
from connectors.marketplace.simulator import ROUTES
from hub.connection_file import secrets_of
from tests.connectors.marketplace.marketplace_world import LOTS

BASE: dict[str, Any] = {"title": "m", "base_url": "https://m.example/api/", "auth": "bearer", **ROUTES}


def without(*names: str, **told: Any) -> dict[str, Any]:
    return {name: value for name, value in BASE.items() if name not in names} | told


@pytest.mark.parametrize(
    ("told", "error"),
    (
        (without("upsert"), "upsert"),
        (without("title"), "title"),
        (without(base_url="m.example"), "https://host"),
        (without(base_url="https://m.example/?a=b"), "no query"),
        (without(upsert={"path": "products"}), "must begin with a slash"),
        (
            without(upsert={"path": "/products/{id}"}),
            "there is no field {id}; there are {external_id} and {sku}",
        ),
        (without(upsert={"path": "/products/{external_id}"}), "a product that is not there yet"),
        (without(upsert={}), "upsert.path: is needed"),
        (without(upsert={"path": "/{sku}", "errors": "errors["}), "the expression"),
        (without(upsert={"path": "/{sku}", "body": {"sku": "sku["}}), "the expression"),
        (without("block", "unblock", "delete", "stock"), "nothing could ever be taken off sale"),
        (without("unblock"), "unblock: set it"),
        (
            without("block", "unblock", stock={"path": "/{sku}", "carries": ["active"]}),
            "stock.carries: holds active",
        ),
        (without("price"), None),
        (without("price", upsert={"path": "/{sku}", "carries": []}), "price: no call tells of it"),
        (without(block={"path": "/{sku}", "carries": ["price"]}), "block.carries: may hold stock alone"),
        (without(lots={**LOTS, "takes": []}), "lots.takes"),
        (without("price", lots={**LOTS, "takes": ["price"]}), "lots.takes: holds price"),
        (without(lots={**LOTS, "status_path": "/{id}"}), "there is no field {id}; there are {lot}"),
        (without(offers={"path": "/offers"}), None),
        (without(auth="basic", refresh={"url": "https://m.example/t"}), "refresh: renews the token"),
        (without(headers={"Idempotency-Key": "1"}), "set by another setting"),
        (without(pric={"path": "/"}), "pric"),
    ),
)
def test_what_cannot_work_is_refused(told: dict[str, Any], error: str | None) -> None:
    """With what to do; None for what can."""
    if error is None:
        MarketplaceSettings.model_validate(told)
        return
    with pytest.raises(ValidationError) as raised:
        MarketplaceSettings.model_validate(told)

    assert error in str(raised.value)


def test_the_base_url_may_end_with_a_slash() -> None:
    """Paths begin with one."""
    assert MarketplaceSettings.model_validate(BASE).base_url == "https://m.example/api"


def test_every_setting_has_a_word_about_it() -> None:
    """In whatever part."""
    models = [
        one
        for one in (MarketplaceSettings, MarketplaceCredentials, *vars(routes).values())
        if isinstance(one, type) and issubclass(one, BaseModel)
    ]

    silent = {
        f"{model.__name__}.{name}"
        for model in models
        for name, field in model.model_fields.items()
        if not field.description
    }
    assert len(models) > 5
    assert silent == set()


def test_credentials_are_secrets() -> None:
    """But for names that show who it is."""
    given = {
        "token": "t-secret",
        "client_id": "hub",
        "client_secret": "c-secret",
        "refresh_token": "r-secret",
    }

    credentials = MarketplaceDestination.Credentials.model_validate(given)

    assert set(secrets_of(credentials)) >= {"t-secret", "c-secret", "r-secret"}
    assert "secret" not in repr(credentials).replace("client_secret", "")
