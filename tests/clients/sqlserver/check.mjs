// Drives the embedded SQL Server of the tests with tedious, a client by other people. It speaks another TLS than python-tds, calls
// procedures by their numbers, and begins transactions by requests of their own.
//
//   tests/tools.sh && cargo test --test sqlserver_client
//
// starts the server, and runs this as `check.mjs PORT CA_FILE`.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Connection, Request, TYPES } from "tedious";

const [port, caFile] = process.argv.slice(2);

/** A connection that has signed in. */
const connect = (own = {}) =>
  new Promise((done, failed) => {
    const connection = new Connection({
      server: "localhost",
      authentication: { type: "default", options: { userName: "spine", password: own.password ?? "demo-spine-password" } },
      options: {
        port: Number(port),
        database: "company",
        appName: "check",
        encrypt: true,
        trustServerCertificate: false,
        cryptoCredentialsDetails: own.anyCa ? {} : { ca: readFileSync(caFile) },
        readOnlyIntent: true,
        rowCollectionOnRequestCompletion: true,
      },
    });
    connection.connect((error) => (error ? failed(error) : done(connection)));
  });

/** The rows of a query with parameters: `[name, type, value]` each. */
const rows = (connection, text, ...parameters) =>
  new Promise((done, failed) => {
    const row = (columns) => Object.fromEntries(columns.map(({ metadata, value }) => [metadata.colName, value]));
    const request = new Request(text, (error, _, found) => (error ? failed(error) : done(found.map(row))));
    for (const parameter of parameters) request.addParameter(...parameter);
    connection.execSql(request);
  });

const transaction = (connection, what) =>
  new Promise((done, failed) => connection[what]((error) => (error ? failed(error) : done())));

const check = async (what, holds) => {
  await holds();
  console.log(`ok  ${what}`);
};

const connection = await connect();
const everyType = (keys = "[]") => rows(connection, "SELECT * FROM every_type WHERE @P1 = @P1", ["P1", TYPES.NVarChar, keys]);

await check("a wrong password is refused, and so is a certificate of another CA", async () => {
  await assert.rejects(connect({ password: "wrong" }), { code: "ELOGIN" });
  await assert.rejects(connect({ anyCa: true }));
});
await check("values of all types mean the same", async () => {
  const [full, empty] = await everyType();
  const at = (time) => new Date(`2026-01-31T${time}Z`);
  const expected = {
    bit: true, tinyint: 255, int: -2147483648, bigint: "-9223372036854775808", decimal_5: -0.0001, decimal_38: 1e38,
    float: 7, money: -7, smallmoney: 7, date: at("00:00:00"), datetime: at("08:05:00.003"), smalldatetime: at("08:05:00"),
    datetime2_0: at("08:05:00"), datetime2_3: at("08:05:00.250"), datetime2_7: at("08:05:00.123"),
    datetimeoffset: at("08:05:00"), uniqueidentifier: "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", varchar: "Größe",
    nchar: "EUR  ", nvarchar: "ü€😀", nvarchar_max: "ü€😀/".repeat(9000), varbinary: Buffer.from([1, 2]),
    int_not_null: 7, bit_not_null: false, money_not_null: 7, float_not_null: 7, datetime_not_null: at("08:05:00"),
  };
  for (const [name, value] of Object.entries(expected)) {
    assert.equal(String(full[name]?.toISOString?.() ?? full[name]), String(value.toISOString?.() ?? value), name);
    assert.equal(empty[name] === null, !name.endsWith("_not_null"), name);
  }
});
await check("a list begins and goes on by numbers", async () => {
  const text = "SELECT TOP (@P2) * FROM spine_invoices WHERE id > @P1 ORDER BY id";
  const page = (after) => rows(connection, text, ["P1", TYPES.BigInt, after], ["P2", TYPES.BigInt, 5]);
  const first = await page(-1);
  const second = await page(first[4].id);
  assert.ok(first.length === 5 && second.length === 5 && second[0].id > first[4].id);
  assert.ok(JSON.parse(first[0].lines)[0].net > 0);
});
await check("an error has its number and severity, and the session lives on", async () => {
  const nothing = rows(connection, "SELECT * FROM nothing", ["P1", TYPES.NVarChar, "[]"]);
  await assert.rejects(nothing, { number: 208, class: 16 });
  assert.equal((await everyType()).length, 2);
});
await check("requests are made in a transaction, with more in one parameter than a packet holds", async () => {
  await transaction(connection, "beginTransaction");
  assert.equal((await everyType("x".repeat(9000))).length, 2);
  await transaction(connection, "rollbackTransaction");
  assert.equal((await everyType()).length, 2);
});
connection.close();
