"""Business Central: addresses and habits of API v2.0 and of published web services (business-central.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx

from d365kit.errors import NotThere, ServiceError, SettingsError
from d365kit.services.addresses import address, origin, quoted
from d365kit.services.answers import body_of
from d365kit.services.arrow import Column
from d365kit.services.batch import Part, PartAnswer, json_answers, json_batch
from d365kit.services.bulk import Batches, Result
from d365kit.services.changes import Changes
from d365kit.services.keys import KEY_COLUMN, Key
from d365kit.services.lines import is_lines, lines_table, read_lines
from d365kit.services.metadata import Table, tables_of
from d365kit.services.odata import Progress, Received, Service, Written
from d365kit.services.paging import read_all
from d365kit.services.runner import run
from d365kit.services.split import read_by_number
from d365kit.services.web_services import WebServices, beside, is_page, written_key

#: BC runs five requests of a user at once and queues the rest (auth-and-limits.md section 4).
_AT_ONCE = 5
#: What commits late may carry an earlier time than rows already read (business-central.md section 9).
_OVERLAP = timedelta(minutes=5)
#: Values by which a long table is cut, when the table has one among the columns asked for.
_NUMBERS = ("number", "code")


class BusinessCentral(Batches, Service):
    """One company of one environment. ``root`` is the API v2.0 root, ``company`` the company's id.

    Records are where an address says: a set of the API (``customers``), a published page
    (``ODataV4/CustomerPriceGroups``), or the lines of all documents (``salesOrders/salesOrderLines``). Every table
    read has the record's id in its last column, ``@key``; `key_text` says how a page's key becomes one.
    ``web_services`` is the ODataV4 root where it is not beside the API. ``from_replica`` reads from a copy that may
    lag behind: never right after a write (conformance.md 52).
    """

    side = "bc"
    #: Query strings beyond some 8,100 characters are refused (business-central.md section 5).
    longest_url = 7_500
    batch_size = 100

    def __init__(
        self, root: str, company: str, auth: httpx.Auth | None, *, web_services: str = "",
        from_replica: bool = False, **more: object,
    ) -> None:  # fmt: skip
        super().__init__(root, auth, at_once=_AT_ONCE, **more)  # type: ignore[arg-type]
        if not company:
            raise SettingsError(
                "No company of Business Central is chosen.", "Set bc.company in d365kit.toml to the company's id."
            )
        self.company = company
        self._web = WebServices(self, web_services or beside(self.root), company)
        if self._web.root:
            self._origins.add(origin(self._web.root))
        self._reading = {"Data-Access-Intent": "ReadOnly"} if from_replica else {}
        self._tables: dict[str, Table] = {}
        self._lock = asyncio.Lock()

    def address(self, set_name: str, record: str = "") -> str:
        if is_page(set_name):
            return self._web.address(set_name, record)
        own = set_name.rpartition("/")[2]  # a line is written in the set of its own
        return f"companies({self.company})/{own}" + (f"({record})" if record else "")

    async def place(self, set_name: str, record: str) -> str:
        if is_page(set_name):
            return self.address(set_name, written_key(await self.describe(set_name), record))
        return self.address(set_name, record)

    def key(self, set_name: str, names: str) -> Key | None:
        return Key(tuple(names.split(",")), guid=not is_page(set_name)) if names else None

    def is_one_of(self, name: str, values: Sequence[str]) -> str:
        # OR joins tests of one property; "in" needs a schema version of its own (conformance.md 32-34).
        literals = [v if name == "id" or name.endswith("Id") else quoted(v) for v in values]
        return " or ".join(f"{name} eq {literal}" for literal in literals)

    def check(self) -> str:
        """Ask for the companies and return the name of ours. Raises ServiceError or SettingsError."""
        answer = run(self.ask("companies"))
        names = {c["id"].lower(): c.get("displayName") or c["name"] for c in answer["value"]}
        if self.company.lower() not in names:
            raise SettingsError(
                f"Business Central has no company {self.company}.",
                f"Its companies are: {', '.join(f'{n} ({i})' for i, n in names.items())}.",
            )
        return str(names[self.company.lower()])

    async def describe(self, set_name: str) -> Table:
        """The set, page or lines as the service's metadata declares them; each document is read once.

        Raises SettingsError for what is not there: no such set, a page that is not published.
        """
        if is_page(set_name):
            return await self._web.describe(set_name)
        async with self._lock:
            if not self._tables:
                answer = await self.request("GET", "$metadata", headers={"Accept": "application/xml"})
                self._tables = tables_of(answer.content, self.name, self.side)
        if is_lines(set_name):
            return lines_table(self._tables, set_name, self.name)
        if set_name not in self._tables:
            raise SettingsError(
                f"Business Central has no set {set_name} at this address.",
                "Correct the kind's address, or publish the page it needs as a web service.",
            )
        return self._tables[set_name]

    async def published(self) -> frozenset[str]:
        """The names of the pages that are published as web services, asked for once."""
        return await self._web.published()

    # --- reading

    async def rows(
        self, set_name: str, columns: Sequence[Column], *, key: str = "id", progress: Progress | None = None,
        split: bool | None = None,
    ) -> Received:  # fmt: skip
        """All rows, only the ``columns`` asked for, with the ETag in ``@odata.etag`` and the id in ``@key``.

        ``key`` names the key's properties, joined by commas; a page's are read whether asked for or not. A set of
        more than a page, from a service that takes its time, is read by all workers at once, cut by its number or
        code, when that is among the columns; ``split`` True always cuts it, False follows nextLink alone.
        """
        identity = self.key(set_name, key)
        if is_page(set_name) and identity:
            columns = await self._with_key(set_name, columns, identity)
        wanted = [Column("@odata.etag"), *columns]
        if is_lines(set_name):
            header, _, lines = set_name.partition("/")
            return await read_lines(
                self, self.address(header), lines, wanted, identity, headers=self._reading, progress=progress
            )
        path = self.address(set_name)
        by = next((c.name for c in columns if c.name in _NUMBERS), "")
        if split is False or not by:
            url = address(path, {"$select": ",".join(c.name for c in columns)})
            return await read_all(self, url, wanted, identity, headers=self._reading, progress=progress)

        async def at(place: int) -> str | None:
            query = {"$select": by, "$orderby": by, "$skip": str(place), "$top": "1"}
            found = (await self.ask(address(path, query), headers=self._reading))["value"]
            return str(found[0][by]) if found else None

        return await read_by_number(
            self, path, wanted, identity, by=by, headers=self._reading, progress=progress, split=split, find=at
        )  # fmt: skip

    async def _with_key(self, set_name: str, columns: Sequence[Column], key: Key) -> list[Column]:
        """The columns and those of the key that are not among them, of the types the page declares."""
        held = {c.name for c in columns}
        missing = [name for name in key.names if name not in held]
        if not missing:
            return list(columns)
        table = await self.describe(set_name)
        table.require(missing, self.name)
        return [*columns, *(Column(name, table.properties[name].type or "text") for name in missing)]

    async def changes(
        self, set_name: str, columns: Sequence[Column], *, key: str = "id", mark: str = "",
        modified: str = "lastModifiedDateTime", known: Sequence[str] = (),
    ) -> Changes:  # fmt: skip
        """What changed in a set since ``mark``; all rows without one.

        BC has no delta links. ``mark`` is a time: rows modified since, with an overlap, are read, and a sweep of all
        ids tells which of ``known`` are gone. Computed fields (balances, inventory) change without touching
        the row's time. Lines have no time, nor have most pages: they are read whole, and give no mark.
        Source: business-central.md section 9.
        """
        if not await self._dated(set_name, modified):
            whole = await self.rows(set_name, columns, key=key)
            return Changes(whole.table, "", True, whole.asked_at, pages=whole.pages)
        identity = self.key(set_name, key)
        path, wanted = self.address(set_name), [Column("@odata.etag"), *columns]
        names = identity.names if identity else ()
        query = {"$select": ",".join(dict.fromkeys([*(c.name for c in columns), *names]))}
        if mark:
            query |= {"$filter": f"{modified} ge {mark}", "$orderby": modified}
        received = await read_all(self, address(path, query), wanted, identity, headers=self._reading)
        since = received.asked_at.astimezone(UTC) - _OVERLAP
        deleted: frozenset[str] = frozenset()
        if mark and known and identity:
            sweep = await self.rows(set_name, [Column(name) for name in names], key=key, split=False)
            there = sweep.table.column(KEY_COLUMN).to_pylist()
            deleted = frozenset(map(identity.plain, known)).difference(there)
        return Changes(received.table, _time(since), not mark, received.asked_at, deleted, received.pages)

    async def _dated(self, set_name: str, modified: str) -> bool:
        """Whether the rows of an address tell when they were changed."""
        if not is_page(set_name):
            return not is_lines(set_name)
        declared = (await self.describe(set_name)).properties.get(modified)
        return declared is not None and declared.type == "datetime"

    # --- writing one row

    async def create(self, set_name: str, key: str, body: Mapping[str, object]) -> Written:
        """Create a row and return what BC made of it.

        With a GUID we chose it does no harm to send it again. A page's key may be somebody else's by then, so an
        answer that was lost is reported: look the record up before trying again.
        """
        answer = await self.request(
            "POST", self.address(set_name), body=body, repeatable=self._ours(set_name, key, body), check=body_of
        )  # fmt: skip
        return self._written(answer, set_name, key)

    async def update(self, set_name: str, key: str, record: str, etag: str, body: Mapping[str, object]) -> Written:
        """Change a row if it is still the version ``etag``. Raises StaleRecord when it is not."""
        headers = {"If-Match": etag or "*"}
        answer = await self.request(
            "PATCH", await self.place(set_name, record), headers=headers, body=body,
            repeatable=headers["If-Match"] == "*", check=body_of,
        )  # fmt: skip
        return self._written(answer, set_name, key)

    async def delete(self, set_name: str, record: str, etag: str) -> None:
        """Remove a row if it is still the version ``etag``. Raises StaleRecord, NotThere, Refused (in use)."""
        await self.request("DELETE", await self.place(set_name, record), headers={"If-Match": etag or "*"})

    def _ours(self, set_name: str, key: str, body: Mapping[str, object]) -> bool:
        """Whether a body brings an id that nobody else can have given."""
        return key in body and not is_page(set_name)

    def _written(self, answer: httpx.Response, set_name: str, key: str) -> Written:
        row, identity = body_of(answer), self.key(set_name, key)
        own = identity.of(row) if identity else ""
        return Written(own, str(row.get("@odata.etag", "")), row, answer.headers.get("ms-correlation-x", ""))

    # --- writing many rows

    async def create_many(self, set_name: str, key: str, bodies: Sequence[Mapping[str, object]]) -> list[Result]:
        """Create rows, a hundred to a batch; one result per body, in order."""
        url = self.address(set_name)
        parts = [Part("POST", url, body, {}, self._ours(set_name, key, body)) for body in bodies]
        return await self.results(parts, key, [str(body.get(key, "")) for body in bodies], set_name)

    async def update_many(
        self, set_name: str, key: str, changes: Sequence[tuple[str, str, Mapping[str, object]]]
    ) -> list[Result]:
        """Change rows given as (id, etag, body), each only if it is still that version; one result each, in order."""
        found: dict[int, Result] = {}
        parts = []
        for number, (record, etag, body) in enumerate(changes):
            try:
                parts.append(Part("PATCH", await self.place(set_name, record), body, {"If-Match": etag or "*"}))
            except NotThere as problem:
                found[number] = problem
        records = [record for number, (record, _, _) in enumerate(changes) if number not in found]
        sent = iter(await self.results(parts, key, records, set_name))
        return [found[number] if number in found else next(sent) for number in range(len(changes))]

    async def send_batch(self, parts: Sequence[Part], *, atomic: bool) -> list[PartAnswer]:
        """Send one batch to the API or, where its parts are pages, to the web services.

        Raises ValueError for parts of both: each is a service of its own.
        """
        web = self._web.root
        inside = {bool(web) and part.path.startswith(web) for part in parts}
        if len(inside) > 1:
            raise ValueError("a batch is for the API or for the web services, not for both")
        base = web if inside == {True} else ""
        own = [replace(part, path=part.path.removeprefix(base)) for part in parts]
        headers = {"Isolation": "snapshot"} if atomic else {}
        again = all(part.again for part in parts)

        def whole(response: httpx.Response) -> None:
            json_answers(body_of(response), len(parts))

        answer = await self.request(
            "POST", f"{base}$batch", headers=headers, body=json_batch(own), repeatable=again, check=whole
        )  # fmt: skip
        return json_answers(body_of(answer), len(parts))

    # --- errors

    def is_stale(self, status: int, code: str) -> bool:
        return status == 412 or (status == 409 and code == "Request_EntityChanged")

    def is_duplicate(self, error: ServiceError) -> bool:
        return error.code == "Internal_EntityWithSameKeyExists"


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


__all__ = ["BusinessCentral"]
