"""Delta tokens → what changed and what went since. Source: dataverse.md section 11; conformance.md section N."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from json import dumps
from urllib.parse import quote

from d365kit.sandbox.dataverse import pages as pages
from d365kit.sandbox.dataverse import reads as reads
from d365kit.sandbox.dataverse.call import Call, applied, refuse
from d365kit.sandbox.dataverse.cookies import delta_link
from d365kit.sandbox.dataverse.security import require
from d365kit.sandbox.odata.query import page_size
from d365kit.sandbox.schema import Table
from d365kit.sandbox.wire import Reply, Request

_TOKEN = re.compile(r"(\d{1,18})!(\d\d/\d\d/\d{4} \d\d:\d\d:\d\d)$")
_PLACE = re.compile(r"(\d{1,18})!(\d{1,18})$")
_EXCLUDED = ("$filter", "$orderby", "$expand", "$top")
_DEFAULT_DAYS = 7


def begin(call: Call, source: reads.Source) -> Reply:
    """Return the first page of a tracked read; its last page ends with a delta link (conformance.md 232)."""
    _check(call, source.table)
    if call.request.option("$skiptoken"):
        return reads.rows(call, source)
    return reads.rows(call, source, _current(call))


def changes(call: Call, table: Table) -> Reply:
    """Return what changed since a token: rows by version, then the ids of those that went (conformance.md 233-237).

    All pages of one answer go up to the version at which its first page was asked, so that nothing is named twice.
    """
    _check(call, table)
    require(call, table, "Read")
    request = call.request
    since = _since(call)
    at, top = _place(request, since, _current(call))
    plain = replace(request, query=tuple(item for item in request.query if item[0] == "$select"))
    query = reads.read_options(call, table, plain).query
    size, _ = page_size(request, call.switches.dv_page_maximum)
    patterns = pages.wanted_annotations(request.preferences.get("odata.include-annotations"))
    columns, version = pages.with_key(table, query.select), table.columns["versionnumber"]
    where = "t.versionnumber > ? AND t.versionnumber <= ?"
    rows = pages.render(
        call.store, table, columns, where, [at, top], ((version, False),), size + 1, ["t.versionnumber"], patterns
    )
    found: list[tuple[bytes, int]] = [(row[0], row[1]) for row in rows]
    if len(found) <= size:
        after = max(at - top, since) if at > top else since
        found += _removals(call, table, after, top, size + 1 - len(found))
    page = found[:size]
    names = f"({','.join(column.name for column in query.select)})" if query.selected else ""
    head = f'{{"@odata.context":{dumps(f"{call.root}/$metadata#{table.set}{names}/$delta")},"value":['
    if len(found) > size:
        link = f'"@odata.nextLink":{dumps(_next(request, table, page[-1][1], top))}'
    else:
        link = f'"@odata.deltaLink":{dumps(delta_link(request, table.set, top))}'
    body = b"".join((head.encode(), b",".join(text for text, _ in page), b"],", link.encode(), b"}"))
    honoured = ("odata.track-changes",) if "odata.track-changes" in request.preferences else ()
    return Reply(body=body, headers=applied(request, *honoured))


def pending(call: Call, table: Table) -> Reply:
    """Return how many changes wait behind a token, as plain text (conformance.md 239)."""
    _check(call, table)
    require(call, table, "Read")
    since, top = _since(call), _current(call)
    rows = call.store.count(table, "t.versionnumber > ? AND t.versionnumber <= ?", [since, top])
    return Reply(body=str(rows + len(_removals(call, table, since, top, -1))).encode(), kind="text/plain")


def _check(call: Call, table: Table) -> None:
    for name in _EXCLUDED:
        if call.request.option(name) is not None:
            text = f'The "{name}" query parameter isn\'t supported when Change Tracking is enabled.'
            raise refuse(400, "0x80060888", text)
    if not table.tracking:
        raise refuse(400, "0x80044353", f"Change tracking is not enabled for the entity '{table.entity}'.")


def _since(call: Call) -> int:
    """Return the version a token stands for; Refusal when it is foreign or too old (conformance.md 238)."""
    match = _TOKEN.match(call.request.option("$deltatoken") or "")
    if match is None or int(match.group(1)) > _current(call):
        raise refuse(400, "0x80040203", "The delta token is not one of this organization.")
    days = call.store.value("SELECT expirechangetrackingindays FROM dv_organization")
    try:
        made = datetime.strptime(match.group(2), "%m/%d/%Y %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        raise refuse(400, "0x80040203", "The delta token is not one of this organization.") from None
    if datetime.now(UTC) - made > timedelta(days=_DEFAULT_DAYS if days is None else days):
        raise refuse(400, "0x80044352", "The delta token has expired; read the whole table again.")
    return int(match.group(1))


def _current(call: Call) -> int:
    """Return the last version given out."""
    return int(call.store.meta("version")) - 1


def _place(request: Request, since: int, current: int) -> tuple[int, int]:
    """Return where a page of changes begins and at which version the answer ends."""
    token = request.option("$skiptoken")
    if not token:
        return since, current
    match = _PLACE.match(token)
    if match is None or not since <= int(match.group(2)) <= current:
        raise refuse(400, "0x80040203", "Malformed XML in the Paging Cookie")
    return int(match.group(1)), int(match.group(2))


def _removals(call: Call, table: Table, since: int, top: int, limit: int) -> list[tuple[bytes, int]]:
    """Return the entries of rows that went, their places counted on from the last version."""
    sql = f"""SELECT d.id, max(d.version) FROM dv_deleted d
        WHERE d.entity = ? AND d.version > ? AND d.version <= ?
        AND NOT EXISTS (SELECT 1 FROM "{table.sql}" t WHERE t."{table.key}" = d.id)
        GROUP BY d.id ORDER BY 2 LIMIT ?"""
    context = f"{call.root}/$metadata#{table.set}/$deletedEntity"
    return [
        (dumps({"@odata.context": context, "id": key, "reason": "deleted"}).encode(), top + version)
        for key, version in call.store.query(sql, (table.entity, since, top, limit))
    ]


def _next(request: Request, table: Table, at: int, top: int) -> str:
    options = [f"{name}={quote(value, safe=',')}" for name, value in request.query if name != "$skiptoken"]
    return f"{request.root}/{table.set}?{'&'.join([*options, f'$skiptoken={at}!{top}'])}"
