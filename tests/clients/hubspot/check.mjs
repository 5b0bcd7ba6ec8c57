// Drives an embedded HubSpot with HubSpot's own client: a server that only our connector understands would not count.
//
//   SPINE_HUBSPOT_URL=http://127.0.0.1:PORT node --test check.mjs      or      node check.mjs http://127.0.0.1:PORT

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Client } from "@hubspot/api-client";

const basePath = (process.env.SPINE_HUBSPOT_URL ?? process.argv[2])?.replace(/\/+$/, "");
assert.ok(basePath, "say where the embedded HubSpot is: SPINE_HUBSPOT_URL or the first argument");

const options = { basePath, numberOfApiCallRetries: 0 };
const hubspot = new Client({ accessToken: "demo-hubspot-token", ...options });
const { crm } = hubspot;

const control = async (path, body) => {
  const answer = await fetch(`${basePath}/_demo/${path}`, body && { method: "POST", body: JSON.stringify(body) });
  assert.equal(answer.status, 200);
  return answer.json();
};

/** The error of a call that must fail. */
const refused = async (promise) => {
  const error = await promise.then(() => null, (error) => error);
  assert.ok(error, "the call was not refused");
  return error;
};

/** All pages of a list. */
const pages = async (page) => {
  const all = [];
  let next;
  do {
    const answer = await page(next);
    all.push(...answer.results);
    next = answer.paging?.next?.after;
  } while (next);
  return all;
};

const properties = ["dealname", "amount", "deal_currency_code", "dealstage", "pipeline", "project_code", "no_such_property"];
const allDeals = await pages((next) => crm.deals.basicApi.getPage(100, next, properties));
const carriesCode = (deal) => /^PRJ-\d{4}-\d{3,6}$/.test(deal.properties.project_code ?? "");

after(() => control("reset", {}));

test("all deals come by pages, once each, by ID", async () => {
  assert.ok(allDeals.length > 100, "the company has more than one page of deals");
  const ids = allDeals.map((deal) => Number(deal.id));
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual(ids, ids.toSorted((a, b) => a - b));
  const byTen = await pages((next) => crm.deals.basicApi.getPage(10, next));
  assert.deepEqual(byTen.map((deal) => deal.id), allDeals.map((deal) => deal.id));
});

test("values are text or null, and an undefined property is no key", () => {
  for (const deal of allDeals) {
    assert.ok(deal.createdAt instanceof Date && !Number.isNaN(deal.createdAt.getTime()));
    assert.equal(deal.archived, false);
    for (const value of Object.values(deal.properties)) assert.ok(value === null || typeof value === "string");
    assert.ok("project_code" in deal.properties && "hs_lastmodifieddate" in deal.properties);
    assert.ok(!("no_such_property" in deal.properties));
  }
});

test("one record, with its associations", async () => {
  const deal = allDeals.find(carriesCode);
  const one = await crm.deals.basicApi.getById(deal.id, ["dealname"], undefined, ["companies"]);
  assert.equal(one.properties.dealname, deal.properties.dealname);
  assert.equal(one.associations.companies.results[0].type, "deal_to_company");
  const missing = await refused(crm.deals.basicApi.getById("1"));
  assert.equal(missing.code, 404);
  assert.equal(missing.body.category, "OBJECT_NOT_FOUND");
});

test("a record by a unique property", async () => {
  const [contact] = (await crm.contacts.basicApi.getPage(1, undefined, ["email"])).results;
  const same = await crm.contacts.basicApi.getById(contact.properties.email, undefined, undefined, undefined, false, "email");
  assert.equal(same.id, contact.id);
  const refusal = await refused(
    crm.deals.basicApi.getById("PRJ-2025-001", undefined, undefined, undefined, false, "project_code"),
  );
  assert.equal(refusal.code, 400);
});

test("a batch: a hundred at most, in no order, 207 for what is unknown", async () => {
  const read = (ids) =>
    crm.deals.batchApi.read({ properties: ["amount"], propertiesWithHistory: [], inputs: ids.map((id) => ({ id })) });
  const ids = allDeals.slice(0, 100).map((deal) => deal.id);
  const whole = await read(ids);
  assert.equal(whole.status, "COMPLETE");
  assert.equal(whole.errors, undefined);
  const found = whole.results.map((deal) => deal.id);
  assert.notDeepEqual(found, ids);
  assert.deepEqual(found.toSorted(), ids.toSorted());

  const part = await read([ids[0], "1", "2"]);
  assert.deepEqual(part.results.map((deal) => deal.id), [ids[0]]);
  assert.equal(part.numErrors, 1);
  assert.equal(part.errors[0].category, "OBJECT_NOT_FOUND");
  assert.deepEqual(part.errors[0].context.ids, ["1", "2"]);

  const tooMany = await refused(read(allDeals.slice(0, 101).map((deal) => deal.id)));
  assert.equal(tooMany.code, 400);
  assert.equal(tooMany.body.category, "VALIDATION_ERROR");
});

const search = (filters, more = {}) =>
  crm.deals.searchApi.doSearch({
    filterGroups: [{ filters }],
    sorts: [{ propertyName: "hs_object_id", direction: "ASCENDING" }],
    properties: ["project_code"],
    limit: 100,
    after: undefined,
    ...more,
  });

test("search pages to the end and agrees with the list", async () => {
  const won = await pages((next) =>
    search([{ propertyName: "hs_is_closed_won", operator: "EQ", value: "true" }], { limit: 40, after: next }),
  );
  const { total } = await search([{ propertyName: "hs_is_closed_won", operator: "EQ", value: "true" }], { limit: 1 });
  assert.ok(total > 40);
  assert.equal(won.length, total);
  assert.equal(new Set(won.map((deal) => deal.id)).size, total);
});

test("a list of strings matches in lower case only", async () => {
  const codes = allDeals.filter(carriesCode).map((deal) => deal.properties.project_code).slice(0, 5);
  const find = (values) => search([{ propertyName: "project_code", operator: "IN", values }]);
  assert.equal((await find(codes)).total, 0);
  const found = await find(codes.map((code) => code.toLowerCase()));
  assert.ok(found.total >= codes.length);
  for (const deal of found.results) assert.ok(codes.includes(deal.properties.project_code.trim().toUpperCase()));
});

test("search operators", async () => {
  const count = async (filter) => (await search([{ propertyName: "amount", ...filter }], { limit: 1 })).total;
  const amounts = allDeals.map((deal) => deal.properties.amount).filter((amount) => amount !== null).map(Number);
  assert.equal(await count({ operator: "HAS_PROPERTY" }), amounts.length);
  assert.equal(await count({ operator: "NOT_HAS_PROPERTY" }), allDeals.length - amounts.length);
  assert.equal(await count({ operator: "GTE", value: "50000" }), amounts.filter((amount) => amount >= 50000).length);
  assert.equal(await count({ operator: "LT", value: "50000" }), amounts.filter((amount) => amount < 50000).length);
  assert.equal(
    await count({ operator: "BETWEEN", value: "10000", highValue: "20000" }),
    amounts.filter((amount) => amount >= 10000 && amount <= 20000).length,
  );
  const word = allDeals[0].properties.dealname.split(/\W+/).find((part) => part.length > 3);
  const named = await search([{ propertyName: "dealname", operator: "CONTAINS_TOKEN", value: `*${word}*` }]);
  assert.ok(named.total > 0);
  const either = await crm.deals.searchApi.doSearch({
    filterGroups: [
      { filters: [{ propertyName: "amount", operator: "LT", value: "50000" }] },
      { filters: [{ propertyName: "amount", operator: "GTE", value: "50000" }] },
    ],
    sorts: ["-amount"],
    properties: ["amount"],
    limit: 200,
  });
  assert.equal(either.total, amounts.length);
  const sorted = either.results.map((deal) => Number(deal.properties.amount));
  assert.deepEqual(sorted, sorted.toSorted((a, b) => b - a));
});

test("search has its limits: 200 rows, 3,000 characters, 10,000 rows in all", async () => {
  for (const wrong of [
    () => search([], { limit: 201 }),
    () => search([{ propertyName: "project_code", operator: "IN", values: Array(400).fill("prj-2025-001") }]),
    () => search([], { after: "10000" }),
    () => search(Array(7).fill({ propertyName: "amount", operator: "HAS_PROPERTY" })),
    () => search([{ propertyName: "no_such_property", operator: "HAS_PROPERTY" }]),
  ]) {
    const refusal = await refused(wrong());
    assert.equal(refusal.code, 400);
    assert.equal(refusal.body.category, "VALIDATION_ERROR");
  }
});

test("associations: numbers, labels, and an error entry where there is none", async () => {
  const ids = allDeals.map((deal) => deal.id);
  const answer = await crm.associations.v4.batchApi.getPage("deals", "companies", { inputs: ids.map((id) => ({ id })) });
  assert.equal(answer.results.length + (answer.numErrors ?? 0), ids.length);
  for (const { to } of answer.results) {
    assert.equal(typeof to[0].toObjectId, "number");
    const primary = to[0].associationTypes.find((type) => type.label === "Primary");
    assert.equal(primary.typeId, 5);
  }
  const [error] = answer.errors;
  assert.equal(error.subCategory, "crm.associations.NO_ASSOCIATIONS_FOUND");
  assert.equal(error.context.fromObjectId.length, 1);

  const [linked] = answer.results;
  const companyId = String(linked.to[0].toObjectId);
  const one = await crm.associations.v4.basicApi.getPage("deals", linked._from?.id ?? linked.from.id, "companies");
  assert.equal(String(one.results[0].toObjectId), companyId);
  const company = await crm.companies.basicApi.getById(companyId, ["name", "domain"]);
  assert.ok(company.properties.name);
  const back = await pages((next) => crm.associations.v4.basicApi.getPage("companies", companyId, "deals", next, 1));
  assert.ok(back.some((deal) => String(deal.toObjectId) === (linked._from?.id ?? linked.from.id)));
});

test("every object type that hangs on a deal can be read", async () => {
  for (const type of ["contacts", "tickets", "line_items", "quotes", "notes", "calls", "emails", "meetings"]) {
    const answer = await crm.associations.v4.batchApi.getPage("0-3", type, {
      inputs: allDeals.map((deal) => ({ id: deal.id })),
    });
    const ids = answer.results.flatMap((result) => result.to.map((to) => String(to.toObjectId))).slice(0, 100);
    assert.ok(ids.length > 0, type);
    const records = await crm.objects.batchApi.read(type, {
      properties: ["hs_timestamp", "hubspot_owner_id"],
      propertiesWithHistory: [],
      inputs: [...new Set(ids)].map((id) => ({ id })),
    });
    assert.deepEqual(records.results.map((record) => record.id).toSorted(), [...new Set(ids)].toSorted(), type);
  }
});

test("pipelines hold the stages that deals and tickets are in", async () => {
  const { results } = await crm.pipelines.pipelinesApi.getAll("deals");
  const stages = new Map(results.flatMap((p) => p.stages.map((stage) => [`${p.id}/${stage.id}`, stage])));
  for (const { properties } of allDeals) assert.ok(stages.has(`${properties.pipeline}/${properties.dealstage}`));
  for (const stage of stages.values()) assert.match(stage.metadata.isClosed, /^(true|false)$/);
  const tickets = await crm.pipelines.pipelinesApi.getAll("tickets");
  assert.deepEqual(new Set(tickets.results[0].stages.map((stage) => stage.metadata.ticketState)), new Set(["OPEN", "CLOSED"]));
});

test("owners come by pages", async () => {
  const all = await pages((next) => crm.owners.ownersApi.getPage(undefined, next, 2));
  const whole = await crm.owners.ownersApi.getPage(undefined, undefined, 100);
  assert.ok(all.length > 2);
  assert.deepEqual(all.map((owner) => owner.id), whole.results.map((owner) => owner.id));
  const [owner] = all;
  assert.ok(owner.firstName && owner.teams[0].name);
  const byMail = await crm.owners.ownersApi.getPage(owner.email);
  assert.deepEqual(byMail.results.map((one) => one.id), [owner.id]);
  assert.deepEqual((await crm.owners.ownersApi.getPage(undefined, undefined, 100, true)).results, []);
});

test("properties say what the shared ID's property is", async () => {
  const { results } = await crm.properties.coreApi.getAll("deals");
  const code = results.find((property) => property.name === "project_code");
  assert.deepEqual([code.type, code.hasUniqueValue, code.hubspotDefined], ["string", false, false]);
});

test("the account says who it is", async () => {
  const answer = await hubspot.apiRequest({ path: "/account-info/v3/details" });
  assert.equal((await answer.json()).portalId, 4242424);
});

test("the dated path families answer the same", async () => {
  const [deal] = allDeals;
  for (const version of ["2026-03", "2026-09"]) {
    for (const path of [
      `/crm/objects/${version}/deals/${deal.id}?properties=dealname`,
      `/crm/objects/${version}/0-3/${deal.id}?properties=dealname`,
    ]) {
      const answer = await (await hubspot.apiRequest({ path })).json();
      assert.equal(answer.properties.dealname, deal.properties.dealname);
    }
    for (const path of [`/crm/pipelines/${version}/deals`, `/crm/owners/${version}`, `/crm/properties/${version}/deals`]) {
      assert.ok((await (await hubspot.apiRequest({ path })).json()).results.length > 0, path);
    }
    const answer = await hubspot.apiRequest({
      method: "POST",
      path: `/crm/associations/${version}/deals/companies/batch/read`,
      body: { inputs: [{ id: deal.id }] },
    });
    assert.equal((await answer.json()).status, "COMPLETE");
  }
});

test("a wrong token is refused", async () => {
  const stranger = new Client({ accessToken: "someone-else", ...options });
  const refusal = await refused(stranger.crm.deals.basicApi.getPage(1));
  assert.equal(refusal.code, 401);
  assert.equal(refusal.body.category, "INVALID_AUTHENTICATION");
});

test("a 429 is HubSpot's own, and over when it is over", async () => {
  await control("fault", { mode: "429", path: "/crm/v3/objects/deals", times: 1 });
  const refusal = await refused(crm.deals.basicApi.getPage(1));
  assert.equal(refusal.code, 429);
  assert.equal(refusal.body.errorType, "RATE_LIMIT");
  assert.equal(refusal.body.policyName, "TEN_SECONDLY_ROLLING");
  assert.equal((await crm.deals.basicApi.getPage(1)).results.length, 1);
});

test("a server error reaches the caller", async () => {
  await control("fault", { mode: "500", times: 1 });
  assert.equal((await refused(crm.deals.basicApi.getPage(1))).code, 500);
});
