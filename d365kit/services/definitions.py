"""Dataverse's own definitions → the table behind a set, its columns and their lengths, the messages it takes."""

from __future__ import annotations

import asyncio

from d365kit.errors import NotThere, Refused, SettingsError
from d365kit.services.metadata import Table, table_of
from d365kit.services.odata import Service

_TABLE = "LogicalName,EntitySetName,PrimaryIdAttribute,ChangeTrackingEnabled"
_COLUMN = "LogicalName,AttributeType,RequiredLevel,IsValidForCreate,IsValidForUpdate"
#: The kinds of column that tell a length, which only a list of that kind alone shows (dataverse.md section 14).
_TEXTS = ("String", "Memo")
CRM = "Microsoft.Dynamics.CRM"


class Definitions:
    """What an environment declares, each part asked for once."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._sets: dict[str, dict[str, str]] = {}
        self._tables: dict[tuple[str, bool], Table] = {}
        self._offers: dict[tuple[str, str], bool] = {}

    async def of(self, set_name: str) -> dict[str, str]:
        """Logical name and primary id of a set; every set is asked for at once, as names cannot be guessed.

        Raises SettingsError for a set that is not there.
        """
        if not self._sets:
            listed = (await self._service.ask(f"EntityDefinitions?$select={_TABLE}"))["value"]
            self._sets = {str(item["EntitySetName"]): item for item in listed}
        if set_name not in self._sets:
            raise SettingsError(
                f"Dataverse has no table behind the set {set_name}.",
                "Set names are case-sensitive and cannot be guessed; correct the kind's address.",
            )
        return self._sets[set_name]

    async def describe(self, set_name: str, lengths: bool) -> Table:
        """The table behind a set; ``lengths`` asks for the longest texts too, which takes two requests more."""
        if (set_name, lengths) not in self._tables:
            logical = (await self.of(set_name))["LogicalName"]
            base = f"EntityDefinitions(LogicalName='{logical}')"
            whole = self._service.ask(f"{base}?$select={_TABLE}&$expand=Attributes($select={_COLUMN})")
            kinds = _TEXTS if lengths else ()
            cast = [
                f"{base}/Attributes/{CRM}.{kind}AttributeMetadata?$select=LogicalName,MaxLength" for kind in kinds
            ]
            definition, *texts = await asyncio.gather(whole, *(self._service.ask(url) for url in cast))
            longest = {str(c["LogicalName"]): int(c.get("MaxLength") or 0) for found in texts for c in found["value"]}
            self._tables[set_name, lengths] = table_of(definition, self._service.name, longest)
        return self._tables[set_name, lengths]

    async def offers(self, message: str, set_name: str) -> bool:
        """Whether a table takes a bulk message (dataverse.md section 10)."""
        if (message, set_name) not in self._offers:
            logical = (await self.of(set_name))["LogicalName"]
            condition = f"sdkmessageid/name eq '{message}' and primaryobjecttypecode eq '{logical}'"
            try:
                found = await self._service.find("sdkmessagefilters", condition, ["sdkmessagefilterid"])
            except (NotThere, Refused):
                found = []
            self._offers[message, set_name] = bool(found)
        return self._offers[message, set_name]
