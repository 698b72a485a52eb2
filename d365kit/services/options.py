"""``options/account.paymenttermscode`` ↔ the values of a choice column as rows: read, made, renamed and removed.

Dataverse keeps them as metadata: its InsertOptionValue, UpdateOptionValue and DeleteOptionValue change them, and
PublishXml makes the change visible. Source: dataverse.md section 14; Microsoft's reference of these four actions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

import pyarrow as pa

from d365kit.errors import NotThere, Refused, SettingsError
from d365kit.services.answers import body_of, server_time
from d365kit.services.arrow import Column
from d365kit.services.bulk import Result, caught
from d365kit.services.definitions import CRM
from d365kit.services.keys import KEY_COLUMN, Key
from d365kit.services.metadata import Property, Table
from d365kit.services.odata import Progress, Received, Service, Written

OPTIONS = "options/"
_KEY = Key(("value",), guid=False)
_PROPERTIES = {
    "value": Property("value", "integer", nullable=False, update=False, declared="Value"),
    "label": Property("label", "text", nullable=False, declared="Label"),
    "description": Property("description", "text", declared="Label"),
    "color": Property("color", "text", create=False, update=False, declared="Color"),
}


def is_options(set_name: str) -> bool:
    """Whether an address means the values of a choice column."""
    return set_name.startswith(OPTIONS)


@dataclass(frozen=True)
class _Choice:
    """A choice column as it stands: where it is, the name of a shared list ("" for its own), and its values."""

    table: str
    column: str
    shared: str
    options: tuple[Mapping[str, Any], ...]

    @property
    def address(self) -> str:
        return f"{OPTIONS}{self.table}.{self.column}"

    @property
    def target(self) -> dict[str, object]:
        """How the actions name the list: a shared one by its name, another by table and column."""
        if self.shared:
            return {"OptionSetName": self.shared}
        return {"EntityLogicalName": self.table, "AttributeLogicalName": self.column}


class Options:
    """The choice columns of one environment."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._base_language = 0

    async def describe(self, set_name: str) -> Table:
        """The columns of a choice column's values. Raises SettingsError when there is no such choice column."""
        await self._choice(set_name)
        return Table(set_name, set_name.removeprefix(OPTIONS), "value", _PROPERTIES)

    async def rows(self, set_name: str, columns: Sequence[Column], progress: Progress | None = None) -> Received:
        """All values with the ``columns`` asked for of value, label, description and color; there are no ETags."""
        choice, asked_at = await self._choice(set_name)
        rows = await self._rows(choice)
        wanted = [Column("@odata.etag"), *columns]
        arrays = [pa.array([_as(c, row.get(c.name)) for row in rows], c.arrow) for c in wanted]
        table = pa.Table.from_arrays(arrays, names=[c.name for c in wanted])
        table = table.append_column(KEY_COLUMN, pa.array([_KEY.of(row) for row in rows], pa.string()))
        if progress:
            progress(len(rows))
        return Received(table, asked_at, 1)

    async def get(self, set_name: str, record: str) -> dict[str, Any]:
        """One value. Raises NotThere."""
        return await self._row((await self._choice(set_name))[0], record)

    async def create(self, set_name: str, bodies: Sequence[Mapping[str, object]]) -> list[Result]:
        """Add values and publish them together; one result per body, in order.

        A body has a ``label``, perhaps a ``description``, and perhaps a ``value``: without one Dataverse gives the
        number, as it recommends. A value that is there already under this label was added by a try whose answer was
        lost: it is done. One that means something else is Refused.
        """
        choice, _ = await self._choice(set_name)
        return await self._published(choice, [await caught(self._insert(choice, body)) for body in bodies])

    async def update(
        self, set_name: str, changes: Sequence[tuple[str, Mapping[str, object]]]
    ) -> list[Result]:  # fmt: skip
        """Change ``label`` or ``description`` of values given as (id, body), and publish them together.

        What they are called in other languages stays. One result each, in order: NotThere, Refused.
        """
        choice, _ = await self._choice(set_name)
        return await self._published(choice, [await caught(self._rename(choice, *change)) for change in changes])

    async def _insert(self, choice: _Choice, body: Mapping[str, object]) -> Written:
        value, told = body.get("value"), {"label": body["label"], "description": body.get("description")}
        sent = {**choice.target, **await self._labels(choice, told)} | ({} if value is None else {"Value": value})
        try:
            value = (await self._service.ask("InsertOptionValue", method="POST", body=sent))["NewOptionValue"]
        except Refused:
            if value is None or not await self._means(choice, value, body["label"]):
                raise
        return Written(str(value), "", {"value": value, **told})

    async def _rename(self, choice: _Choice, record: str, body: Mapping[str, object]) -> Written:
        now = await self._row(choice, record)
        told = {"label": body.get("label", now["label"]), "description": body.get("description")}
        sent = {**choice.target, **await self._labels(choice, told), "Value": now["value"], "MergeLabels": True}
        await self._service.request("POST", "UpdateOptionValue", body=sent, repeatable=True)
        return Written(record, "", {**now, **{name: text for name, text in told.items() if text}})

    async def delete(self, set_name: str, record: str) -> None:
        """Remove a value and publish that; rows that hold it keep its number. Raises NotThere, Refused."""
        choice, _ = await self._choice(set_name)
        now = await self._row(choice, record)
        await self._service.request("POST", "DeleteOptionValue", body={**choice.target, "Value": now["value"]})
        await self._publish(choice)

    # --- metadata

    async def _choice(self, set_name: str) -> tuple[_Choice, datetime]:
        table, _, column = set_name.removeprefix(OPTIONS).partition(".")
        url = (
            f"EntityDefinitions(LogicalName='{table}')/Attributes(LogicalName='{column}')/{CRM}."
            "PicklistAttributeMetadata?$select=LogicalName&$expand=OptionSet,GlobalOptionSet"
        )
        try:
            answer = await self._service.request("GET", url, check=body_of)
        except (NotThere, Refused) as problem:
            raise SettingsError(
                f"{self._service.name} has no choice column {column} on a table {table}.",
                f"Correct the kind's address; it is {OPTIONS}, the table's logical name, a dot, and the column.",
            ) from problem
        body = body_of(answer)
        own, shared = body.get("OptionSet") or {}, body.get("GlobalOptionSet") or {}
        name = shared.get("Name") or (own.get("Name") if own.get("IsGlobal") else "")
        # A shared list stands in GlobalOptionSet, and with some releases in OptionSet too.
        options = own.get("Options") or shared.get("Options") or ()
        return _Choice(table, column, str(name or ""), tuple(options)), server_time(answer)

    async def _rows(self, choice: _Choice) -> list[dict[str, Any]]:
        language = 0
        if any(not _user_label(o.get("Label")) for o in choice.options):
            language = await self._language()
        return [
            {
                "value": int(option["Value"]),
                "label": _text(option.get("Label"), language),
                "description": _text(option.get("Description"), language),
                "color": option.get("Color") or None,
            }
            for option in choice.options
        ]

    async def _means(self, choice: _Choice, value: object, label: object) -> bool:
        """Whether a value has this label, also where an earlier try never came to publish it."""
        await self._publish(choice)
        now, _ = await self._choice(choice.address)
        return any(row["value"] == value and row["label"] == label for row in await self._rows(now))

    async def _published(self, choice: _Choice, results: list[Result]) -> list[Result]:
        if any(isinstance(result, Written) for result in results):
            await self._publish(choice)
        return results

    async def _row(self, choice: _Choice, record: str) -> dict[str, Any]:
        for row in await self._rows(choice):
            if _KEY.of(row) == record:
                return row
        raise NotThere(
            f"{self._service.name} has no value {record} in {choice.table}.{choice.column}.",
            "It was removed, or the id is another list's: pull again.", side=self._service.side,
        )  # fmt: skip

    async def _labels(self, choice: _Choice, told: Mapping[str, object]) -> dict[str, object]:
        """Label and Description in the language the others are in: the user's, else the environment's own."""
        used = (_user_label(option.get("Label")) for option in choice.options)
        language = next((int(label["LanguageCode"]) for label in used if label), 0) or await self._language()
        return {name.capitalize(): _label(str(text), language) for name, text in told.items() if text}

    async def _language(self) -> int:
        """The base language of the environment, asked for once."""
        if not self._base_language:
            found = (await self._service.ask("organizations?$select=languagecode"))["value"]
            self._base_language = int(found[0].get("languagecode") or 1033) if found else 1033
        return self._base_language

    async def _publish(self, choice: _Choice) -> None:
        """Make a change of metadata visible; publishing again does no harm."""
        kind, name = ("optionset", choice.shared) if choice.shared else ("entity", choice.table)
        several = {"optionset": "optionsets", "entity": "entities"}[kind]
        xml = f"<importexportxml><{several}><{kind}>{escape(name)}</{kind}></{several}></importexportxml>"
        await self._service.request("POST", "PublishXml", body={"ParameterXml": xml}, repeatable=True)


def _as(column: Column, value: object) -> object:
    """A value for its column: the number is a text where an id is wanted."""
    return str(value) if value is not None and pa.types.is_string(column.arrow) else value


def _label(text: str, language: int) -> dict[str, object]:
    kind = {"@odata.type": f"{CRM}.LocalizedLabel", "Label": text, "LanguageCode": language}
    return {"@odata.type": f"{CRM}.Label", "LocalizedLabels": [kind]}


def _user_label(label: Any) -> dict[str, Any]:
    """The label in the user's language; empty when there is none."""
    found = label.get("UserLocalizedLabel") if isinstance(label, dict) else None
    return found if isinstance(found, dict) and found.get("Label") else {}


def _text(label: Any, language: int) -> str | None:
    """A label's words: in the user's language, else in the base language, else in any."""
    listed: Iterable[Any] = (label.get("LocalizedLabels") or ()) if isinstance(label, dict) else ()
    texts = {item.get("LanguageCode"): item.get("Label") for item in listed if isinstance(item, dict)}
    found = _user_label(label).get("Label") or texts.get(language) or next(iter(texts.values()), None)
    return str(found) if found else None
