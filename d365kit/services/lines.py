"""``salesOrders/salesOrderLines`` → the lines of all documents as one table.

BC lists lines of one document only (conformance.md 47), so documents are read page by page with their lines inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa

from d365kit.errors import PullIncomplete, SettingsError
from d365kit.services.addresses import address
from d365kit.services.arrow import BrokenPage, Column, Nested, flattened
from d365kit.services.keys import Key
from d365kit.services.metadata import Property, Table
from d365kit.services.odata import Progress, Received, Service
from d365kit.services.paging import gathered, pages
from d365kit.services.web_services import is_page

#: The column that holds the id of a line's document.
DOCUMENT = "documentId"
#: Documents on a page. A page of 20,000 orders with their lines would be tens of megabytes.
_DOCUMENTS = 1_000


def is_lines(set_name: str) -> bool:
    """Whether an address means the lines of documents."""
    return "/" in set_name and not is_page(set_name)


def lines_table(tables: Mapping[str, Table], set_name: str, service: str) -> Table:
    """Return the lines of a set of documents as its metadata declares them, with their document's id.

    Raises SettingsError when there are no such documents, or they have no such lines.
    """
    header, _, name = set_name.partition("/")
    kind = tables[header].navigations.get(name) if header in tables else None
    found = next((table for table in tables.values() if table.entity == kind), None) if kind else None
    if found is None:
        raise SettingsError(
            f"{service} has no lines called {name} on a set {header} at this address.",
            "Correct the kind's address; it is the set of the documents, a slash, and the name of their lines.",
        )
    own = {DOCUMENT: Property(DOCUMENT, "text", nullable=False, update=False, declared="Edm.Guid")}
    return replace(found, set=set_name, properties={**own, **found.properties})


async def read_lines(
    service: Service,
    path: str,
    name: str,
    columns: Sequence[Column],
    key: Key | None,
    *,
    headers: Mapping[str, str],
    progress: Progress | None,
) -> Received:
    """Return the lines ``name`` of all documents at ``path``, each with the id of its document if that is asked for.

    Raises PullIncomplete when a document comes without its lines, and ServiceErrors.
    """
    asked = [c for c in columns if c.name != DOCUMENT]
    select = ",".join(c.name for c in asked if "@" not in c.name)
    nested = Nested(name, columns=tuple(asked))
    wanted = [Column("id"), nested, Column(f"{name}@odata.nextLink")]
    url = address(path, {"$select": "id", "$expand": f"{name}($select={select})"})
    sized = {**headers, "Prefer": f"odata.maxpagesize={_DOCUMENTS}"}
    tables: list[pa.Table] = []
    asked_at, count = None, 0

    def keep(table: pa.Table, documents: pa.Array) -> None:
        found = table.append_column(DOCUMENT, documents)
        tables.append(found.select([c.name for c in columns]))
        if progress:
            progress(table.num_rows)

    async for page in pages(service, url, wanted, sized):
        asked_at, count = asked_at or page.sent_at, count + 1
        documents, links = page.table.column("id"), page.table.column(wanted[2].name)
        try:
            table, places = flattened(page.table, nested)
        except BrokenPage as problem:
            raise PullIncomplete(f"{service.name} left rows out: {problem}.", "Pull again later.") from problem
        keep(table, documents.take(places).combine_chunks())
        for document, link in zip(documents.to_pylist(), links.to_pylist(), strict=True):
            if link:
                async for more in pages(service, link, asked, headers):
                    keep(more.table, pa.repeat(pa.scalar(document, pa.string()), more.table.num_rows))
                    count += 1
    received = gathered(tables, key, asked_at)
    return Received(received.table, received.asked_at, count)
