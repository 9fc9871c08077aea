"""What the HTTP destination refuses before a record is sent."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.destinations.http import HttpDestination
from connectors.destinations.http_settings import HttpCredentials, HttpSettings
from hub.connection_file import validated
from hub.connector import Ports
from hub.errors import ConfigurationError

URL = "https://erp.example/prices"


@pytest.mark.parametrize(
    ("settings", "field", "remedy"),
    (
        ({}, "url", "is required"),
        (
            {"url": URL, "methud": "POST"},
            "methud",
            "is not a setting; there are: auth, auth_header, url, method",
        ),
        ({"url": "erp.example/prices"}, "url", "write it as https://host/…"),
        ({"url": "ftp://erp.example/"}, "url", "write it as https://host/…"),
        ({"url": "https://{body.host}/x"}, "url", "scheme and host are fixed"),
        ({"url": "https://erp.example{key}"}, "url", "scheme and host are fixed"),
        ({"url": "https://user:secret@erp.example/"}, "url", "credentials belong to auth"),
        ({"url": "https://erp.example:port/"}, "url", "Port could not be cast"),
        ({"url": URL + "#top"}, "url", "must not have a fragment"),
        (
            {"url": URL + "/{sku}"},
            "url",
            "there is no field {sku}; there are {key}, {stream} and {body.NAME}",
        ),
        ({"url": URL + "/{key!r}"}, "url", "there is no field {key}"),
        ({"url": URL + "/{}"}, "url", "there is no field {}"),
        ({"url": URL + "/{body.}"}, "url", "there is no field {body.}"),
        ({"url": URL + "/{key"}, "url", "expected '}'"),
        ({"url": URL + "/{{key}}"}, "url", "braces stand for fields only"),
        ({"url": URL, "method": "GET"}, "method", "must be 'POST', 'PUT', 'PATCH' or 'DELETE'"),
        ({"url": URL, "headers": {"a b": "c"}}, "headers", "'a b' is no header name"),
        (
            {"url": URL, "headers": {"X-A": "b\r\nX-B: c"}},
            "headers",
            "has characters that no header can carry",
        ),
        ({"url": URL, "headers": {"authorization": "x"}}, "headers", "credentials are set by auth"),
        ({"url": URL, "headers": {"idempotency-key": "x"}}, "", "headers: idempotency-key is set by another"),
        ({"url": URL, "auth": "header", "headers": {"x-api-key": "x"}}, "", "is set by another setting"),
        ({"url": URL, "batch": 0}, "batch", "greater than or equal to 1"),
        ({"url": URL, "batch": 1001}, "batch", "less than or equal to 1000"),
        ({"url": URL, "batch_key": "items"}, "", "batch_key: is for batches; set batch to more than 1"),
        ({"url": URL, "results": {"items": "@"}}, "", "results: is for batches"),
        ({"url": URL, "batch": 2, "results": {}}, "results.items", "is required"),
        (
            {"url": URL, "batch": 2, "results": {"items": "a["}},
            "results.items",
            'the expression "a[" is wrong',
        ),
        ({"url": URL, "batch": 2, "external_id": "a", "results": {"items": "@"}}, "", "results.external_id"),
        ({"url": URL + "/{key}", "batch": 2}, "", "url: {key} differs within a batch"),
        ({"url": URL, "batch": 2, "method": "DELETE"}, "", "method: DELETE has no body"),
        (
            {"url": URL, "external_id": "id["},
            "external_id",
            'the expression "id[" is wrong: it ends too early',
        ),
        ({"url": URL, "success_codes": [99]}, "success_codes.0", "greater than or equal to 200"),
        ({"url": URL, "success_codes": []}, "success_codes", "at least 1 item"),
        ({"url": URL, "success_codes": [200, 409], "skip_codes": [409]}, "", "both hold 409"),
        ({"url": URL, "rate": 0}, "rate", "greater than 0"),
        ({"url": URL, "check_url": URL + "/{key}"}, "check_url", "must be a URL without fields"),
    ),
)
def test_a_wrong_setting_is_refused(settings: Any, field: str, remedy: str) -> None:
    """With the setting's name and what to do."""
    with pytest.raises(ConfigurationError) as caught:
        validated(HttpSettings, settings, field="destination.settings")

    assert remedy in str(caught.value)
    assert caught.value.field == f"destination.settings.{field}".rstrip(".")


@pytest.mark.parametrize(
    ("auth", "credentials", "field"),
    (
        ("bearer", {}, "token"),
        ("basic", {"password": "p"}, "username"),
        ("basic", {"username": "u"}, "password"),
        ("basic", {"username": "a:b", "password": "p"}, "username"),
        ("header", {"token": "t"}, "header_value"),
    ),
)
def test_a_missing_credential_is_refused(auth: str, credentials: Any, field: str) -> None:
    """When the connection is saved, for then the plugin is built."""
    settings = HttpSettings.model_validate({"url": URL, "auth": auth})

    with pytest.raises(ConfigurationError) as caught:
        HttpDestination(settings, HttpCredentials.model_validate(credentials), _no_ports())

    assert caught.value.field == f"destination.credentials.{field}"


def test_no_secret_is_shown() -> None:
    """Neither by a credential's repr nor by the error about it."""
    credentials = HttpCredentials.model_validate({"token": "s3cret", "password": "s3cret"})
    with pytest.raises(ValidationError) as caught:
        HttpCredentials.model_validate({"token": "s3cret\n", "header_value": ["s3cret"]})

    assert "s3cret" not in repr(credentials)
    assert "s3cret" not in str(caught.value)
    assert "copy it again, without line breaks" in str(caught.value)


def test_every_setting_is_described() -> None:
    """``hub connectors show`` has nothing else to show."""
    for model in (HttpSettings, HttpCredentials):
        assert [name for name, field in model.model_fields.items() if not field.description] == []


def _no_ports() -> Ports:
    return Ports(http=None, ids=None, documents=None, clock=None, log=None)  # type: ignore[arg-type]
