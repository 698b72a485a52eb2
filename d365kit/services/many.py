"""Many rows of Dataverse → one result each: by CreateMultiple where the table offers it, else by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import httpx

from d365kit.errors import Refused, ServiceError
from d365kit.services.batch import Part, PartAnswer, multipart_answers, multipart_batch
from d365kit.services.bulk import Batches, Result, halves
from d365kit.services.definitions import CRM, Definitions
from d365kit.services.odata import Written
from d365kit.services.options import Options, is_options

#: Rows of one bulk message; the service recommends 100 to 1,000 (dataverse.md section 10).
_BULK = 200
_BATCH = 200


class ManyRows(Batches):
    """What Dataverse offers for many rows at once."""

    batch_size = _BATCH
    _definitions: Definitions
    _options: Options

    async def create_many(self, set_name: str, key: str, bodies: Sequence[Mapping[str, object]]) -> list[Result]:
        """Create rows whose ids we chose, through the cheapest message that fits; one result per body, in order.

        CreateMultiple where the table offers it, else a batch. A bulk message is all or nothing and does not name
        the row it failed for, so a failing one is halved until the bad row stands alone.
        """
        if is_options(set_name):
            return await self._options.create(set_name, bodies)
        if await self._definitions.offers("CreateMultiple", set_name):
            entity = (await self._definitions.of(set_name))["LogicalName"]

            async def send(chunk: Sequence[Mapping[str, object]]) -> list[Result]:
                return await self._create_multiple(set_name, key, entity, chunk)

            return await halves(bodies, send, _BULK)
        headers = {"Prefer": "return=representation"}
        parts = [Part("POST", f"{set_name}?$select={key}", body, headers, key in body) for body in bodies]
        return await self.results(parts, key, [str(body.get(key, "")) for body in bodies], set_name)

    async def _create_multiple(
        self, set_name: str, key: str, entity: str, chunk: Sequence[Mapping[str, object]]
    ) -> list[Result]:
        targets = [{"@odata.type": f"{CRM}.{entity}", **body} for body in chunk]
        url = f"{self.address(set_name)}/{CRM}.CreateMultiple"
        again = all(key in body for body in chunk)
        try:
            answer = await self.ask(url, method="POST", body={"Targets": targets}, repeatable=again)
            ids = [str(i).lower() for i in answer["Ids"]]
        except ServiceError as error:
            # An earlier try whose answer was lost: every id is ours, so rows that are there are these.
            if not (again and self.is_duplicate(error)):
                raise
            ids = [str(body[key]).lower() for body in chunk]
            if {str(r[key]).lower() for r in await self.find_many(set_name, key, ids, [key])} != set(ids):
                raise
        found = {str(r[key]).lower(): r for r in await self.find_many(set_name, key, ids, [key])}
        return [Written(i, str(found.get(i, {}).get("@odata.etag", "")), found.get(i, {})) for i in ids]

    async def update_many(
        self, set_name: str, key: str, changes: Sequence[tuple[str, str, Mapping[str, object]]]
    ) -> list[Result]:
        """Change rows given as (id, etag, body), each only if it is still that version; one result each, in order.

        By batch: UpdateMultiple knows no versions, and drops the second change of a record in silence
        (conformance.md 227).
        """
        if is_options(set_name):
            return await self._options.update(set_name, [(record, body) for record, _, body in changes])
        parts = [
            Part("PATCH", f"{set_name}({record})?$select={key}", body,
                 {"If-Match": etag or "*", "Prefer": "return=representation"})
            for record, etag, body in changes
        ]  # fmt: skip
        return await self.results(parts, key, [record for record, _, _ in changes], set_name)

    async def send_batch(self, parts: Sequence[Part], *, atomic: bool) -> list[PartAnswer]:
        content, kind = multipart_batch(parts, change_set=atomic)
        headers = {"Content-Type": kind, "Accept": "multipart/mixed"}
        if not atomic:
            headers["Prefer"] = "odata.continue-on-error"
        again = all(part.again for part in parts)

        def whole(response: httpx.Response) -> None:
            multipart_answers(response.content, response.headers.get("content-type", ""), len(parts))

        try:
            answer = await self.request(
                "POST", "$batch", headers=headers, body=content, repeatable=again, check=whole
            )  # fmt: skip
        except Refused as refusal:
            # A failing change set answers with the failing part's own status (conformance.md 218).
            if not atomic:
                raise
            return [PartAnswer(refusal.status, {"error": {"code": refusal.code, "message": refusal.what}})] * len(
                parts
            )
        return multipart_answers(answer.content, answer.headers.get("content-type", ""), len(parts))
