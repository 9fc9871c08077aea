"""How single calls of a marketplace are described in a connection file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from connectors.destinations.answers import ExpressionText
from connectors.destinations.batch_results import BatchResults
from connectors.destinations.url_template import UrlTemplate
from hub.errors import ConfigurationError
from hub.mapping import Mapping as FieldMapping

#: Fields that a path may hold, for the calls about one SKU.
SKU_FIELDS = frozenset({"sku", "external_id"})
#: Entries of the largest lot.
MAX_LOT = 10_000
#: SKUs of which the offers are read in one call at most.
MAX_READ = 500

_ANY_HOST = "https://host"


def path_template(text: str, names: Collection[str]) -> UrlTemplate:
    """A path behind some base URL. Raises ``ValueError``."""
    if not text.startswith("/"):
        raise ValueError("must begin with a slash: it is put behind base_url")
    return UrlTemplate(_ANY_HOST + text, names=names)


def _path(*names: str) -> AfterValidator:
    def checked(text: str) -> str:
        path_template(text, names)
        return text

    return AfterValidator(checked)


def _mapping(written: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        FieldMapping.compile(written, field="body")
    except ConfigurationError as error:
        raise ValueError(str(error)) from error
    return written


def _url(text: str) -> str:
    UrlTemplate(text, names=())
    if "?" in text:
        raise ValueError("must have no query")
    return text.rstrip("/")


#: A mapping as docs/mapping.md has it, refused with the settings if it is wrong.
BodyMapping = Annotated[dict[str, Any], AfterValidator(_mapping)]
SkuPath = Annotated[str, _path(*SKU_FIELDS)]
PlainPath = Annotated[str, _path()]
WholeUrl = Annotated[str, AfterValidator(_url)]
Method = Literal["POST", "PUT", "PATCH", "DELETE"]
#: What a call may carry beside what it is for.
Carried = Literal["price", "stock", "active"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Route(_Model):
    """One call about one SKU."""

    method: Method = Field("POST", description="DELETE sends no body.")
    path: SkuPath | None = Field(
        None,
        description="Behind base_url; may hold {sku} and {external_id}. Needed unless the call goes in lots.",
    )
    body: BodyMapping | None = Field(
        None,
        description="What is sent, as a mapping from the listing (docs/marketplaces.md); default: all that the call is for.",
    )
    carries: frozenset[Carried] | None = Field(
        None,
        description="What else the call tells of: price, stock, active. Default for upsert: whatever has no route of its own.",
    )
    external_id: ExpressionText | None = Field(
        None,
        description="JMESPath into the answer: what the marketplace calls the SKU; default the id that it had, or the SKU.",
    )
    url: ExpressionText | None = Field(
        None, description="JMESPath into the answer: where people see the offer."
    )
    errors: ExpressionText | None = Field(
        None,
        description="JMESPath into a refusal: a text or a list of what is wrong; default where most APIs have it.",
    )


class Lots(_Model):
    """Calls that go together, and are decided later."""

    path: Annotated[str, _path("call")] = Field(
        description="Where a lot goes by POST; may hold {call}: upsert, price or stock."
    )
    takes: frozenset[Literal["upsert", "price", "stock"]] = Field(
        frozenset({"upsert"}), min_length=1, description="The calls that go in lots."
    )
    limit: int = Field(100, ge=1, le=MAX_LOT, description="At most so many SKUs a lot.")
    key: str | None = Field("items", description="The list's name in the lot; null sends the bare list.")
    id: ExpressionText = Field("id", description="JMESPath into the answer: the lot's id.")
    status_path: Annotated[str, _path("lot")] = Field(
        description="Where GET says what became of it; holds {lot}."
    )
    state: ExpressionText = Field("state", description="JMESPath into the status: its state, a text.")
    done: frozenset[str] = Field(
        frozenset({"done", "completed", "finished", "failed"}),
        min_length=1,
        description="States in which it is decided, in any case; the results say how.",
    )
    results: BatchResults = Field(
        BatchResults(items="results", match="sku", status="status", error="errors", external_id="id"),
        description="Where a decided lot says what became of each SKU; match_sent looks into the entry as it was sent.",
    )
    poll_seconds: float = Field(
        10, gt=0, le=3600, description="Seconds between two questions what became of a lot."
    )


class OffersRoute(_Model):
    """Reading what the marketplace really has."""

    path: Annotated[str, _path("skus", *SKU_FIELDS)] = Field(
        description="Answers GET. Holds {sku} or {external_id}, or {skus}: several SKUs with commas between them."
    )
    limit: int = Field(50, ge=1, le=MAX_READ, description="SKUs in {skus} at most.")
    items: ExpressionText = Field("items", description="With {skus}, JMESPath into the answer: the list.")
    sku: ExpressionText = Field("sku", description="With {skus}, in each of them: the SKU.")
    currency: ExpressionText = Field("currency", description="The currency's code.")
    price: ExpressionText = Field("price", description="What it is sold for, in major units.")
    list_price: ExpressionText = Field(
        "list_price", description="The price that is crossed out beside it, or null."
    )
    stock: ExpressionText = Field("stock", description="How many there are.")
    active: ExpressionText = Field("active", description="Whether it is on sale; null: not known.")
    url: ExpressionText = Field("url", description="Where people see it, or null.")


class CategoriesRoute(_Model):
    """Reading the category tree."""

    path: PlainPath = Field(description="Answers GET with the whole tree.")
    items: ExpressionText = Field("@", description="JMESPath into the answer: the list of its roots.")
    id: ExpressionText = Field("id", description="In each category: its id, a text or number.")
    name: ExpressionText = Field("name", description="What people call it.")
    children: ExpressionText = Field("children", description="The list of those below it.")
    attributes: ExpressionText = Field(
        "attributes", description="The list of what is to be known of SKUs in it."
    )
    attribute_name: ExpressionText = Field("name", description="In each attribute: its name.")
    attribute_required: ExpressionText = Field("required", description="Whether it has to be given.")
    attribute_values: ExpressionText = Field(
        "values", description="The texts that are taken; none: any text is."
    )


class Refresh(_Model):
    """Renewing the access token."""

    url: WholeUrl = Field(description="The token endpoint, as a whole URL.")
    form: bool = Field(True, description="The body is sent as a form, as OAuth 2 has it; false sends JSON.")
    body: BodyMapping = Field(
        {
            "grant_type": {"value": "client_credentials"},
            "client_id": "client_id",
            "client_secret": "client_secret",
        },
        description="What is sent, as a mapping from the credentials by their names.",
    )
    token: ExpressionText = Field(
        "access_token", description="JMESPath into the answer: the new access token."
    )
    refresh_token: ExpressionText = Field(
        "refresh_token", description="The next refresh token; null keeps the one that is there."
    )
    expires: ExpressionText = Field("expires_in", description="Seconds until it ends; null: not known.")
