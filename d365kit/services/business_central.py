"""Business Central: addresses and habits of API v2.0 (business-central.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import httpx

from d365kit.errors import ServiceError, SettingsError
from d365kit.services.arrow import Column
from d365kit.services.odata import Progress, Received, Service, Written
from d365kit.services.runner import run

#: BC runs five requests of a user at once and queues the rest (auth-and-limits.md section 5).
_AT_ONCE = 4


class BusinessCentral(Service):
    """One company of one environment. ``root`` is the API v2.0 root, ``company`` the company's id."""

    side = "bc"

    def __init__(self, root: str, company: str, auth: httpx.Auth | None, **more: object) -> None:
        super().__init__(root, auth, at_once=_AT_ONCE, **more)  # type: ignore[arg-type]
        if not company:
            raise SettingsError(
                "No company of Business Central is chosen.", "Set bc.company in d365kit.toml to the company's id."
            )
        self.company = company

    def address(self, set_name: str, record: str = "") -> str:
        return f"companies({self.company})/{set_name}" + (f"({record})" if record else "")

    def check(self) -> str:
        """Ask for the companies and return the name of ours. Raises ServiceError or SettingsError."""
        answer = run(self.request("GET", "companies")).json()
        names = {c["id"].lower(): c.get("displayName") or c["name"] for c in answer["value"]}
        if self.company.lower() not in names:
            raise SettingsError(
                f"Business Central has no company {self.company}.",
                f"Its companies are: {', '.join(f'{n} ({i})' for i, n in names.items())}.",
            )
        return names[self.company.lower()]

    async def rows(
        self, set_name: str, columns: Sequence[Column], *, key: str = "id", progress: Progress | None = None
    ) -> Received:
        """All rows of a set, only the ``columns`` asked for, with the ETag in ``@odata.etag``."""
        query = {"$select": ",".join(c.name for c in columns)}
        wanted = [Column("@odata.etag"), *columns]
        return await self.read(self.address(set_name), wanted, query, key, progress=progress)

    async def create(self, set_name: str, key: str, body: Mapping[str, object]) -> Written:
        """Create a row whose id we chose, so that sending it again does no harm. Returns what BC made of it."""
        answer = await self.request("POST", self.address(set_name), body=body, repeatable=key in body)
        return _written(answer, key)

    async def update(self, set_name: str, key: str, record: str, etag: str, body: Mapping[str, object]) -> Written:
        """Change a row if it is still the version ``etag``. Raises StaleRecord when it is not."""
        headers = {"If-Match": etag}
        answer = await self.request("PATCH", self.address(set_name, record), headers=headers, body=body)
        return _written(answer, key)

    def is_stale(self, status: int, code: str) -> bool:
        return status == 412 or (status == 409 and code == "Request_EntityChanged")

    def is_duplicate(self, error: ServiceError) -> bool:
        return error.code == "Internal_EntityWithSameKeyExists"


def _written(answer: httpx.Response, key: str) -> Written:
    row = answer.json()
    return Written(str(row[key]).lower(), row.get("@odata.etag", ""), row)


__all__ = ["BusinessCentral"]
