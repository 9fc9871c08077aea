"""What a user writes down of one marketplace that the catalog is offered to."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from connectors.vtex.access import ENVIRONMENT, Account, Endpoint, Environment, PathSecret, VtexCredentials
from connectors.vtex.seller.identity import id_faults
from connectors.vtex.seller.shipping import ShippingRule
from connectors.vtex.values import image_fault
from hub import money
from hub.exact import bounded

#: Which of the two routes says that something changed; the second one is newer (VTEX facts, 3).
ChangeRoute = Literal["classic", "sku-binding"]

#: Symbols where they are beyond doubt; elsewhere the code stands for itself.
SYMBOLS: Final = {"BRL": "R$", "EUR": "€", "GBP": "£", "JPY": "¥", "PEN": "S/", "USD": "$"} | dict.fromkeys(
    ("ARS", "CLP", "COP", "MXN", "UYU"), "$"
)


#: Calls a second, from one in a quarter of an hour to more than anybody makes.
SLOWEST: Final = 0.001
FASTEST: Final = 10_000


def _seller_id(text: str) -> str:
    if faults := id_faults(text):
        raise ValueError(f"{'; '.join(faults)}: copy it from the marketplace's Sellers management")
    return text


def _path(names: list[str]) -> list[str]:
    if any(not name.strip() or "/" in name for name in names):
        raise ValueError('has a name that is empty or holds a slash; write ["Department", "Category"]')
    return [name.strip() for name in names]


def _image(url: str) -> str:
    if fault := image_fault(url):
        raise ValueError(f"{fault}; give the whole https address of an image")
    return url


def _measure(number: Decimal) -> Decimal:
    if bounded(number) is None:
        raise ValueError("is too long a number")
    return number


_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_Measure = Annotated[Decimal, Field(gt=0), AfterValidator(_measure)]


class Defaults(BaseModel):
    """What is sent where the catalog has nothing. Each use is logged with its field and value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    brand: _Text | None = Field(
        None, description="For products without a brand; has to exist in the marketplace."
    )
    category_path: Annotated[list[str], Field(min_length=1), AfterValidator(_path)] | None = Field(
        None,
        description="For products without a category: names from the department down, as in the marketplace.",
    )
    description: _Text | None = Field(None, description="For products without a description.")
    image: Annotated[str, AfterValidator(_image)] | None = Field(
        None, description="Address (https) of an image for variants without one."
    )
    language: _Text | None = Field(
        None, description="Language whose texts are taken where those in `language` are missing."
    )
    length_mm: _Measure | None = Field(None, description="Length in millimetres, where it is missing or 0.")
    width_mm: _Measure | None = Field(None, description="Width in millimetres, where it is missing or 0.")
    height_mm: _Measure | None = Field(None, description="Height in millimetres, where it is missing or 0.")
    weight_grams: _Measure | None = Field(None, description="Weight in grams, where it is missing or 0.")


class VtexSellerCredentials(VtexCredentials):
    """The key, and what whoever asks for a simulation has to know."""

    endpoint_secret: PathSecret | None = Field(
        None, description="Stands in the path of the fulfillment endpoint, or in the header X-Hub-Secret."
    )


class VtexSellerSettings(BaseModel):
    """Which marketplace, as which seller, and what of the catalog."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account: Account = Field(description="The marketplace's account, such as mystore.")
    environment: Environment = Field(
        ENVIRONMENT, description="Part of the marketplace's host; VTEX publishes one."
    )
    endpoint: Endpoint | None = Field(
        None, description="Address that stands for all of VTEX's hosts: a simulator, a proxy."
    )
    seller_id: Annotated[str, AfterValidator(_seller_id)] = Field(
        description="What the marketplace calls this seller: its Sellers management shows it."
    )
    sku: Literal["key", "sku"] = Field(
        "key",
        description="Which field of a variant is the seller's SKU id; decide once, it names the SKU for good.",
    )
    currency: Annotated[str, AfterValidator(money.code)] = Field(description="Offer prices in this currency.")
    currency_symbol: _Text | None = Field(
        None, description="How the marketplace writes it; default the usual symbol, or the code."
    )
    price_kind: str = Field("sale", min_length=1, description="Offer prices of this kind.")
    price_unit: Literal["cents", "units"] = Field(
        "cents",
        description="Unit of a suggestion's SalePrice, which VTEX does not document; ask the marketplace.",
    )
    language: _Text | None = Field(
        None, description="Send texts in this language (BCP 47); default the product's first."
    )
    locations: list[str] | None = Field(
        None, min_length=1, description="Offer the stock of these locations; default all of them."
    )
    change_route: ChangeRoute = Field(
        "classic", description="Which route tells of a change: the classic one, or that of SKU bindings."
    )
    ean_as: Literal["list", "text"] = Field(
        "list", description="The file says text, but a text is lost on approval (known issue of VTEX)."
    )
    measures_as: Literal["exact", "whole"] = Field(
        "exact", description="Send centimetres and grams with their fraction, or rounded up."
    )
    requests_per_second: float | None = Field(
        None,
        ge=SLOWEST,
        le=FASTEST,
        allow_inf_nan=False,
        description="Calls a second at most, for each group of routes; default what VTEX's answers allow.",
    )
    shipping: list[ShippingRule] = Field(
        default_factory=list,
        description="Where things are delivered, and how; without a rule nothing can be bought.",
    )
    merchant_name: _Text | None = Field(
        None, description="Who takes the payment, in simulations; none where the marketplace does."
    )
    answer_without_store_seconds: float = Field(
        900, ge=0, le=86400, description="Answer simulations so long while the hub's store is down."
    )
    follow_seconds: float = Field(
        60, ge=1, le=3600, description="First look at a pending suggestion, then at doubling distances."
    )
    follow_at_most_seconds: float = Field(
        3600, ge=1, le=86400, description="Longest distance between two looks at a pending suggestion."
    )
    resend_denied: bool = Field(
        default=False,
        description="Suggest what was denied once more when its content has changed; default a person decides.",
    )
    defaults: Defaults = Field(
        default_factory=Defaults, description="What is sent where the catalog has nothing."
    )

    @property
    def symbol(self) -> str:
        """Of the currency."""
        return self.currency_symbol or SYMBOLS.get(self.currency, self.currency)
