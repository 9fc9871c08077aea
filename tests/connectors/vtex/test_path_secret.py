"""What stands in an endpoint's path to keep strangers out is taken as it is, or refused."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from connectors.vtex.access import PathSecret, VtexCredentials
from connectors.vtex.marketplace.settings import VtexMarketplaceCredentials
from connectors.vtex.seller.settings import VtexSellerCredentials

KEYS = {"app_key": "vtexappkey-x", "app_token": "token-of-vtex"}


@pytest.mark.parametrize("text", ("s" * 16, "S-0_" * 50))
def test_a_secret_of_a_path_is_taken_as_it_is(text: str) -> None:
    """From 16 to 200 of what needs no quoting."""
    assert TypeAdapter(PathSecret).validate_python(text).get_secret_value() == text


@pytest.mark.parametrize("text", ("", "s" * 15, "s" * 201, "s" * 15 + "/", "s" * 15 + "ß", "s" * 16 + "\n"))
@pytest.mark.parametrize("model", (VtexSellerCredentials, VtexMarketplaceCredentials))
def test_what_cannot_stand_in_a_path_is_refused(model: type[VtexCredentials], text: str) -> None:
    """With the field, and without the secret."""
    with pytest.raises(ValidationError, match="16 to 200 letters, digits") as caught:
        model.model_validate({**KEYS, "endpoint_secret": text})

    assert [one["loc"] for one in caught.value.errors()] == [("endpoint_secret",)]
    assert text == "" or text not in str(caught.value)
