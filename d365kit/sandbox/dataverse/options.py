"""InsertOptionValue, UpdateOptionValue, DeleteOptionValue → the options of a choice column, kept with the data.

Source: dataverse.md section 14; Microsoft's Web API reference of the actions, PublishXml among them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from d365kit.sandbox.dataverse.call import Call, json_reply, refuse
from d365kit.sandbox.schema import Column, Option, Table
from d365kit.sandbox.store import Store
from d365kit.sandbox.wire import Reply

#: Where the publisher's own values begin: its prefix of 10000 times 10000, as in a new organization.
FIRST_OWN_VALUE = 100_000_000
_LAST_VALUE = 2**31 - 1
_LANGUAGE = 1033
_WRONG = "0x80048403"


def options_of(store: Store, table: Table, column: Column) -> tuple[Option, ...]:
    """Return the options of a column as they are now: those of the schema until somebody changed them."""
    if column.type != "choice":
        return column.options
    sql = "SELECT value, label FROM dv_options WHERE entity = ? AND attribute = ? ORDER BY rowid"
    rows = store.query(sql, (table.entity, column.attribute))
    return tuple(Option(value, label) for value, label in rows if value is not None) if rows else column.options


def changed_columns(store: Store, table: Table) -> frozenset[str]:
    """Return the attributes of a table whose options are not those of the schema."""
    sql = "SELECT DISTINCT attribute FROM dv_options WHERE entity = ?"
    return frozenset(name for (name,) in store.query(sql, (table.entity,)))


def add_option(store: Store, table: Table, column: Column, label: str, value: int | None = None) -> int:
    """Add an option at the end and return its value: the one given, or the next free one of the publisher."""
    taken = {option.value for option in options_of(store, table, column)}
    if value is None:
        value = max((taken_value for taken_value in taken if taken_value >= FIRST_OWN_VALUE), default=None) or 0
        value = max(value + 1, FIRST_OWN_VALUE)
    _own(store, table, column)
    with store.transaction() as connection:
        connection.execute(
            "INSERT INTO dv_options VALUES (?, ?, ?, ?)", (table.entity, column.attribute, value, label)
        )
    return value


def insert_option(call: Call) -> Reply:
    """Add an option; a value that is taken is refused (InsertOptionValue)."""
    body = call.body()
    table, column = _addressed(call, body)
    label, value = _label(body), body.get("Value")
    if value is not None:
        value = _value(body)
        if value in {option.value for option in options_of(call.store, table, column)}:
            text = f"The option value {value} of '{table.entity}.{column.attribute}' exists already."
            raise refuse(400, _WRONG, text)
    made = add_option(call.store, table, column, label, value)
    context = f"{call.root}/$metadata#Microsoft.Dynamics.CRM.InsertOptionValueResponse"
    return json_reply({"@odata.context": context, "NewOptionValue": made})


def update_option(call: Call) -> Reply:
    """Give an option another label (UpdateOptionValue)."""
    body = call.body()
    table, column = _addressed(call, body)
    if not isinstance(body.get("MergeLabels"), bool):
        raise refuse(400, "0x80040203", "The parameter 'MergeLabels' must be true or false.")
    label, key = _label(body), _existing(call, table, column, body)
    _own(call.store, table, column)
    with call.store.transaction() as connection:
        connection.execute(
            "UPDATE dv_options SET label = ? WHERE entity = ? AND attribute = ? AND value = ?", (label, *key)
        )
    return Reply(204)


def delete_option(call: Call) -> Reply:
    """Take an option away; rows that have its value keep it, without a label (DeleteOptionValue)."""
    body = call.body()
    table, column = _addressed(call, body)
    key = _existing(call, table, column, body)
    _own(call.store, table, column)
    with call.store.transaction() as connection:
        connection.execute("DELETE FROM dv_options WHERE entity = ? AND attribute = ? AND value = ?", key)
    return Reply(204)


def publish_xml(call: Call) -> Reply:
    """Take a wish to publish changes of metadata; here they are seen at once (PublishXml)."""
    try:
        root = ElementTree.fromstring(str(call.body().get("ParameterXml")))  # noqa: S314 - expat refuses bombs
    except ElementTree.ParseError as error:
        raise refuse(400, "0x80040203", f"The parameter 'ParameterXml' is no XML: {error}") from error
    known = {table.entity for table in call.schema.sets.values()}
    unknown = [item.text for item in root.iterfind("entities/entity") if item.text not in known]
    if root.tag != "importexportxml" or unknown:
        text = f"There is nothing called '{unknown[0]}' to publish." if unknown else "There is nothing to publish."
        raise refuse(400, "0x80040203", text)
    return Reply(204)


def _own(store: Store, table: Table, column: Column) -> None:
    """Give a column options of its own: a row without value says so even when no option is left."""
    name = (table.entity, column.attribute)
    if store.value("SELECT 1 FROM dv_options WHERE entity = ? AND attribute = ?", name):
        return
    rows = [(*name, None, ""), *((*name, option.value, option.label) for option in column.options)]
    with store.transaction() as connection:
        connection.executemany("INSERT INTO dv_options VALUES (?, ?, ?, ?)", rows)


def _addressed(call: Call, body: dict[str, Any]) -> tuple[Table, Column]:
    if body.get("OptionSetName"):
        raise refuse(404, _WRONG, f"Could not find a global option set named '{body['OptionSetName']}'.")
    entity, attribute = str(body.get("EntityLogicalName")), str(body.get("AttributeLogicalName"))
    table = next((item for item in call.schema.sets.values() if item.entity == entity), None)
    if table is None:
        raise refuse(400, "0x80041102", f"The entity '{entity}' was not found in the metadata cache.")
    column = table.attribute(attribute)
    if column is None:
        raise refuse(400, "0x80041103", f"'{entity}' entity doesn't contain attribute '{attribute}'.")
    if column.type != "choice":
        raise refuse(400, _WRONG, f"The attribute '{attribute}' of '{entity}' is no choice column.")
    return table, column


def _existing(call: Call, table: Table, column: Column, body: dict[str, Any]) -> tuple[str, str, int]:
    value = _value(body)
    if value not in {option.value for option in options_of(call.store, table, column)}:
        raise refuse(400, _WRONG, f"'{table.entity}.{column.attribute}' has no option value {value}.")
    return table.entity, column.attribute, value


def _value(body: dict[str, Any]) -> int:
    value = body.get("Value")
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LAST_VALUE:
        raise refuse(400, "0x80040203", f"The parameter 'Value' must be a whole number, not {value!r}.")
    return value


def _label(body: dict[str, Any]) -> str:
    """Return the text of a Label: the one in the organization's language, else the first."""
    whole = body.get("Label")
    labels = whole.get("LocalizedLabels") if isinstance(whole, dict) else None
    texts = [item for item in labels if isinstance(item, dict)] if isinstance(labels, list) else []
    own = [item for item in texts if item.get("LanguageCode") == _LANGUAGE] or texts
    text = own[0].get("Label") if own else None
    if not isinstance(text, str) or not text:
        raise refuse(400, "0x80040203", "The parameter 'Label' must hold LocalizedLabels with a text.")
    return text


OPTION_ACTIONS: dict[str, Callable[[Call], Reply]] = {
    "InsertOptionValue": insert_option,
    "UpdateOptionValue": update_option,
    "DeleteOptionValue": delete_option,
    "PublishXml": publish_xml,
}
