"""Request → Reply of Business Central's ODataV4 web services: published pages and codeunits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from d365kit.sandbox.business_central.address import Segment, key_parts, not_found, split_path, written_key
from d365kit.sandbox.business_central.company import Company
from d365kit.sandbox.business_central.reading import Place, json_reply, navigation, table_column
from d365kit.sandbox.business_central.service import BusinessCentral, body_of
from d365kit.sandbox.business_central.services import Service, Services
from d365kit.sandbox.identity import Identity
from d365kit.sandbox.odata import metadata
from d365kit.sandbox.schema import Column, Table
from d365kit.sandbox.store import Row, Store
from d365kit.sandbox.switches import Switches
from d365kit.sandbox.wire import Refusal, Reply, Request


class WebServices(BusinessCentral):
    """The services an administrator published. Source: business-central.md sections 1, 2, 12; conformance.md F."""

    def __init__(self, store: Store, identity: Identity, switches: Switches, services: Services) -> None:
        super().__init__(store, identity, switches)
        self.services = services

    def check_enabled(self) -> None:
        """Do nothing: the OData service is another one than the API's, and always on here."""

    def route(self, request: Request, named: str | None = None) -> Reply:
        """Return the reply of a service, of the list of services, or of a codeunit's procedure."""
        segments = split_path(request.segments)
        if segments and segments[0] == ("$metadata", None):
            return Reply(body=metadata.web_services(self.published()).encode(), kind="application/xml")
        company = None
        if segments and segments[0][0] == "Company":
            if segments[0][1] is None:
                return self.company_list(request)
            company, segments = self.company_at(segments[0][1]), segments[1:]
        if not segments:
            return self.service_document(request)
        company = company or self.chosen(request, named)
        name = segments[0][0]
        service, _, procedure = name.rpartition("_")
        if name not in self.services.all() and self.is_codeunit(service):
            return self.call(request, company, service, procedure)
        return self.resource(request, company, segments)

    def company_at(self, key: str) -> Company:
        """Return the company of ``Company('name')`` or ``Company(Id=guid)``; a name's case counts (line 114)."""
        parts = key_parts(key)
        value = parts.get("", parts.get("Name", parts.get("Id", "")))
        return self.company_of(value)

    def company_list(self, request: Request) -> Reply:
        """Return the companies as the OData service lists them."""
        rows = [{"Name": company.name, "Id": company.id} for company in self.companies]
        return json_reply({"@odata.context": f"{request.root}/$metadata#Company", "value": rows})

    def service_document(self, request: Request) -> Reply:
        """Return the list of published pages."""
        value = [{"name": name, "kind": "EntitySet", "url": name} for name in self.published()]
        return json_reply({"@odata.context": f"{request.root}/$metadata", "value": value})

    def published(self) -> dict[str, Table]:
        """Return the published pages as tables of the first company, by service name."""
        pages = {name: item for name, item in self.services.all().items() if item.kind == "Page"}
        return {name: self.page(self.companies[0], item) for name, item in pages.items()}

    def page(self, company: Company, service: Service) -> Table:
        """Return the table a published page shows: without its hidden fields, but always with its key (120)."""
        table = next(page for page in company.schema.pages.values() if page.number == service.object)
        columns = {n: c for n, c in table.columns.items() if n not in service.hidden or n in table.keys}
        ways = {
            service.name + way.name.removeprefix(table.set): way for way in table.navigations.values()
        }  # a part is called <Service><Part>
        folded = {column.lower(): column for column in columns}
        return replace(table, columns=columns, folded=folded, navigations=ways)

    # -- rows

    def resource(self, request: Request, company: Company, segments: list[Segment]) -> Reply:
        """Walk the path: a published page, a row by its primary key, perhaps a part of the page."""
        (name, key), rest = segments[0], segments[1:]
        service = self.services.all().get(name)
        if service is None or service.kind != "Page":
            raise Refusal(self.switches.bc_unpublished_status, "BadRequest_NotFound", _missing(name))
        path = f"Company('{quote(company.name.replace(chr(39), chr(39) * 2))}')/{name}"
        place, fixed = Place(company, self.page(company, service), path), Row()
        while rest:
            step, following = rest[0]
            if key is None:
                if step == "$count" and len(rest) == 1 and request.method == "GET":
                    return self.reader.bare_count(request, place)
                raise not_found(step)
            row = self.existing(place, key)
            way = navigation(place.table, step)
            if way is None:
                raise not_found(step)
            target = company.table(way.target)
            value = row[table_column(place.table, way.source).stored]
            column = table_column(target, way.column)
            fixed = {column.stored: value}
            path = f"{place.path}({self.key_of(place, str(row[place.table.key]))})/{step}"
            place = Place(company, target, path, f"{column.at()} = ?", (value,))
            key, rest = following, rest[1:]
        if request.method != "GET":
            return self.write(request, place, key, fixed)
        if key is None:
            return self.reader.rows(request, place)
        return self.reader.one(request, place, self.existing(place, key)[place.table.key])

    def existing(self, place: Place, key: str) -> Row:
        """Return the row of a primary key; a line may be named by its own part of the key."""
        parts = key_parts(key)
        table = place.table
        if place.where != "1" and "" in parts and len(table.keys) > 1:
            return super().existing(replace(place, table=replace(table, keys=table.keys[-1:])), key)
        return super().existing(place, key)

    def key_of(self, place: Place, key: str) -> str:
        """Return the primary key of a row as addresses show it (conformance.md 117)."""
        columns: list[Column] = [place.table.columns[name] for name in place.table.keys]
        sql = f'SELECT {", ".join(column.at() for column in columns)} FROM "{place.table.sql}" t'
        row = self.store.query(f'{sql} WHERE t."{place.table.key}" = ?', (key,))[0]
        return written_key(columns, list(row))

    # -- codeunits

    def is_codeunit(self, name: str) -> bool:
        """Whether a codeunit is published under this name."""
        service = self.services.all().get(name)
        return service is not None and service.kind == "Codeunit"

    def call(self, request: Request, company: Company, name: str, procedure: str) -> Reply:
        """Run a codeunit's procedure: 200 with its value, or 204 (conformance.md 121)."""
        if request.method != "POST":
            raise Refusal(405, "BadRequest_MethodNotAllowed", f"'{name}_{procedure}' must be called with POST.")
        work = self.services.codeunits[self.services.all()[name].object].get(procedure)
        if work is None:
            raise not_found(f"{name}_{procedure}")
        parameters = body_of(request) if request.body else {}
        try:
            with self.store.transaction():
                value: Any = work(company, parameters)
        except KeyError as error:
            text = f"The parameter {error} of '{name}_{procedure}' is missing."
            raise Refusal(400, "BadRequest", text) from error
        self.writes += 1
        if value is None:
            return Reply(204)
        kinds = {"int": "Edm.Int32", "str": "Edm.String", "bool": "Edm.Boolean"}
        context = f"{request.root}/$metadata#{kinds.get(type(value).__name__, 'Edm.String')}"
        return json_reply({"@odata.context": context, "value": value})


def _missing(name: str) -> str:
    return f"No service named '{name}' is published."
