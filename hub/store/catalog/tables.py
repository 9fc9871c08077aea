"""The catalog's tables. What an entity holds stands in ``content``, as JSON in the shapes of ``hub.catalog``; columns
beside it are what rows are found by.

Nothing is removed: what is gone keeps its row, so that whoever follows the changes hears of it, however late.
"""

from sqlalchemy import BigInteger, Boolean, Index, Integer, Text, text
from sqlmodel import Field

from hub.store.tables import Base


class Entry(Base):
    """What every entity has. ``key`` is what it is called in its tenant's whole catalog.

    ``sources`` says by connection what it is called there, the hash of what came, when, and which fields it gave.
    ``changed_in`` is the number of the transaction of the last change and ``changed_by`` its connection;
    ``changed_in_by_others`` that of the last change by anybody else (0: none).
    """

    tenant_id: int = Field(sa_type=BigInteger, primary_key=True)
    key: str = Field(sa_type=Text, primary_key=True)
    content: str = Field(sa_type=Text)
    sources: str = Field(sa_type=Text)
    created_at: int = Field(sa_type=BigInteger)
    changed_at: int = Field(sa_type=BigInteger)
    changed_in: int = Field(sa_type=BigInteger)
    changed_by: int = Field(sa_type=BigInteger)
    changed_in_by_others: int = Field(sa_type=BigInteger)
    gone_at: int | None = Field(default=None, sa_type=BigInteger)


def _followed(table: str) -> Index:
    """Changes are read in this order. What others changed before a connection did is rare and found by a scan of its own rows."""
    return Index(f"{table}_changed", "tenant_id", "changed_in", "key")


class CatalogProduct(Entry, table=True):
    """A product without its variants."""

    __tablename__ = "catalog_product"
    __table_args__ = (_followed("catalog_product"),)


class CatalogVariant(Entry, table=True):
    """What is sold."""

    __tablename__ = "catalog_variant"
    __table_args__ = (
        _followed("catalog_variant"),
        Index("catalog_variant_product", "tenant_id", "product_key"),
        Index("catalog_variant_sku", "tenant_id", "sku"),
    )

    product_key: str | None = Field(default=None, sa_type=Text)
    sku: str | None = Field(default=None, sa_type=Text)
    gtin: str | None = Field(default=None, sa_type=Text)


class CatalogCategory(Entry, table=True):
    """A node of the tree. A parent that is not there (yet) is a key without a row."""

    __tablename__ = "catalog_category"
    __table_args__ = (
        _followed("catalog_category"),
        Index("catalog_category_parent", "tenant_id", "parent_key"),
    )

    parent_key: str | None = Field(default=None, sa_type=Text)
    managed: bool = Field(default=False, sa_type=Boolean)


class CatalogLocation(Entry, table=True):
    """A warehouse or shop that holds stock."""

    __tablename__ = "catalog_location"
    __table_args__ = (_followed("catalog_location"),)


def _turning(column: str) -> Index:
    """Prices are asked for by when they begin or end; most do neither."""
    where = text(f"{column} IS NOT NULL")
    columns = ("tenant_id", column, "key")
    return Index(f"catalog_price_{column}", *columns, postgresql_where=where, sqlite_where=where)


class CatalogPrice(Entry, table=True):
    """What a variant costs: one row for each kind, currency and start. ``amount`` is a decimal, as text.

    ``begins_at`` and ``ends_at`` (microseconds) are what ``valid_from`` and ``valid_to`` mean.
    """

    __tablename__ = "catalog_price"
    __table_args__ = (
        _followed("catalog_price"),
        Index("catalog_price_variant", "tenant_id", "variant_key"),
        _turning("begins_at"),
        _turning("ends_at"),
    )

    variant_key: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    currency: str = Field(sa_type=Text)
    valid_from: str | None = Field(default=None, sa_type=Text)
    amount: str | None = Field(default=None, sa_type=Text)
    begins_at: int | None = Field(default=None, sa_type=BigInteger)
    ends_at: int | None = Field(default=None, sa_type=BigInteger)


class CatalogStock(Entry, table=True):
    """How many of a variant there are at one location."""

    __tablename__ = "catalog_stock"
    __table_args__ = (
        _followed("catalog_stock"),
        Index("catalog_stock_variant", "tenant_id", "variant_key"),
    )

    variant_key: str = Field(sa_type=Text)
    location_key: str = Field(sa_type=Text)
    on_hand: int | None = Field(default=None, sa_type=BigInteger)
    threshold: int | None = Field(default=None, sa_type=BigInteger)


class CatalogCustomer(Entry, table=True):
    """Somebody who buys."""

    __tablename__ = "catalog_customer"
    __table_args__ = (_followed("catalog_customer"),)


class CatalogOwner(Base, table=True):
    """Which connection is the system of record for a part of its tenant's catalog."""

    __tablename__ = "catalog_owner"

    tenant_id: int = Field(sa_type=BigInteger, primary_key=True)
    part: str = Field(sa_type=Text, primary_key=True)
    connection_id: int = Field(sa_type=BigInteger, index=True)


class CatalogClock(Base, table=True):
    """SQLite's number of the last transaction that changed the catalog; PostgreSQL counts its own."""

    __tablename__ = "catalog_clock"

    id: int = Field(sa_type=Integer, primary_key=True)
    ticks: int = Field(sa_type=BigInteger)
