"""Writes openapi/{crm,erp,pm}.json: what the stub's three systems look like to a gateway that is generated from it."""
import json
import os

TYPES = {"s": {"type": "string"}, "n": {"type": "number"}, "i": {"type": "integer"}}
LIST = {"type": "array", "items": {"type": "string"}}


def ref(name):
    return {"$ref": f"#/components/schemas/{name}"}


def ok(schema):
    return {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}}


def obj(required, **props):
    """An object type. `props` are the names of its fields by their type (`s`, `n`, `i`), or a field and its schema."""
    out = {}
    for key, value in props.items():
        out.update({n: TYPES[key] for n in value.split()} if key in TYPES else {key: value})
    return {"type": "object", "required": required.split(), "properties": out}


def by_keys(operation, param, item):
    parameter = {"name": param, "in": "query", "required": True, "style": "form", "explode": False, "schema": LIST}
    return {"get": {"operationId": operation, "parameters": [parameter], "responses": ok({"type": "array", "items": ref(item)})}}


def write(name, paths, **schemas):
    doc = {"openapi": "3.0.3", "info": {"title": name, "version": "1"}, "paths": paths, "components": {"schemas": schemas}}
    with open(f"openapi/{name}.json", "w", encoding="utf-8") as file:
        json.dump(doc, file, indent=1)


os.makedirs("openapi", exist_ok=True)
write("crm", {
    "/crm/deals/{id}": {"get": {"operationId": "deal", "responses": ok(ref("Deal")),
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "id"}}]}},
    "/crm/deals": {"get": {"operationId": "deals", "responses": ok(ref("DealPage")), "parameters": [
        {"name": "first", "in": "query", "required": True, "schema": {"type": "integer"}},
        {"name": "after", "in": "query", "schema": {"type": "string"}}]}},
}, Deal=obj("id name stage amount currency projectId", s="id name stage currency company owner closeDate projectId", n="amount"),
    DealPage=obj("results", results={"type": "array", "items": ref("Deal")}))
write("erp", {
    "/erp/invoices": by_keys("invoicesByProject", "projectIds", "Invoice"),
    "/erp/costs": by_keys("costsByProject", "projectIds", "Cost"),
}, Invoice=obj("id projectId number status amount", s="id projectId number status currency issuedOn dueOn", n="amount tax"),
    Cost=obj("id projectId kind amount", s="id projectId kind currency bookedOn", n="amount"))
write("pm", {
    "/pm/projects": by_keys("projectsById", "ids", "Project"),
    "/pm/tickets": by_keys("ticketsByProject", "projectIds", "Ticket"),
}, Project=obj("id dealId name status", s="id dealId name status manager startDate endDate", i="budgetHours spentHours"),
    Ticket=obj("id projectId title status", s="id projectId title status priority assignee createdAt", i="estimateHours"))
