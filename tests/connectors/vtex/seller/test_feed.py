"""The catalog's changes become one record for each SKU and stream."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.vtex.seller.feed import Named, Place, records_of, variants_of
from hub.catalog import Change

VARIANTS = {"p": ["p-1", "p-2"], "q": ["q-1"], "r": []}
#: Two variants of one SKU, and one that never had a name.
NAMED = Named(skus={"p-1": "A", "p-2": "A", "q-1": "B"}, of_product=VARIANTS)
OWNED = [(product, variant) for product, variants in VARIANTS.items() for variant in variants]

STAMPS = st.integers(0, 99).map("{:04}".format)
CHANGES = st.lists(
    st.one_of(
        st.builds(Change, kind=st.just("product"), key=st.sampled_from("pqrs"), stamp=STAMPS),
        st.builds(
            lambda of, stamp: Change(kind="variant", key=of[1], product=of[0], stamp=stamp),
            st.sampled_from([*OWNED, ("p", "nameless")]),
            STAMPS,
        ),
        st.builds(
            lambda kind, of, stamp: Change(
                kind=kind, key=f"{of[1]}:x", product=of[0], variant=of[1], stamp=stamp
            ),
            st.sampled_from(["price", "stock"]),
            st.sampled_from([*OWNED, ("p", "nameless")]),
            STAMPS,
        ),
    ),
    max_size=20,
)


@given(CHANGES, st.none() | st.just("2026-06-01"))
def test_each_sku_and_stream_is_told_once_with_its_latest_change(
    changes: list[Change], passing: str | None
) -> None:
    """Of a product all its variants; prices never as stock; nothing that has no name."""
    latest: dict[tuple[str, str], str] = {}
    for change in changes:
        stream = "catalog" if change.kind in {"product", "variant"} else change.kind
        named = {
            "product": VARIANTS.get(change.key, []),
            "variant": [change.key],
        }.get(change.kind, [change.variant or ""])
        for sku in {NAMED.skus[one] for one in named if one in NAMED.skus}:
            latest[stream, sku] = max(latest.get((stream, sku), ""), change.stamp)

    records = records_of(changes, NAMED, passing=passing)

    assert len(records) == len(latest)
    assert {(one.stream, one.key): one.version for one in records} == latest
    assert all(
        ("pass" in one.payload) == (passing is not None and one.stream == "catalog") for one in records
    )
    assert all(NAMED.skus[one.payload["variant"]] == one.key for one in records)


@given(CHANGES)
def test_the_same_changes_are_the_same_records(changes: list[Change]) -> None:
    """By their content, so that what was told is not told again; in another pass the catalog is."""
    first, again, anew = (records_of(changes, NAMED, passing=passing) for passing in ("1", "1", "2"))

    assert [one.content_hash for one in first] == [one.content_hash for one in again]
    differ = [
        one.stream for one, other in zip(first, anew, strict=True) if one.content_hash != other.content_hash
    ]
    assert differ == [one.stream for one in first if one.stream == "catalog"]


@given(CHANGES)
def test_a_price_that_turns_is_told_once_a_moment(changes: list[Change]) -> None:
    """Under the stamp of the last change, since nobody writes then."""
    written, begins, again, ends = (records_of(changes, NAMED, turned_at=at) for at in (None, "1", "1", "2"))

    for before, first, same, last in zip(written, begins, again, ends, strict=True):
        hashes = {one.content_hash for one in (before, first, last)}
        assert len(hashes) == (3 if first.stream == "price" else 1)
        assert first.content_hash == same.content_hash


@given(CHANGES)
def test_every_variant_that_a_change_names_is_looked_up(changes: list[Change]) -> None:
    """Products name theirs in their own documents."""
    assert variants_of(changes) == {
        change.key if change.kind == "variant" else change.variant
        for change in changes
        if change.kind != "product"
    }


def test_a_place_is_read_as_it_was_written_and_a_pass_begins_anew() -> None:
    """With the first poll of all, and with one that is asked for."""
    first = Place.of({}, full_pass=False, now="1")
    later = Place(changes={"product": [1, "a"]}, turned={"at": 1}, passing=None, behind=True)
    again = Place.of(later.cursor, full_pass=True, now="2")

    assert (first.passing, first.behind) == ("1", False)
    assert Place.of(later.cursor, full_pass=False, now="2") == later
    assert (again.changes, again.turned, again.passing, again.behind) == ({}, {"at": 1}, "2", False)
