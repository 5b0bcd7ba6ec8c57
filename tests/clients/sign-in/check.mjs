// Signs in at Spine with the tokens of an issuer that is not ours: discovery, keys, their rotation, and what is refused.
//
//   node --test check.mjs      with SPINE naming the binary

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { OAuth2Server } from "oauth2-mock-server";

assert.ok(process.env.SPINE, "say where the binary is: SPINE");

const issuer = new OAuth2Server();
let spine, work, url;

/** A port that nobody listens on. */
const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

before(async () => {
  await issuer.issuer.keys.generate("RS256");
  await issuer.start(0, "127.0.0.1");
  work = await mkdtemp(join(tmpdir(), "spine-sign-in-"));
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const config = join(work, "spine.toml");
  await writeFile(
    config,
    `[shared_id]
pattern = '^PRJ-[0-9]+$'
[owners]
commercial = "crm"
[connections.crm]
kind = "hubspot"
url = "http://127.0.0.1:9"
token = { demo = "demo-token" }
map = { shared_id = "x" }
[server]
listen = "127.0.0.1:${port}"
[access.roles.finance]
reads = ["receivables", "costs", "margins"]
[access.roles.sales]
[sign_in.oidc.company]
issuer = "${issuer.issuer.url}"
audience = ["spine"]
roles_claim = "realm_access.roles"
roles = { "Spine Finance" = ["finance"] }
`,
  );
  spine = spawn(process.env.SPINE, ["serve", "-c", config, "--log", "warn"], { stdio: ["ignore", "ignore", "inherit"] });
  for (let tries = 0; ; tries++) {
    if (await fetch(`${url}/health/ready`).then((answer) => answer.ok, () => false)) break;
    assert.ok(tries < 100 && spine.exitCode === null, "Spine did not start");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
});

after(async () => {
  spine?.kill();
  await issuer.stop();
  if (work) await rm(work, { recursive: true });
});

const claims = (more) => (_header, payload) =>
  Object.assign(payload, { sub: "42", aud: "spine", name: "Ann", realm_access: { roles: ["Spine Finance", "other"] } }, more);

const token = (more, kid) => issuer.issuer.buildToken({ kid, scopesOrTransform: claims(more) });

const whoami = async (authorization) => {
  const answer = await fetch(`${url}/whoami`, { headers: authorization ? { authorization: `Bearer ${authorization}` } : {} });
  return { status: answer.status, body: await answer.json() };
};

test("a token of the issuer is accepted, and its claims give name and role", async () => {
  const { status, body } = await whoami(await token());
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(body, {
    kind: "oidc",
    subject: `${issuer.issuer.url}#42`,
    name: "Ann",
    email: null,
    role: "finance",
    roles: ["finance"],
  });
});

test("a token by the client credentials of a program is accepted", async () => {
  issuer.service.once("beforeTokenSigning", (token) => claims()(token.header, token.payload));
  const answer = await fetch(`${issuer.issuer.url}/token`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", authorization: `Basic ${btoa("client:secret")}` },
    body: "grant_type=client_credentials",
  });
  const { access_token } = await answer.json();
  assert.equal((await whoami(access_token)).status, 200);
});

test("nobody, strangers and what is for others are refused", async () => {
  assert.equal((await whoami()).status, 401);
  assert.equal((await whoami(await token({ aud: "another" }))).status, 401);
  assert.equal((await whoami(await token({ iss: "https://evil.example" }))).status, 401);
  assert.equal((await whoami(await token({ exp: Math.floor(Date.now() / 1000) - 60 }))).status, 401);
  assert.equal((await whoami(await token({ realm_access: { roles: ["other"] } }))).status, 403);
  const stranger = new OAuth2Server();
  await stranger.issuer.keys.generate("RS256");
  stranger.issuer.url = issuer.issuer.url;
  const forged = await stranger.issuer.buildToken({ scopesOrTransform: claims() });
  assert.equal((await whoami(forged)).status, 401);
});

test("a new key of the issuer is found by the first token that it signs", { timeout: 60_000 }, async () => {
  const first = await token();
  const { kid } = await issuer.issuer.keys.generate("ES256");
  const rotated = await token({}, kid);
  // The forged token above made Spine ask for keys; it does so once in 30 seconds.
  for (;;) {
    const { status } = await whoami(rotated);
    if (status === 200) break;
    assert.equal(status, 401);
    await new Promise((resolve) => setTimeout(resolve, 5000));
  }
  assert.equal((await whoami(first)).status, 200);
});
