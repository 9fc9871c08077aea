"""Where files are exchanged: a folder or an S3-compatible bucket, through ``obstore``, with the hub's errors."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, InvalidPathError, PermissionDeniedError
from obstore.store import LocalStore, S3Store

from connectors.merchstack import folder, rights
from connectors.merchstack.bucket import S3Credentials, fault_of, first_line, open_bucket
from connectors.merchstack.endpoint import Endpoint
from connectors.merchstack.listing import File, of_object
from connectors.merchstack.rights import LOCKED, NotAllowedError
from connectors.merchstack.top_level import top_level
from hub.errors import ConfigurationError, HubError, RetryableError
from hub.excerpt import excerpt

__all__ = ["File", "Location", "S3Credentials"]

T = TypeVar("T")

#: How the operating system says that we may not (EACCES, EPERM, EROFS).
_NOT_ALLOWED = ("(os error 13)", "(os error 1)", "(os error 30)")


class Location:
    """A flat place for files. Names are relative, with ``/`` between folders; links in a local folder do not exist.

    Every method raises ``RetryableError`` when the other side cannot be reached, and ``ConfigurationError`` where
    bucket, folder or right is missing.
    """

    def __init__(
        self,
        store: LocalStore | S3Store,
        *,
        url: str,
        root: Path | None,
        field: str,
        endpoint: Endpoint | None = None,
    ) -> None:
        self.url = url
        self._store = store
        self._root = root
        #: In a folder, a file that is moved stays the file that it is, and keeps its stamp.
        self.is_folder = root is not None
        #: Why ``files`` did not look at some keys of a bucket when it was asked last; None: it saw all.
        self.odd: str | None = None
        self._field = field
        self._endpoint = endpoint

    @classmethod
    def open(
        cls,
        url: str,
        credentials: S3Credentials | None,
        *,
        field: str = "settings.url",
        allow_private_hosts: bool = True,
    ) -> Location:
        """A folder by its whole path or ``file://`` URL, or ``s3://bucket/prefix``. Raises ``ConfigurationError``."""
        parts = urlsplit(url)
        match parts.scheme:
            case "s3" if parts.netloc:
                given = credentials or S3Credentials()
                endpoint = Endpoint(
                    address=given.endpoint,
                    allow_http=given.allow_http,
                    allow_private_hosts=allow_private_hosts,
                )
                bucket = open_bucket(parts.netloc, parts.path, given, endpoint, field)
                return cls(bucket, url=url, root=None, field=field, endpoint=endpoint)
            case "" | "file" if not parts.netloc:
                root = Path(unquote(parts.path) if parts.scheme else url)
                return cls(folder.opened(root, field), url=url, root=root.resolve(), field=field)
            case _:
                raise ConfigurationError(
                    f"{excerpt(url)} is neither the whole path of a folder nor s3://bucket/prefix",
                    field=field,
                )

    async def files(self) -> Sequence[File]:
        """The files at the top level, by name; what lies in folders below is left out."""
        if self._root is not None:
            found = await self._in_thread(lambda root: list(folder.files(root)))
        else:
            found = await self._objects()
        return sorted(found, key=lambda file: file.name)

    async def unreadable(self, files: Sequence[File]) -> Sequence[str]:
        """Names of those of a folder's files that may not be opened; of objects nobody knows before they are read."""
        if self._root is None:
            return []
        names = [file.name for file in files]
        found: list[str] = await self._in_thread(
            lambda root: [name for name in names if not rights.is_readable(root, name)]
        )
        return found

    async def require_writable(self, below: str) -> None:
        """See ``rights.require_writable``; of a bucket nobody knows before something is written."""
        if self._root is not None:
            await self._in_thread(lambda root: rights.require_writable(root, below, self._field))

    async def _objects(self) -> Sequence[File]:
        page = await self._call(lambda: top_level(self._store), of_bucket=True)
        self.odd = page.odd
        return [of_object(each) for each in page.objects if folder.is_usable(each["path"])]

    async def names_below(self, prefix: str) -> Sequence[str]:
        """The names of all files below a folder, sorted, with the folder's own name in front."""
        if self._root is not None:
            return sorted(await self._in_thread(lambda root: folder.names_below(root, prefix)))
        await self._require_plain(prefix)
        return sorted(await self._call(lambda: self._names(prefix), of_bucket=True))

    async def read(self, name: str, *, start: int, length: int) -> bytes:
        """So many bytes from there on; fewer at the end of the file, none behind it."""
        if length <= 0:
            return b""
        await self._require_plain(name)
        try:
            found = await self._call(
                lambda: obstore.get_range_async(self._store, name, start=start, length=length)
            )
        except NotAllowedError as error:
            if self._root is None:
                raise
            # The next look finds out whether it is this file alone.
            raise RetryableError(f"{self.url}: {excerpt(name)} {LOCKED}") from error
        except RetryableError:  # behind the end is an error to some stores
            if start >= (await self._call(lambda: obstore.head_async(self._store, name)))["size"]:
                return b""
            raise
        return bytes(found)

    async def get(self, name: str) -> bytes | None:
        """The whole file, or None where there is none."""
        await self._require_plain(name)
        try:
            return bytes(await self._call(lambda: self._whole(name), absent=FileNotFoundError))
        except FileNotFoundError:
            return None

    async def find(self, name: str) -> File | None:
        """The file of this name, in folders below too, or None where there is none."""
        if self.is_folder:
            found: File | None = await self._in_thread(lambda root: folder.find(root, name))
            return found
        await self._require_plain(name)
        try:
            head = await self._call(lambda: obstore.head_async(self._store, name), absent=FileNotFoundError)
        except FileNotFoundError:
            return None
        return of_object(head)

    async def write(self, name: str, content: bytes) -> None:
        """Put a file there, whole or not at all, in place of one that has its name."""
        if self._root is not None:
            await self._in_thread(lambda root: folder.write(root, name, content))
            return
        await self._require_plain(name)
        await self._call(
            lambda: obstore.put_async(self._store, name, content, use_multipart=False), of_bucket=True
        )

    async def move(self, name: str, to: str) -> None:
        """Give a file another name, in place of one that has it. One that was moved before is fine."""
        if self._root is not None:
            await self._in_thread(lambda root: folder.move(root, name, to))
            return
        await self._require_plain(name)
        await self._require_plain(to)
        try:
            await self._call(lambda: obstore.rename_async(self._store, name, to), absent=FileNotFoundError)
        except FileNotFoundError:
            if await self.find(to) is None:
                raise RetryableError(f"{self.url}: {excerpt(name)} is gone") from None

    async def remove(self, name: str) -> None:
        """Take a file away; one that is not there is fine."""
        await self._require_plain(name)
        try:
            await self._call(lambda: obstore.delete_async(self._store, name), absent=FileNotFoundError)
        except FileNotFoundError:
            return

    async def _whole(self, name: str) -> obstore.Bytes:
        return await (await obstore.get_async(self._store, name)).bytes_async()

    async def _names(self, prefix: str) -> list[str]:
        return [each["path"] async for chunk in obstore.list(self._store, prefix) for each in chunk]

    async def _require_plain(self, name: str) -> None:
        """No name leads elsewhere; in a folder, no link either."""
        if self._root is not None:
            await self._in_thread(lambda root: folder.inside(root, name))
            return
        try:
            folder.parts(name)
        except ValueError as error:
            raise ConfigurationError(f"{self.url}: {error}", field=self._field) from error

    async def _in_thread(self, call: Any) -> Any:
        try:
            return await asyncio.to_thread(call, self._root)
        except PermissionError as error:
            raise self._not_allowed(str(error)) from error
        except OSError as error:
            raise RetryableError(f"{self.url}: {error}") from error
        except ValueError as error:
            raise ConfigurationError(f"{self.url}: {error}", field=self._field) from error

    async def _call(
        self,
        call: Callable[[], Awaitable[T]],
        *,
        absent: type[Exception] | None = None,
        of_bucket: bool = False,
    ) -> T:
        if self._endpoint is not None:
            await self._endpoint.require_reachable()
        try:
            return await call()
        except FileNotFoundError as error:
            if absent is not None:
                raise
            raise self._fault(error, of_bucket=of_bucket) from error
        except (BaseError, ValueError, OSError) as error:
            raise self._fault(error, of_bucket=of_bucket) from error

    def _fault(self, error: Exception, *, of_bucket: bool) -> HubError:
        text = first_line(error)
        if self._root is None:
            fault = fault_of(error, self.url, self._field, of_bucket=of_bucket)
            if fault is not None:
                return fault
        if isinstance(error, PermissionDeniedError) or text.endswith(_NOT_ALLOWED):
            return self._not_allowed(text)
        if isinstance(error, InvalidPathError | ValueError):
            return ConfigurationError(
                f"{self.url} holds a name that cannot be used: {text}; rename it or take it away",
                field=self._field,
            )
        return RetryableError(f"{self.url}: {text}")

    def _not_allowed(self, text: str) -> NotAllowedError:
        return NotAllowedError(
            f"{self.url} may not be used: {text}; give this access the right to list, read and write",
            field=self._field,
        )
