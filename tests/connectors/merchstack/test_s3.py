"""A bucket of a real service: what goes wrong with one, and an import and an export through it."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from connectors.merchstack.bucket import S3Credentials, open_bucket
from connectors.merchstack.connector import Merchstack
from connectors.merchstack.endpoint import Endpoint
from connectors.merchstack.export import MerchstackExport
from connectors.merchstack.location import Location
from hub import codec
from hub.errors import ConfigurationError, RetryableError
from hub.records import JSON
from tests.connectors.merchstack import import_world, test_export_connector
from tests.connectors.merchstack.import_world import jsonl, product
from tests.connectors.merchstack.s3 import Service, answering

NO_FOLDER = Path("/nowhere")
#: A list whose pages hold so many keys comes in ten pages from the service, and in three chunks from ``obstore``.
PAGE, LONG = 10, 101
ANSWER = b'<?xml version="1.0"?>\n<Error><Code>%b</Code><Message>%b</Message></Error>'


async def test_a_bucket_is_opened_without_a_call() -> None:
    """Whether it is there shows at the first call, and then in time."""
    place = Location.open("s3://bucket/some/prefix", credentials(endpoint="http://127.0.0.1:9"))

    assert place.url == "s3://bucket/some/prefix"
    with pytest.raises(
        RetryableError, match=r"s3://bucket/some/prefix does not answer .*credentials\.endpoint"
    ):
        await place.files()


async def test_a_prefix_ends_at_a_slash(s3: Service) -> None:
    """What only begins like it belongs to somebody else."""
    bucket = s3.make_bucket()
    await s3.location(f"{bucket}/in").write("a.jsonl", b"1")
    await s3.location(f"{bucket}/inbox").write("b.jsonl", b"2")

    assert [file.name for file in await s3.location(f"{bucket}/in/").files()] == ["a.jsonl"]
    assert await s3.location(bucket).names_below("in") == ["in/a.jsonl"]


async def test_what_marks_a_folder_is_no_file(s3: Service) -> None:
    """Consoles put empty objects there whose names end in a slash."""
    bucket = s3.make_bucket()
    s3.put(bucket, "in/")
    s3.put(bucket, "in/done/")
    s3.put(bucket, "in/back%5Cslash.jsonl")
    s3.put(bucket, "in/a.jsonl", b"1")

    assert [file.name for file in await s3.location(f"{bucket}/in").files()] == ["a.jsonl"]


async def test_a_key_that_no_file_can_have_is_left_alone(s3: Service) -> None:
    """Nor does it hide the files, or bring in what lies in folders."""
    bucket = s3.make_bucket()
    files = ["a.jsonl", "done", "done0", "product_export1_1.jsonl", "z.jsonl", "日.jsonl"]
    for key in (
        "..",
        ".",
        "../x.jsonl",
        "./x.jsonl",
        "/x.jsonl",
        "//x.jsonl",
        "a/1.jsonl",
        "done/1",
        "done/x/2",
    ):
        s3.put(bucket, f"in/{key}")
    for name in files:
        s3.put(bucket, f"in/{quote(name)}", b"1")
    place = s3.location(f"{bucket}/in")

    listed = await place.files()

    assert [file.name for file in listed] == files
    assert listed[0] == await place.find("a.jsonl")
    assert place.odd is not None


async def test_a_long_list_is_read_to_its_end_around_keys_that_no_file_can_have(
    s3: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of S3 holds as many keys as the service likes, 1,000 at most."""
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", str(PAGE))
    bucket = s3.make_bucket()
    s3.put(bucket, "../x.jsonl")
    for number in range(LONG):
        s3.put(bucket, f"done/{number}")
    for number in range(LONG):
        s3.put(bucket, f"p{number:04}")

    assert len(await s3.location(bucket).files()) == LONG


async def test_keys_that_no_file_can_have_are_told_of_once(
    s3: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not with every poll."""
    warnings: list[str] = []
    monkeypatch.setattr(
        import_world.SilentLog, "warning", lambda _, event, **facts: warnings.append(f"{event}: {facts}")
    )
    bucket = s3.make_bucket()
    world = importing(s3, bucket)
    s3.put(bucket, "../x.jsonl")
    for _ in range(3):
        await world.step()

    assert len(warnings) == 1
    assert "../" in warnings[0]


async def test_a_key_that_stands_between_the_files_is_named(s3: Service) -> None:
    """The service would list it, and nothing behind it can be trusted to be seen."""
    bucket = s3.make_bucket()
    s3.put(bucket, "in/%7F.jsonl")

    with pytest.raises(ConfigurationError, match=r"settings\.url: .*in/.*rename it or take it away"):
        await s3.location(f"{bucket}/in").files()


async def test_a_bucket_that_is_not_there_is_the_urls_fault(s3: Service) -> None:
    """Whether it is listed or written to."""
    place = s3.location("s3://nothing-here")

    for call in (place.files(), place.names_below("done"), place.write("a.jsonl", b"1")):
        with pytest.raises(ConfigurationError, match=r"NoSuchBucket.*create the bucket") as caught:
            await call
        assert caught.value.field == "settings.url"


async def test_a_wrong_key_is_the_keys_fault(s3: Service) -> None:
    """In whatever is done with it, with what the service says of it."""
    place = s3.location(s3.make_bucket())
    await place.write("a.jsonl", b"1")

    with s3.strict():
        for call in (
            place.files(),
            place.read("a.jsonl", start=0, length=1),
            place.get("a.jsonl"),
            place.find("a.jsonl"),
            place.write("b.jsonl", b"1"),
            place.move("a.jsonl", "b.jsonl"),
            place.remove("a.jsonl"),
        ):
            with pytest.raises(ConfigurationError, match=r"refused this access: .*correct the key") as caught:
                await call
            assert caught.value.field == "credentials.access_key_id"
        with pytest.raises(
            ConfigurationError, match="403 InvalidAccessKeyId, The AWS Access Key Id you provided"
        ):
            await place.files()


@pytest.mark.parametrize(
    ("status", "code"), ((400, b"AuthorizationHeaderMalformed"), (301, b"PermanentRedirect"))
)
async def test_a_bucket_in_another_region_is_the_regions_fault(status: int, code: bytes) -> None:
    """AWS has two ways to say so."""
    with answering(status, ANSWER % (code, b"expecting eu-west-1")) as server:
        place = Location.open("s3://bucket", credentials(endpoint=server.endpoint))

        with pytest.raises(ConfigurationError, match="another region") as caught:
            await place.files()

    assert caught.value.field == "credentials.region"


async def test_what_is_no_bucket_at_all_is_tried_again() -> None:
    """A web site, say: its answer may be that of a proxy that is gone tomorrow."""
    with answering(200, b"<!doctype html><html><meta charset=utf-8><p>Welcome<br></html>") as server:
        place = Location.open("s3://bucket", credentials(endpoint=server.endpoint))

        with pytest.raises(RetryableError, match="s3://bucket"):
            await place.files()


@pytest.mark.parametrize(
    ("given", "field", "remedy"),
    (
        ({"endpoint": "nonsense"}, "endpoint", "write it like https://s3.example"),
        ({"endpoint": "127.0.0.1:9000"}, "endpoint", "write it like https://s3.example"),
        ({"endpoint": "ftp://s3.example"}, "endpoint", "write it like https://s3.example"),
        ({"endpoint": "https://"}, "endpoint", "write it like https://s3.example"),
        ({"endpoint": "https://[::1"}, "endpoint", "write it like https://s3.example"),
        ({"endpoint": "https://s3.example:99999"}, "endpoint", "https://host/path"),
        ({"endpoint": "https://user:open-sesame@s3.example"}, "endpoint", "without user, password"),
        ({"endpoint": "https://s3.example?x=1"}, "endpoint", "or query"),
        ({"endpoint": "http://s3.example", "allow_http": False}, "endpoint", r"set credentials\.allow_http"),
        ({"endpoint": "https://s3.example", "secret_access_key": None}, "secret_access_key", "come together"),
        ({"endpoint": "https://s3.example", "access_key_id": None}, "access_key_id", "come together"),
        ({"region": "evil.example/"}, "region", "like eu-central-1"),
    ),
)
def test_what_cannot_be_called_is_refused_before_the_first_call(
    given: dict[str, Any], field: str, remedy: str
) -> None:
    """The error names the setting, and repeats no password."""
    with pytest.raises(ConfigurationError, match=remedy) as caught:
        Location.open("s3://bucket", credentials(**given))

    assert caught.value.field == f"credentials.{field}"
    assert "open-sesame" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ("s3://key:open-sesame@bucket", "s3://bucket:80/x", "s3://../x", "s3://b%20c", "s3://bucket/../x")
)
def test_what_is_no_bucket_is_refused(url: str) -> None:
    """Keys in a URL are not repeated."""
    with pytest.raises(ConfigurationError) as caught:
        Location.open(url, credentials(endpoint="https://s3.example"))

    assert caught.value.field == "settings.url"
    assert "open-sesame" not in str(caught.value)


async def test_keys_that_were_given_stand_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The session token of the machine's own identity goes to no service that a user names."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-the-machine")
    with answering(403) as server:
        with pytest.raises(ConfigurationError):
            await Location.open("s3://bucket", credentials(endpoint=server.endpoint)).files()

        assert "Credential=key/" in server.asked[0]["authorization"]
        assert not any("of-the-machine" in value for value in server.asked[0].values())


@pytest.mark.parametrize(
    "endpoint",
    (
        "https://127.0.0.1:9000",
        "https://localhost",
        "https://10.0.0.1",
        "https://169.254.169.254",
        "https://[::1]:9000",
        "https://[::ffff:127.0.0.1]",
        "https://2130706433",
        "https://0x7f.1",
        "http://192.168.1.1",
    ),
)
def test_a_private_address_is_refused_unless_the_operator_allows_it(endpoint: str) -> None:
    """In whatever spelling."""
    given = credentials(endpoint=endpoint)

    with pytest.raises(ConfigurationError, match="HUB_ALLOW_PRIVATE_HOSTS=true") as caught:
        Location.open("s3://bucket", given, allow_private_hosts=False)

    assert caught.value.field == "credentials.endpoint"
    assert Location.open("s3://bucket", given, allow_private_hosts=True)


async def test_a_name_that_leads_to_a_private_address_is_refused() -> None:
    """When it is called, each time anew."""
    endpoint = Endpoint(address="https://localhost:9000", allow_private_hosts=False)

    with pytest.raises(ConfigurationError, match="localhost leads to a private address") as caught:
        await endpoint.require_reachable()

    assert caught.value.field == "credentials.endpoint"
    await Endpoint(address="https://localhost:9000").require_reachable()
    await Endpoint(address=None, allow_private_hosts=False).require_reachable()


@pytest.mark.parametrize("host", ("nothing.invalid", "a" * 64 + ".example"))
async def test_a_name_that_leads_nowhere_is_tried_again(host: str) -> None:
    """It may be a fault of the name service."""
    given = credentials(endpoint=f"https://{host}")

    with pytest.raises(RetryableError, match=r"credentials\.endpoint: .* cannot be resolved"):
        await Location.open("s3://bucket", given, allow_private_hosts=False).files()


def test_without_encryption_a_name_may_lead_anywhere() -> None:
    """So it is refused where private addresses are: nothing shows that the host is the one that was meant."""
    given = credentials(endpoint="http://s3.example")

    with pytest.raises(ConfigurationError, match="write https://, or let the operator"):
        Location.open("s3://bucket", given, allow_private_hosts=False)


@pytest.mark.parametrize(("private", "plain"), ((False, "false"), (True, "true")))
def test_no_redirect_leads_to_plain_http_where_private_addresses_are_refused(
    private: bool, plain: str
) -> None:
    """Although a user allows it: the address to which it leads is looked up by nobody."""
    given = credentials(endpoint="https://s3.example", allow_http=True)
    endpoint = Endpoint(address=given.endpoint, allow_http=True, allow_private_hosts=private)

    store = open_bucket("bucket", "", given, endpoint, "settings.url")

    assert (store.client_options or {})["allow_http"] == plain


async def test_both_connectors_hold_to_what_the_operator_allows(s3: Service) -> None:
    """It is a port of theirs, and shows when a connection is checked."""
    bucket = s3.make_bucket()

    assert (await importing(s3, bucket).connector.check()).facts["files_waiting"] == 0
    assert (await exporting(s3, bucket).connector.check()).facts["files"] == 0
    for world in (importing(s3, bucket, private=False), exporting(s3, bucket, private=False)):
        with pytest.raises(ConfigurationError, match="HUB_ALLOW_PRIVATE_HOSTS"):
            await world.connector.check()


async def test_files_of_a_bucket_are_imported_and_moved_with_their_reports(s3: Service) -> None:
    """Plain and gzip, over several pages, each with another process; records settle, files move."""
    bucket = f"{s3.make_bucket()}/to-us"
    place, world = s3.location(bucket), importing(s3, bucket)
    lines = [product(f"p{number}", number, 2500) for number in range(1, 2501)]
    await place.write("product_export90100_1.jsonl", jsonl(lines[:1500]))
    await place.write("product_export90100_2.jsonl.gz", gzip.compress(jsonl(lines[1500:]) + b"no record\n"))
    await place.write("readme.txt", b"left alone")

    page = await world.step()
    while page.full:
        use(world, s3)
        page = await world.step()
    await world.close_sealed()

    assert [record.key for record in world.records] == [f"p{number}" for number in range(1, 2501)]
    assert [file.name for file in await place.files()] == ["readme.txt"]
    assert await place.names_below("done") == [
        "done/product_export90100_1.jsonl",
        "done/product_export90100_1.jsonl.report.json",
        "done/product_export90100_2.jsonl.gz",
        "done/product_export90100_2.jsonl.gz.report.json",
    ]
    report = await read_json(place, "done/product_export90100_2.jsonl.gz.report.json")
    assert report["counts"] == {
        "read": 1001,
        "created": 1000,
        "updated": 0,
        "unchanged": 0,
        "rejected": 1,
        "dead": 0,
        "superseded": 0,
        "discarded": 0,
    }
    assert report["exports"]["90100"]["product"]["state"] == "complete"


async def test_an_object_that_stays_is_read_once_until_it_changes(s3: Service) -> None:
    """The report beside it is its mark."""
    bucket = s3.make_bucket()
    place, world = s3.location(bucket), importing(s3, bucket, after="mark")
    await place.write("product_export90100_1.jsonl", jsonl([product("p1")]))
    await world.read_all()

    use(world, s3)
    await world.read_all()
    await place.write("product_export90100_1.jsonl", jsonl([product("p2")]))
    await world.read_all()

    assert [record.key for record in world.records] == ["p1", "p2"]
    assert [file.name for file in await place.files()] == [
        "product_export90100_1.jsonl",
        "product_export90100_1.jsonl.report.json",
    ]


async def test_the_catalog_is_exported_to_a_bucket(s3: Service) -> None:
    """Files at the top level with whole metadata; nothing is left of what was staged."""
    bucket = f"{s3.make_bucket()}/from-us"
    place, world = s3.location(bucket), exporting(s3, bucket, records_per_file=2)
    world.catalog.put("category", "shoes", path=["shoes"], translations=[{"language": "en", "name": "Shoes"}])
    for number in range(5):
        world.catalog.put("product", f"p{number}", brand="Nike", variants=[])

    more = True
    while more:
        more = (await world.poll()).full
        await world.push()
    await world.close()

    names = [file.name for file in await place.files()]
    records = [codec.loads(line) for name in names for line in (await place.get(name) or b"").splitlines()]
    assert [name.partition("_")[0] for name in names] == ["category", "product", "product", "product"]
    assert sorted(each["externalSystemId"] for each in records) == ["p0", "p1", "p2", "p3", "p4", "shoes"]
    numbers = [(each["importMetaData"]["recordNum"], each["importMetaData"]["recordOf"]) for each in records]
    assert numbers == [(1, 1), (1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
    assert await place.names_below(".staging") == []


async def test_an_object_that_is_replaced_as_its_report_is_written_stays_and_is_read(s3: Service) -> None:
    """What nobody has read is not done, and no report of it lies there."""
    bucket = s3.make_bucket()
    place, world, name = s3.location(bucket), importing(s3, bucket), "product_export90100_1.jsonl"
    await place.write(name, jsonl([product("p1")]))
    while not world.sealed:
        await world.step()
    replaced = Replaced.open(bucket, s3.credentials())
    assert isinstance(replaced, Replaced)
    replaced.sent = name, jsonl([product("p2")])
    world.connector._location = replaced

    await world.close_sealed()
    left = [file.name for file in await place.files()], await place.names_below("done")
    await world.read_all()

    assert left == ([name], [])
    assert [record.key for record in world.records] == ["p1", "p2"]
    assert await place.names_below("done") == [f"done/{name}", f"done/{name}.report.json"]


class Replaced(Location):
    """A bucket whose sender puts another object there as soon as something is written, once."""

    sent: tuple[str, bytes] | None = None

    async def write(self, name: str, content: bytes) -> None:
        await super().write(name, content)
        if self.sent is not None:
            sent, self.sent = self.sent, None
            await super().write(*sent)


def credentials(**more: Any) -> S3Credentials:
    """Keys for an endpoint that is told."""
    told = {"access_key_id": "key", "secret_access_key": "secret", "allow_http": True}
    return S3Credentials.model_validate({**told, **more})


def importing(s3: Service, bucket: str, *, private: bool = True, **settings: Any) -> import_world.World:
    """A connection that imports from a bucket; ``private``: it may reach private addresses."""
    world = import_world.World(folder=NO_FOLDER, settings={"url": bucket, **settings})
    use(world, s3, private=private)
    return world


def exporting(
    s3: Service, bucket: str, *, private: bool = True, **settings: Any
) -> test_export_connector.World:
    """A connection that exports to a bucket."""
    world = test_export_connector.World(NO_FOLDER, settings={"url": bucket, **settings})
    ports = replace(world.connector.ports, allow_private_hosts=private)
    world.connector = MerchstackExport(world.connector.settings, s3.credentials(), ports)
    return world


def use(world: import_world.World, s3: Service, *, private: bool = True) -> None:
    """Another process that imports; it remembers nothing."""
    ports = replace(world.connector.ports, allow_private_hosts=private)
    world.connector = Merchstack(world.connector.settings, s3.credentials(), ports)


async def read_json(place: Location, name: str) -> JSON:
    """What a file of JSON holds."""
    content: JSON = codec.loads(await place.get(name) or b"null")
    return content
