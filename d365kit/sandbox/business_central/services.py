"""Administrator's choices → published web services: which page or codeunit goes by which name, and what it hides."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from d365kit.sandbox.business_central.company import Company, touch
from d365kit.sandbox.business_central.values import dialog
from d365kit.sandbox.schema import schema
from d365kit.sandbox.store import Store

Procedure = Callable[[Company, Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Service:
    """A line of the page "Web Services": a page or codeunit by its number; ``hidden`` fields are not shown."""

    name: str
    kind: str
    object: int
    hidden: tuple[str, ...] = ()


def count_records(company: Company, parameters: Mapping[str, Any]) -> int:
    """Return the number of rows of an API set."""
    name = str(parameters["entitySetName"])
    if name not in company.schema.sets:
        raise dialog(f"There is no table behind {name}.")
    return company.store.count(company.table(name))


def touch_customer(company: Company, parameters: Mapping[str, Any]) -> None:
    """Mark a customer as changed now, as a codeunit without a return value does."""
    found = company.find("customers", "number", str(parameters["customerNo"]).upper())
    if found is None:
        raise dialog(f"The customer {parameters['customerNo']} does not exist.")
    changes: dict[str, Any] = {}
    touch(company.table("customers"), changes)
    company.store.update(company.table("customers"), found["id"], changes)


class Services:
    """The published services, kept with the data. Source: business-central.md section 1; conformance.md 119, 120.

    ``codeunits`` are the objects an administrator may publish, by number; tests add their own.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.codeunits: dict[int, dict[str, Procedure]] = {
            50100: {"CountRecords": count_records, "TouchCustomer": touch_customer}
        }

    def all(self) -> dict[str, Service]:
        """Return every published service by name; at first each known page, and codeunit 50100 as SandboxTools."""
        kept = self.store.meta("services")
        if kept is None:
            pages = [Service(page.set, "Page", page.number) for page in schema("bc").pages.values() if page.number]
            return {item.name: item for item in [*pages, Service("SandboxTools", "Codeunit", 50100)]}
        rows = [Service(**{**item, "hidden": tuple(item["hidden"])}) for item in json.loads(kept)]
        return {item.name: item for item in rows}

    def publish(self, name: str, page: int = 0, codeunit: int = 0, hidden: Iterable[str] = ()) -> None:
        """Publish a page or a codeunit under a name, or change a service; ValueError for an object unknown here."""
        known = {item.number for item in schema("bc").pages.values()}
        if (page and page not in known) or (not page and codeunit not in self.codeunits):
            raise ValueError(f"there is no page {page} or codeunit {codeunit} to publish")
        kind, number = ("Page", page) if page else ("Codeunit", codeunit)
        self._keep(self.all() | {name: Service(name, kind, number, tuple(hidden))})

    def withdraw(self, name: str) -> None:
        """Take a service back; KeyError when it is not published."""
        kept = self.all()
        del kept[name]
        self._keep(kept)

    def _keep(self, services: Mapping[str, Service]) -> None:
        self.store.remember("services", json.dumps([asdict(item) for item in services.values()]))
