"""Business Central: addresses and habits of API v2.0 and of published web services (business-central.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import httpx

from d365kit.errors import ServiceError, SettingsError
from d365kit.services.answers import body_of
from d365kit.services.arrow import Column
from d365kit.services.batch import Part, PartAnswer, json_answers, json_batch
from d365kit.services.bulk import Batches, Result
from d365kit.services.changes import Changes, without
from d365kit.services.metadata import Table, tables_of
from d365kit.services.odata import Progress, Received, Service, Written
from d365kit.services.paging import address, read_all
from d365kit.services.runner import run
from d365kit.services.split import read_by_number

#: BC runs five requests of a user at once and queues the rest (auth-and-limits.md section 4).
_AT_ONCE = 5
#: What commits late may carry an earlier time than rows already read (business-central.md section 9).
_OVERLAP = timedelta(minutes=5)
#: Values by which a long table is cut, when the table has one among the columns asked for.
_NUMBERS = ("number", "code")


class BusinessCentral(Batches, Service):
    """One company of one environment. ``root`` is the API v2.0 root, ``company`` the company's id.

    ``from_replica`` reads from a copy that may lag behind: never right after a write (conformance.md 52).
    """

    side = "bc"
    #: Query strings beyond some 8,100 characters are refused (business-central.md section 5).
    longest_url = 7_500
    batch_size = 100

    def __init__(
        self, root: str, company: str, auth: httpx.Auth | None, *, from_replica: bool = False, **more: object
    ) -> None:
        super().__init__(root, auth, at_once=_AT_ONCE, **more)  # type: ignore[arg-type]
        if not company:
            raise SettingsError(
                "No company of Business Central is chosen.", "Set bc.company in d365kit.toml to the company's id."
            )
        self.company = company
        self._reading = {"Data-Access-Intent": "ReadOnly"} if from_replica else {}
        self._tables: dict[str, Table] = {}

    def address(self, set_name: str, record: str = "") -> str:
        return f"companies({self.company})/{set_name}" + (f"({record})" if record else "")

    def is_one_of(self, name: str, values: Sequence[str]) -> str:
        # OR joins tests of one property; "in" needs a schema version of its own (conformance.md 32-34).
        literals = [v if name == "id" or name.endswith("Id") else _quoted(v) for v in values]
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
        """The set as ``$metadata`` declares it, read once. Raises SettingsError for no such set."""
        if not self._tables:
            answer = await self.request("GET", "$metadata", headers={"Accept": "application/xml"})
            self._tables = tables_of(answer.content, self.name, self.side)
        if set_name not in self._tables:
            raise SettingsError(
                f"Business Central has no set {set_name} at this address.",
                "Correct the kind's address, or publish the page it needs as a web service.",
            )
        return self._tables[set_name]

    # --- reading

    async def rows(
        self, set_name: str, columns: Sequence[Column], *, key: str = "id", progress: Progress | None = None,
        split: bool | None = None,
    ) -> Received:  # fmt: skip
        """All rows of a set, only the ``columns`` asked for, with the ETag in ``@odata.etag``.

        A set of more than a page, from a service that takes its time, is read by all workers at once, cut by its
        number or code, when that is among the columns; ``split`` True always cuts it, False follows nextLink alone.
        """
        path, wanted = self.address(set_name), [Column("@odata.etag"), *columns]
        by = next((c.name for c in columns if c.name in _NUMBERS), "")
        if split is False or not by:
            url = address(path, {"$select": ",".join(c.name for c in columns)})
            return await read_all(self, url, wanted, key, headers=self._reading, progress=progress)

        async def at(place: int) -> str | None:
            query = {"$select": by, "$orderby": by, "$skip": str(place), "$top": "1"}
            found = (await self.ask(address(path, query), headers=self._reading))["value"]
            return str(found[0][by]) if found else None

        return await read_by_number(
            self, path, wanted, key, by=by, headers=self._reading, progress=progress, split=split, find=at
        )  # fmt: skip

    async def changes(
        self, set_name: str, columns: Sequence[Column], *, key: str = "id", mark: str = "",
        modified: str = "lastModifiedDateTime", known: Sequence[str] = (),
    ) -> Changes:  # fmt: skip
        """What changed in a set since ``mark``; all rows without one.

        BC has no delta links. ``mark`` is a time: rows modified since, with an overlap, are read, and a sweep of all
        ids tells which of ``known`` are gone. Computed fields (balances, inventory) change without touching
        the row's time, and lines have none: read those whole. Source: business-central.md section 9.
        """
        path, wanted = self.address(set_name), [Column("@odata.etag"), *columns]
        select = ",".join(dict.fromkeys([*(c.name for c in columns), key]))
        query = {"$select": select}
        if mark:
            query |= {"$filter": f"{modified} ge {mark}", "$orderby": modified}
        received = await read_all(self, address(path, query), wanted, key, headers=self._reading)
        since = received.asked_at.astimezone(UTC) - _OVERLAP
        deleted: frozenset[str] = frozenset()
        if mark and known:
            sweep = await read_all(self, address(path, {"$select": key}), [Column(key)], key, headers=self._reading)
            deleted = without(known, sweep.table.column(key).to_pylist())
        return Changes(received.table, _time(since), not mark, received.asked_at, deleted, received.pages)

    # --- writing one row

    async def create(self, set_name: str, key: str, body: Mapping[str, object]) -> Written:
        """Create a row whose id we chose, so that sending it again does no harm. Returns what BC made of it."""
        answer = await self.request(
            "POST", self.address(set_name), body=body, repeatable=key in body, check=body_of
        )  # fmt: skip
        return _written(answer, key)

    async def update(self, set_name: str, key: str, record: str, etag: str, body: Mapping[str, object]) -> Written:
        """Change a row if it is still the version ``etag``. Raises StaleRecord when it is not."""
        headers = {"If-Match": etag or "*"}
        answer = await self.request(
            "PATCH", self.address(set_name, record), headers=headers, body=body,
            repeatable=headers["If-Match"] == "*", check=body_of,
        )  # fmt: skip
        return _written(answer, key)

    async def delete(self, set_name: str, record: str, etag: str) -> None:
        """Remove a row if it is still the version ``etag``. Raises StaleRecord, NotThere, Refused (in use)."""
        await self.request("DELETE", self.address(set_name, record), headers={"If-Match": etag or "*"})

    # --- writing many rows

    async def create_many(self, set_name: str, key: str, bodies: Sequence[Mapping[str, object]]) -> list[Result]:
        """Create rows whose ids we chose, a hundred to a batch; one result per body, in order."""
        parts = [Part("POST", self.address(set_name), body, {}, key in body) for body in bodies]
        return await self.results(parts, key, [str(body.get(key, "")) for body in bodies], set_name)

    async def update_many(
        self, set_name: str, key: str, changes: Sequence[tuple[str, str, Mapping[str, object]]]
    ) -> list[Result]:
        """Change rows given as (id, etag, body), each only if it is still that version; one result each, in order."""
        parts = [
            Part("PATCH", self.address(set_name, record), body, {"If-Match": etag or "*"})
            for record, etag, body in changes
        ]
        return await self.results(parts, key, [record for record, _, _ in changes], set_name)

    async def send_batch(self, parts: Sequence[Part], *, atomic: bool) -> list[PartAnswer]:
        headers = {"Isolation": "snapshot"} if atomic else {}
        again = all(part.again for part in parts)

        def whole(response: httpx.Response) -> None:
            json_answers(body_of(response), len(parts))

        answer = await self.request(
            "POST", "$batch", headers=headers, body=json_batch(parts), repeatable=again, check=whole
        )  # fmt: skip
        return json_answers(body_of(answer), len(parts))

    # --- errors

    def is_stale(self, status: int, code: str) -> bool:
        return status == 412 or (status == 409 and code == "Request_EntityChanged")

    def is_duplicate(self, error: ServiceError) -> bool:
        return error.code == "Internal_EntityWithSameKeyExists"


def _written(answer: httpx.Response, key: str) -> Written:
    row = body_of(answer)
    request_id = answer.headers.get("ms-correlation-x", "")
    return Written(str(row[key]).lower(), str(row.get("@odata.etag", "")), row, request_id)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


__all__ = ["BusinessCentral"]
