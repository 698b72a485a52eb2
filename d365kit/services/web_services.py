"""``ODataV4/<Service>`` → a published page of Business Central: its address, its metadata, and keys in addresses."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from urllib.parse import quote
from uuid import UUID

from d365kit.errors import NotThere, SettingsError
from d365kit.services.addresses import checked, quoted
from d365kit.services.keys import key_values
from d365kit.services.metadata import Property, Table, tables_of
from d365kit.services.odata import Service

#: What the address of a published page begins with in the catalogue.
PAGES = "ODataV4/"
#: The part of an API's address that the web services do not share: api/v2.0, api/publisher/group/version.
_API = re.compile(r"/api/[^?]+$")


def is_page(set_name: str) -> bool:
    """Whether an address means a published page."""
    return set_name.startswith(PAGES)


def beside(root: str) -> str:
    """Return where the web services are by the API's address; "" when that does not tell.

    >>> beside("https://host:7048/instance/api/v2.0/")
    'https://host:7048/instance/ODataV4/'
    """
    return _API.sub("/" + PAGES, root) if _API.search(root) else ""


class WebServices:
    """The pages an administrator published. ``root`` is the address of the ODataV4 service, "" for unknown.

    Source: business-central.md sections 1, 2 and 12; conformance.md section F.
    """

    def __init__(self, service: Service, root: str, company: str) -> None:
        self.root = checked(root, service.side).rstrip("/") + "/" if root else ""
        self._service, self._company = service, company
        self._lock = asyncio.Lock()
        self._tables: Mapping[str, Table] | None = None
        self._names: frozenset[str] | None = None

    def address(self, set_name: str, key: str = "") -> str:
        """Where a page is, or a record of it by its written ``key``. Raises SettingsError when nobody can tell."""
        if not self.root:
            raise SettingsError(
                f"Where Business Central's web services are does not follow from the address {self._service.root}.",
                "Set bc.web_services in d365kit.toml to the address that ends with /ODataV4.",
            )
        page = f"{self.root}Company(Id={self._company})/{quote(set_name.removeprefix(PAGES), safe='')}"
        return page + (f"({key})" if key else "")

    async def published(self) -> frozenset[str]:
        """Return the names of all published pages, asked for once."""
        async with self._lock:
            if self._names is None:
                self.address(PAGES)
                listed = (await self._service.ask(self.root))["value"]
                self._names = frozenset(str(item["name"]) for item in listed)
            return self._names

    async def describe(self, set_name: str) -> Table:
        """Return the page as the metadata of the web services declares it, read once.

        Raises SettingsError for a page that is not published.
        """
        async with self._lock:
            if self._tables is None:
                self.address(set_name)
                answer = await self._service.request(
                    "GET", f"{self.root}$metadata", headers={"Accept": "application/xml"}
                )
                # Several megabytes on a real tenant: read in a thread, away from the loop.
                self._tables = await asyncio.to_thread(
                    tables_of, answer.content, self._service.name, self._service.side, may_be_none=True
                )
        name = set_name.removeprefix(PAGES)
        if name not in self._tables:
            raise SettingsError(
                f"Business Central has no published web service called {name}.",
                "Publish its page on the page “Web Services” under this name, or correct the kind's address.",
            )
        return replace(self._tables[name], set=set_name)


def written_key(table: Table, record: str) -> str:
    """Return a record's id as the key stands in an address: quotes doubled, everything percent-encoded.

    Raises NotThere for an id that cannot be one of this page.
    """
    values = key_values(record)
    try:
        if len(values) != len(table.keys):
            raise ValueError(record)
        parts = [_literal(table.properties[n], v) for n, v in zip(table.keys, values, strict=True)]
    except (ValueError, InvalidOperation):
        raise NotThere(
            f"“{record}” is not a key of {table.set}, which is made of {', '.join(table.keys)}.",
            "Pull again, so that ids are those of this service.", side="bc",
        ) from None  # fmt: skip
    if len(parts) == 1:
        return parts[0]
    return ",".join(f"{name}={part}" for name, part in zip(table.keys, parts, strict=True))


def _literal(declared: Property, value: str) -> str:
    write = _BARE.get(declared.declared)
    return write(value) if write else quote(quoted(value), safe="'")


def _guid(value: str) -> str:
    return str(UUID(value))


def _day(value: str) -> str:
    return date.fromisoformat(value or "0001-01-01").isoformat()


def _moment(value: str) -> str:
    return quote(value or "0001-01-01T00:00:00Z", safe="")


def _flag(value: str) -> str:
    if value not in ("true", "false"):
        raise ValueError(value)
    return value


#: How the types write a value that stands in an address without quotes.
_BARE: Mapping[str, Callable[[str], str]] = {
    **dict.fromkeys(("Edm.Byte", "Edm.Int16", "Edm.Int32", "Edm.Int64"), lambda value: str(int(value))),
    **dict.fromkeys(("Edm.Decimal", "Edm.Double"), lambda value: f"{Decimal(value):f}"),
    "Edm.Boolean": _flag,
    "Edm.Date": _day,
    "Edm.DateTimeOffset": _moment,
    "Edm.Guid": _guid,
}
