// Follows a project with the reference clients, graphql-ws and graphql-sse, while the embedded ERP is corrected and tells so.
//
//     node check.mjs http://127.0.0.1:PORT/graphql http://127.0.0.1:ERP-PORT

import { createHmac } from "node:crypto";
import { createClient as overWebSocket } from "graphql-ws";
import { createClient as overEvents } from "graphql-sse";
import { WebSocket } from "ws";

const [graphql, erp] = process.argv.slice(2);
if (!graphql || !erp) {
  console.error("check.mjs GRAPHQL ERP");
  process.exit(1);
}

let failed = false;
function check(what, holds, detail = "") {
  console.log(`${holds ? "ok" : "FAILED"}  ${what}${holds ? "" : ` ${detail}`}`);
  failed ||= !holds;
}

async function ask(query, variables) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(graphql, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  return (await answer.json()).data;
}

async function correct(net) {
  const body = JSON.stringify({ invoice: Number(invoice.number), net });
  const answer = await fetch(`${erp}/_demo/correct`, { method: "POST", body });
  if (!answer.ok) throw new Error(await answer.text());
}

// Signed as the demo's configuration says.
async function tell(event) {
  const body = JSON.stringify(event);
  const signature = createHmac("sha256", "demo-webhook-secret").update(body).digest("hex");
  const headers = { "content-type": "application/json", "x-spine-signature": signature };
  return (await fetch(new URL("/webhooks/sap", graphql), { method: "POST", headers, body })).status;
}

// An open invoice that nobody has paid, and its project.
const { invoices } = await ask("{ invoices(filter: { status: OPEN }) { nodes { number kind paid { amount } project { code } } } }");
const invoice = invoices.nodes.find((one) => one.kind === "INVOICE" && one.project && Number(one.paid?.amount ?? 0) === 0);
const id = invoice.project.code;
const query = "subscription Follow($id: ProjectId!) { projectChanged(id: $id) { code invoices { number net { amount } } } }";
const netOf = (event) => event.data?.projectChanged?.invoices.find((one) => one.number === invoice.number)?.net.amount;

async function follows(name, client, next) {
  const events = client.iterate({ query, variables: { id } });
  const first = await events.next();
  check(`${name}: the facts as they are come at once`, netOf(first.value) !== undefined, JSON.stringify(first.value));
  for (const net of next) {
    await correct(net);
    check(`${name}: the delivery is accepted`, (await tell({ kind: "invoice" })) === 204);
    const event = await events.next();
    check(`${name}: the correction follows`, netOf(event.value) === net, JSON.stringify(event.value));
  }
  await events.return();
}

async function refuses(name, client) {
  const events = client.iterate({ query: "subscription { projectChanged(id: 1) { nothing } }" });
  const told = await events.next().then((event) => event.value?.errors, (errors) => errors);
  check(`${name}: what is not valid is told`, told?.[0]?.extensions?.code === "GRAPHQL_VALIDATION_FAILED", JSON.stringify(told));
}

async function asks(name, client) {
  const answers = [];
  for await (const answer of client.iterate({ query: "{ __typename }" })) answers.push(answer);
  check(`${name}: a query is answered once`, answers.length === 1 && answers[0].data.__typename === "Query", JSON.stringify(answers));
}

const url = graphql.replace(/^http/, "ws") + "/ws";
const socket = overWebSocket({ url, webSocketImpl: WebSocket, retryAttempts: 0, keepAlive: 200 });
const events = overEvents({ url: graphql, retryAttempts: 0 });
for (const [name, client, nets] of [
  ["graphql-ws", socket, ["4321.09", "17.01"]],
  ["graphql-sse", events, ["99.99", "1234.56"]],
]) {
  await asks(name, client);
  await refuses(name, client);
  await follows(name, client, nets);
}
await socket.dispose();
events.dispose();
process.exit(failed ? 1 : 0);
