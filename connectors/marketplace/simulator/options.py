"""What the simulated marketplace is like."""

from __future__ import annotations

from pydantic import Field

from hub.testing.faults import Faults, Share


class _Access(Faults):
    token: str = Field("marketplace-token", description="The access token at the start.")
    client_id: str = Field("hub", description="Who may ask for access tokens.")
    client_secret: str = Field("marketplace-secret", description="The secret of that client.")
    refresh_token: str = Field("", description="The refresh token at the start; empty for none.")
    rotates: bool = Field(
        False, description="A refresh token is used up, and another one handed out with each token."
    )
    token_seconds: float | None = Field(
        None, gt=0, description="Seconds that a token which is handed out lives; none for ever."
    )
    rate: float | None = Field(None, gt=0, description="Requests a second; none for no limit.")
    burst: int = Field(100, ge=1, description="Requests at once before the rate holds.")


class _Rules(Faults):
    require: list[str] = Field(
        ["name", "brand"], description="A field that the product of an offer has to have."
    )
    name_length: int = Field(150, ge=1, description="Characters of a name at most.")
    description_length: int = Field(4000, ge=1, description="Characters of a description at most.")
    images: int = Field(0, ge=0, description="Images that a product has to have at least.")
    price_max: int = Field(1_000_000, ge=1, description="The highest price.")
    stock_max: int = Field(1_000_000, ge=0, description="The highest stock.")
    refuse: list[str] = Field([], description="A SKU that is refused, whatever is said of it.")
    known_categories: bool = Field(True, description="Only categories of the tree are taken, and null.")
    categories: int = Field(12, ge=1, description="Leaves of the category tree, three to a branch.")


class Options(_Access, _Rules):
    """What the simulator holds at its start; the fields of ``Faults`` say what goes wrong."""

    blocks: bool = Field(True, description="Offers can be blocked; otherwise that is answered 405.")
    deletes: bool = Field(True, description="Offers can be deleted; otherwise that is answered 405.")
    lot_limit: int = Field(100, ge=1, description="Entries of a lot at most.")
    lot_seconds: float = Field(0, ge=0, description="Seconds until a lot is decided.")
    lot_refused: Share = Field(0, description="Share of the entries of lots that are refused, at random.")
    lot_lost: Share = Field(0, description="Share of lots that the marketplace forgets, at random.")
    seed: int = Field(7, description="Of what is at random.")
