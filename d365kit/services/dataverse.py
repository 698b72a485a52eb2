"""Dataverse: addresses and habits of the Web API (dataverse.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import httpx

from d365kit.errors import NotThere, Refused, ServiceError
from d365kit.services.arrow import Column
from d365kit.services.odata import Progress, Received, Service, Written, _Said
from d365kit.services.runner import run

_AT_ONCE = 8


class Dataverse(Service):
    """One environment. ``root`` is the Web API root, up to and with the version."""

    side = "dv"
    headers: Mapping[str, str] = {"If-None-Match": "null"}

    def __init__(self, root: str, auth: httpx.Auth | None, **more: object) -> None:
        super().__init__(root, auth, at_once=_AT_ONCE, **more)  # type: ignore[arg-type]

    def address(self, set_name: str, record: str = "") -> str:
        return set_name + (f"({record})" if record else "")

    def check(self) -> str:
        """Ask who we are and return the user's id. Raises ServiceError."""
        return run(self.request("GET", "WhoAmI")).json()["UserId"]

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
        self, set_name: str, columns: Sequence[Column], *, key: str, progress: Progress | None = None
    ) -> Received:
        """All rows of a set, only the ``columns`` asked for, with the ETag in ``@odata.etag``.

        A column named ``property@annotation`` asks for that annotation of a selected property.
        """
        plain = [c.name for c in columns if "@" not in c.name]
        noted = sorted({c.name.split("@", 1)[1] for c in columns if "@" in c.name})
        owners = [n for c in columns if "@" in c.name and (n := c.name.split("@", 1)[0]) not in plain]
        query = {"$select": ",".join([*plain, *owners]), "$orderby": key}
        headers = {"Prefer": f'odata.include-annotations="{",".join(noted)}"'} if noted else {}
        wanted = [Column("@odata.etag"), *columns]
        return await self.read(self.address(set_name), wanted, query, key, headers=headers, progress=progress)

    async def create(self, set_name: str, key: str, body: Mapping[str, object]) -> Written:
        """Create a row whose id we chose, so that sending it again does no harm. Returns what is there now."""
        headers = {"Prefer": "return=representation"}
        url = f"{self.address(set_name)}?$select={key}"
        answer = await self.request("POST", url, headers=headers, body=body, repeatable=key in body)
        return _written(answer, key)

    async def update(self, set_name: str, key: str, record: str, etag: str, body: Mapping[str, object]) -> Written:
        """Change a row if it is still the version ``etag``. Raises StaleRecord when it is not.

        The tag is always sent: without one Dataverse would create a row that is gone (dataverse.md section 7).
        """
        headers = {"Prefer": "return=representation", "If-Match": etag}
        url = f"{self.address(set_name, record)}?$select={key}"
        answer = await self.request("PATCH", url, headers=headers, body=body)
        return _written(answer, key)

    def said(self, response: httpx.Response) -> _Said:
        said = super().said(response)
        return _Said(normal_code(said.code), said.text)

    def is_stale(self, status: int, code: str) -> bool:
        return status == 412 and code == "0x80060882"

    def is_duplicate(self, error: ServiceError) -> bool:
        return error.code == "0x80040237"


def _written(answer: httpx.Response, key: str) -> Written:
    row = answer.json()
    request_id = answer.headers.get("x-ms-service-request-id", "")
    return Written(str(row[key]).lower(), row.get("@odata.etag", ""), row, request_id)


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
