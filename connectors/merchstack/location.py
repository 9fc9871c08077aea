"""Where files are exchanged: a folder or an S3-compatible bucket, through ``obstore``, with the hub's errors."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, InvalidPathError, PermissionDeniedError, UnauthenticatedError
from obstore.store import LocalStore, S3Store

from connectors.merchstack import folder
from connectors.merchstack.bucket import S3Credentials, first_line, open_bucket
from hub.errors import ConfigurationError, HubError, RetryableError
from hub.excerpt import excerpt

__all__ = ["File", "Location", "S3Credentials"]

T = TypeVar("T")

#: How the operating system says that we may not (EACCES, EPERM, EROFS).
_NOT_ALLOWED = ("(os error 13)", "(os error 1)", "(os error 30)")


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file as listed. ``stamp`` changes whenever its content may have changed; ``size`` is in bytes."""

    name: str
    size: int
    modified: datetime
    stamp: str


class Location:
    """A flat place for files. Names are relative, with ``/`` between folders; links in a local folder do not exist.

    Every method raises ``RetryableError`` when the other side cannot be reached, and ``ConfigurationError`` where
    bucket, folder or right is missing.
    """

    def __init__(self, store: LocalStore | S3Store, *, url: str, root: Path | None, field: str) -> None:
        self.url = url
        self._store = store
        self._root = root
        self._field = field

    @classmethod
    def open(cls, url: str, credentials: S3Credentials | None, *, field: str = "settings.url") -> Location:
        """A folder by its whole path or ``file://`` URL, or ``s3://bucket/prefix``. Raises ``ConfigurationError``."""
        parts = urlsplit(url)
        match parts.scheme:
            case "s3" if parts.netloc:
                return cls(
                    open_bucket(parts.netloc, parts.path, credentials, field), url=url, root=None, field=field
                )
            case "" | "file" if not parts.netloc:
                root = Path(unquote(parts.path) if parts.scheme else url)
                return cls(_local(root, field), url=url, root=root.resolve(), field=field)
            case _:
                raise ConfigurationError(
                    f"{excerpt(url)} is neither the whole path of a folder nor s3://bucket/prefix",
                    field=field,
                )

    async def files(self) -> Sequence[File]:
        """The files at the top level, by name; what lies in folders below is left out."""
        if self._root is not None:
            found = await self._in_thread(lambda root: [_listed(each) for each in folder.files(root)])
        else:
            page = await self._call(obstore.list_with_delimiter_async(self._store), lists=True)
            found = [_object(each) for each in page["objects"]]
        return sorted(found, key=lambda file: file.name)

    async def names_below(self, prefix: str) -> Sequence[str]:
        """The names of all files below a folder, sorted, with the folder's own name in front."""
        if self._root is not None:
            return sorted(await self._in_thread(lambda root: folder.names_below(root, prefix)))
        return sorted(await self._call(self._names(prefix), lists=True))

    async def read(self, name: str, *, start: int, length: int) -> bytes:
        """So many bytes from there on; fewer at the end of the file, none behind it."""
        if length <= 0:
            return b""
        await self._not_a_link(name)
        try:
            found = await self._call(obstore.get_range_async(self._store, name, start=start, length=length))
        except RetryableError:  # behind the end is an error to some stores
            if start >= (await self._call(obstore.head_async(self._store, name)))["size"]:
                return b""
            raise
        return bytes(found)

    async def get(self, name: str) -> bytes | None:
        """The whole file, or None where there is none."""
        await self._not_a_link(name)
        try:
            return bytes(await self._call(self._whole(name), absent=FileNotFoundError))
        except FileNotFoundError:
            return None

    async def exists(self, name: str) -> bool:
        """Whether there is a file of this name."""
        await self._not_a_link(name)
        try:
            await self._call(obstore.head_async(self._store, name), absent=FileNotFoundError)
        except FileNotFoundError:
            return False
        return True

    async def write(self, name: str, content: bytes) -> None:
        """Put a file there, whole or not at all, in place of one that has its name."""
        if self._root is not None:
            await self._in_thread(lambda root: folder.write(root, name, content))
            return
        await self._call(obstore.put_async(self._store, name, content, use_multipart=False))

    async def move(self, name: str, to: str) -> None:
        """Give a file another name, in place of one that has it. One that was moved before is fine."""
        if self._root is not None:
            await self._in_thread(lambda root: folder.move(root, name, to))
            return
        try:
            await self._call(obstore.rename_async(self._store, name, to), absent=FileNotFoundError)
        except FileNotFoundError:
            if not await self.exists(to):
                raise RetryableError(f"{self.url}: {excerpt(name)} is gone") from None

    async def remove(self, name: str) -> None:
        """Take a file away; one that is not there is fine."""
        await self._not_a_link(name)
        try:
            await self._call(obstore.delete_async(self._store, name), absent=FileNotFoundError)
        except FileNotFoundError:
            return

    async def _whole(self, name: str) -> obstore.Bytes:
        return await (await obstore.get_async(self._store, name)).bytes_async()

    async def _names(self, prefix: str) -> list[str]:
        return [each["path"] async for chunk in obstore.list(self._store, prefix) for each in chunk]

    async def _not_a_link(self, name: str) -> None:
        if self._root is not None:
            await self._in_thread(lambda root: folder.inside(root, name))

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
        self, call: Awaitable[T], *, absent: type[Exception] | None = None, lists: bool = False
    ) -> T:
        try:
            return await call
        except FileNotFoundError as error:
            if absent is not None:
                raise
            raise self._missing(error, lists=lists) from error
        except (BaseError, ValueError, OSError) as error:
            raise self._fault(error) from error

    def _missing(self, error: Exception, *, lists: bool) -> HubError:
        if lists:
            return ConfigurationError(f"{self.url} is not there; create the bucket", field=self._field)
        return RetryableError(f"{self.url}: {first_line(error)}")

    def _fault(self, error: Exception) -> HubError:
        text = first_line(error)
        if isinstance(error, PermissionDeniedError | UnauthenticatedError) or text.endswith(_NOT_ALLOWED):
            return self._not_allowed(text)
        if isinstance(error, InvalidPathError | ValueError):
            return ConfigurationError(
                f"{self.url} holds a name that cannot be used: {text}", field=self._field
            )
        return RetryableError(f"{self.url}: {text}")

    def _not_allowed(self, text: str) -> ConfigurationError:
        return ConfigurationError(
            f"{self.url} may not be used: {text}; give this access the right to list, read and write",
            field=self._field,
        )


def _local(root: Path, field: str) -> LocalStore:
    if not root.is_absolute():
        raise ConfigurationError(
            f"{excerpt(str(root))} must be a whole path, from /: each process has a folder of its own",
            field=field,
        )
    if not root.is_dir():
        raise ConfigurationError(f"{excerpt(str(root))} is no folder; create it or name another", field=field)
    try:
        return LocalStore(prefix=root.resolve(), automatic_cleanup=True)
    except BaseError as error:
        raise ConfigurationError(f"{root} cannot be used: {first_line(error)}", field=field) from error


def _listed(found: folder.Found) -> File:
    return File(name=found.name, size=found.size, modified=found.modified, stamp=found.stamp)


def _object(found: Any) -> File:
    changed = found["e_tag"] or found["last_modified"].isoformat()
    return File(
        name=found["path"],
        size=found["size"],
        modified=found["last_modified"],
        stamp=f"{found['size']}-{changed.strip(chr(34))}",
    )
