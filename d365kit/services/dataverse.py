"""Dataverse: addresses and habits of the Web API (dataverse.md)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

import httpx
import pyarrow.compute as pc

from d365kit.errors import NotThere, Refused, ServiceError, Unreachable
from d365kit.services.addresses import address, quoted
from d365kit.services.answers import Said, Unreadable, body_of
from d365kit.services.arrow import Column
from d365kit.services.batch import multipart_answers
from d365kit.services.bulk import only
from d365kit.services.changes import Changes
from d365kit.services.definitions import CRM, Definitions
from d365kit.services.keys import Key, with_ids
from d365kit.services.many import ManyRows
from d365kit.services.metadata import Table
from d365kit.services.odata import Progress, Received, Service, Written
from d365kit.services.options import OPTIONS, Options, is_options
from d365kit.services.paging import gathered, pages
from d365kit.services.runner import run
from d365kit.services.split import ByCreation

#: How many requests run at once until the service recommends a number, and how many at most.
_AT_ONCE, _CEILING = 8, 16
#: Characters that keep an alternate key's value out of an address (dataverse.md section 8).
_UNFIT = re.compile(r"[<>*%&:/\\#?]")


class Dataverse(ManyRows, Service):
    """One environment. ``root`` is the Web API root, up to and with the version.

    Records are where an address says: a set (``accounts``), or the values of a choice column
    (``options/account.paymenttermscode``), whose columns are value, label, description and color. Every table read
    has the record's id in its last column, ``@key``.
    """

    side = "dv"
    headers: Mapping[str, str] = {"If-None-Match": "null"}
    longest_url = 30_000

    def __init__(self, root: str, auth: httpx.Auth | None, **more: object) -> None:
        super().__init__(root, auth, at_once=_AT_ONCE, **more)  # type: ignore[arg-type]
        self.at_once = _CEILING
        self._definitions, self._options = Definitions(self), Options(self)

    def address(self, set_name: str, record: str = "") -> str:
        return set_name + (f"({record})" if record else "")

    def is_one_of(self, name: str, values: Sequence[str]) -> str:
        if len(values) == 1 and not name.endswith(("id", "_value")):
            return f"{name} eq {quoted(values[0])}"
        listed = json.dumps(list(values), separators=(",", ":"), ensure_ascii=False)
        return f"{CRM}.In(PropertyName='{name}',PropertyValues={listed})"

    def check(self) -> str:
        """Ask who we are and return the user's id. Raises ServiceError."""
        return str(run(self.ask("WhoAmI"))["UserId"])

    # --- metadata

    async def describe(self, set_name: str, *, lengths: bool = False) -> Table:
        """The table or choice column as the service declares it; a table is asked for once.

        ``lengths`` asks for the longest texts too. Raises SettingsError for what is not there.
        """
        if is_options(set_name):
            return await self._options.describe(set_name)
        return await self._definitions.describe(set_name, lengths)

    async def offers(self, message: str, set_name: str) -> bool:
        """Whether a table takes a bulk message; asked once (dataverse.md section 10)."""
        return await self._definitions.offers(message, set_name)

    # --- reading

    async def company_row(self, bc_company: str) -> str:
        """The id of the row that stands for a BC company, ``""`` where none does or the table is missing.

        The table comes with Business Central's base integration solution; without it rows carry no company.
        """
        condition = f"bcbi_externalid eq '{bc_company}'"
        try:
            found = await self.find("bcbi_companies", condition, ["bcbi_companyid"])
        except (NotThere, Refused):
            return ""
        return str(found[0]["bcbi_companyid"]).lower() if found else ""

    async def rows(
        self, set_name: str, columns: Sequence[Column], *, key: str, progress: Progress | None = None,
        split: bool | None = None,
    ) -> Received:  # fmt: skip
        """All rows of a set, only the ``columns`` asked for, with the ETag in ``@odata.etag`` and the id in ``@key``.

        A column named ``property@annotation`` asks for that annotation of a selected property. A table of more
        than a page, from a service that takes its time, is read by all workers at once, cut by the time its rows
        were made; ``split`` True always cuts it, False follows nextLink alone.
        """
        if is_options(set_name):
            return await self._options.rows(set_name, columns, progress)
        headers, wanted = _annotated(columns), [Column("@odata.etag"), *columns]
        identity = Key((key,))
        return await ByCreation(self, self.address(set_name), wanted, identity, headers, progress, split).read()

    async def changes(self, set_name: str, columns: Sequence[Column], *, key: str, mark: str = "") -> Changes:
        """What changed in a table since ``mark``, deletions included; all rows without one.

        ``mark`` is the deltaLink of the last answer. One that ran out, or is not of this service, leads to a full
        read (conformance.md 238). Values of a choice column are read whole. Raises Refused for a table without
        change tracking.
        """
        if is_options(set_name):
            values = await self.rows(set_name, columns, key=key)
            return Changes(values.table, "", True, values.asked_at)
        wanted = [Column("@odata.etag"), *columns]
        tracked = {"Prefer": "odata.track-changes"}
        if mark:
            try:
                return await self._delta(mark, wanted, key, {}, whole=False)
            except (Refused, NotThere, Unreachable) as problem:
                if isinstance(problem, Unreachable) and not problem.status:
                    raise
        url = address(self.address(set_name), {"$select": _selected(columns)})
        return await self._delta(url, wanted, key, tracked, whole=True)

    async def _delta(
        self, url: str, columns: Sequence[Column], key: str, headers: Mapping[str, str], *, whole: bool
    ) -> Changes:
        marked = [*columns, Column("id"), Column("reason")]
        tables, mark, asked_at = [], "", None
        async for page in pages(self, url, marked, headers):
            asked_at = asked_at or page.sent_at
            tables.append(page.table)
            mark = page.delta or mark
        if not mark:
            raise Refused(
                f"Dataverse does not track changes of {url.partition('?')[0]}.",
                "Switch change tracking on for the table, or read it whole.", side=self.side, url=url,
            )  # fmt: skip
        received = gathered(tables, None, asked_at)
        ids, reasons = (received.table.column(name).to_pylist() for name in ("id", "reason"))
        deleted = frozenset(i.lower() for i, reason in zip(ids, reasons, strict=True) if reason and i)
        kept = received.table.filter(pc.is_valid(received.table.column(key))).drop_columns(["id", "reason"])
        return Changes(with_ids(kept, Key((key,))), mark, whole, received.asked_at, deleted, received.pages)

    async def children(self, set_name: str, record: str, navigation: str, select: Sequence[str]) -> list[dict]:
        """The rows of a collection of one record, each once.

        An expanded collection carries a nextLink that returns the same rows again unless it holds a skip token:
        only such a one is followed (conformance.md 164, 165).
        """
        key = (await self._definitions.of(set_name))["PrimaryIdAttribute"]
        expand = f"{navigation}($select={','.join(select)})"
        body = await self.ask(f"{self.address(set_name, record)}?$select={key}&$expand={expand}")
        rows, link = list(body.get(navigation) or []), str(body.get(f"{navigation}@odata.nextLink") or "")
        seen = set()
        while link and "$skiptoken" in link.replace("%24", "$") and link not in seen:
            seen.add(link)
            page = await self.ask(link)
            rows += page["value"]
            link = str(page.get("@odata.nextLink") or "")
        return rows

    async def get(self, set_name: str, record: str) -> dict:
        """One row, or one value of a choice column. Raises NotThere."""
        return await (self._options.get(set_name, record) if is_options(set_name) else super().get(set_name, record))

    # --- values of choice columns

    async def insert_option(
        self, table: str, column: str, value: int | None, label: str, description: str = ""
    ) -> Written:
        """Add a value to a choice column and publish it; None lets Dataverse give the number. Raises Refused."""
        told = {"value": value, "label": label, "description": description}
        return only(await self._options.create(f"{OPTIONS}{table}.{column}", [told]))

    async def update_option(self, table: str, column: str, value: int, label: str) -> Written:
        """Rename a value of a choice column and publish it. Raises NotThere, Refused."""
        return only(await self._options.update(f"{OPTIONS}{table}.{column}", [(str(value), {"label": label})]))

    # --- writing one row

    async def create(self, set_name: str, key: str, body: Mapping[str, object]) -> Written:
        """Create a row whose id we chose, so that sending it again does no harm. Returns what is there now.

        A value of a choice column needs a ``label``; without a ``value`` Dataverse gives it one.
        """
        if is_options(set_name):
            return only(await self._options.create(set_name, [body]))
        headers = {"Prefer": "return=representation"}
        url = f"{self.address(set_name)}?$select={key}"
        answer = await self.request(
            "POST", url, headers=headers, body=body, repeatable=key in body, check=body_of
        )  # fmt: skip
        return _written(answer, key)

    async def update(self, set_name: str, key: str, record: str, etag: str, body: Mapping[str, object]) -> Written:
        """Change a row if it is still the version ``etag``. Raises StaleRecord when it is not.

        The tag is always sent: without one Dataverse would create a row that is gone (dataverse.md section 7). Values
        of a choice column have no versions; their ``label`` and ``description`` can be changed.
        """
        if is_options(set_name):
            return only(await self._options.update(set_name, [(record, body)]))
        headers = {"Prefer": "return=representation", "If-Match": etag or "*"}
        url = f"{self.address(set_name, record)}?$select={key}"
        answer = await self.request(
            "PATCH", url, headers=headers, body=body, repeatable=headers["If-Match"] == "*", check=body_of
        )
        return _written(answer, key)

    async def delete(self, set_name: str, record: str, etag: str) -> None:
        """Remove a row if it is still the version ``etag``. Raises StaleRecord, NotThere, Refused (referenced)."""
        if is_options(set_name):
            return await self._options.delete(set_name, record)
        await self.request("DELETE", self.address(set_name, record), headers={"If-Match": etag or "*"})

    async def upsert(
        self, set_name: str, key: str, alternate: Mapping[str, str], body: Mapping[str, object]
    ) -> tuple[Written, bool]:
        """Create or change the row an alternate key names; returns it and whether it was created.

        The key's own columns never go into the body: where the row is missing they would win over the address.
        A value that does not work in an address is looked up, and the row addressed by its id
        (conformance.md 201-208). Raises NotThere when such a row does not exist.
        """
        plain = {name: value for name, value in body.items() if name not in alternate}
        if any(_UNFIT.search(value) for value in alternate.values()):
            condition = " and ".join(f"{name} eq {quoted(value)}" for name, value in alternate.items())
            found = await self.find(set_name, condition, [key])
            if not found:
                raise NotThere(
                    f"Dataverse has no row of {set_name} with {condition}.",
                    "Such a key cannot be part of an address; create the row by its id.", side=self.side,
                )  # fmt: skip
            row = found[0]
            return await self.update(set_name, key, str(row[key]), str(row["@odata.etag"]), plain), False
        named = ",".join(f"{name}={quoted(quote(value, safe=''))}" for name, value in alternate.items())
        url = f"{self.address(set_name, named)}?$select={key}"
        headers = {"Prefer": "return=representation"}
        answer = await self.request("PATCH", url, headers=headers, body=plain, repeatable=True, check=body_of)
        return _written(answer, key), answer.status_code == httpx.codes.CREATED

    # --- errors

    def said(self, response: httpx.Response) -> Said:
        kind = response.headers.get("content-type", "")
        if "multipart/" in kind:
            # A batch that stops at a failure has that failure's status, and its words are in the part.
            try:
                failed = [a for a in multipart_answers(response.content, kind, 0) if not a.done]
            except Unreadable:
                failed = []
            return self.plain(failed[-1].said) if failed else Said("", "")
        return self.plain(super().said(response))

    def plain(self, told: Said) -> Said:
        return Said(normal_code(told.code), told.text)

    def is_stale(self, status: int, code: str) -> bool:
        return status == 412 and code == "0x80060882"

    def is_duplicate(self, error: ServiceError) -> bool:
        return error.code == "0x80040237"


def _annotated(columns: Iterable[Column]) -> dict[str, str]:
    noted = sorted({c.name.split("@", 1)[1] for c in columns if "@" in c.name})
    return {"Prefer": f'odata.include-annotations="{",".join(noted)}"'} if noted else {}


def _selected(columns: Sequence[Column]) -> str:
    return ",".join(dict.fromkeys(c.name.split("@", 1)[0] for c in columns if c.name.split("@", 1)[0]))


def _written(answer: httpx.Response, key: str) -> Written:
    row = body_of(answer)
    request_id = answer.headers.get("x-ms-service-request-id", "")
    return Written(str(row[key]).lower(), str(row.get("@odata.etag", "")), row, request_id)


def normal_code(code: str) -> str:
    """Dataverse codes as ``0x`` and eight lower-case digits, whether they came as hex or signed decimal.

    >>> normal_code("-2147088254"), normal_code("0X80060882"), normal_code("")
    ('0x80060882', '0x80060882', '')
    """
    text = code.strip().lower()
    try:
        number = int(text, 16) if text.startswith("0x") else int(text)
    except ValueError:
        return code
    return f"0x{number & 0xFFFFFFFF:08x}" if number else ""
