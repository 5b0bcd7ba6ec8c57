// Reads the feed's $metadata with the OASIS committee's own converter, and holds what comes out against its JSON schema.
//
//     node check.mjs http://127.0.0.1:PORT/odata/

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import Ajv from "ajv";
import { xml2json } from "odata-csdl";

const [root] = process.argv.slice(2);
if (!root) {
  console.error("check.mjs URL");
  process.exit(1);
}

let failed = false;
function check(what, holds, detail = "") {
  console.log(`${holds ? "ok" : "FAILED"}  ${what}${holds ? "" : ` ${detail}`}`);
  failed ||= !holds;
}

const answer = await fetch(`${root}$metadata`, { headers: { accept: "application/xml" } });
check("$metadata is there", answer.status === 200, answer.status);
const messages = [];
const csdl = xml2json(await answer.text(), { strict: true, messages, annotations: true, lineNumbers: false });
check("the converter has nothing to say", messages.length === 0, JSON.stringify(messages));

const require = createRequire(import.meta.url);
const schema = JSON.parse(readFileSync(require.resolve("odata-csdl/schemas/csdl.schema.json"), "utf8"));
const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
const valid = ajv.validate(schema, csdl);
check("it is CSDL by the schema", valid, JSON.stringify(ajv.errors?.slice(0, 3)));

const container = csdl.Spine.Container;
const sets = Object.keys(container).filter((name) => !name.startsWith("$") && !name.startsWith("@"));
const service = await (await fetch(root)).json();
const listed = service.value.map((set) => set.name);
check("it has the sets that the service lists", JSON.stringify(sets.sort()) === JSON.stringify(listed.sort()), sets);
const deal = csdl.Spine.Deal;
check("a deal has a key", JSON.stringify(deal.$Key) === '["id"]');
check(
  "money is a decimal of 19 digits, 4 of them behind the point",
  deal.amount.$Type === "Edm.Decimal" && deal.amount.$Precision === 19 && deal.amount.$Scale === 4,
  JSON.stringify(deal.amount),
);
check("every property is described", Object.values(deal).every((one) => !one.$Type || one["@Core.Description"]));
process.exit(failed ? 1 : 0);
