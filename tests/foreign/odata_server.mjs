// simple-odata-server, unmodified, over plain http: node odata_server.mjs; says its port and stops with its input.
import { createRequire } from "node:module";
import http from "node:http";

const require = createRequire(import.meta.url);
const server = require("simple-odata-server");
const adapter = require("simple-odata-server-nedb");
const Store = require("@seald-io/nedb");

const store = new Store({ inMemoryOnly: true, autoload: true });
const columns = {
  _id: { type: "Edm.String", key: true }, number: { type: "Edm.String" }, name: { type: "Edm.String" },
  amount: { type: "Edm.Decimal" },
};
const listener = http.createServer();
listener.listen(0, "127.0.0.1", async () => {
  const origin = `http://127.0.0.1:${listener.address().port}`;
  const model = { namespace: "demo", entityTypes: { Customer: columns }, entitySets: { customers: { entityType: "demo.Customer" } } };
  const api = server(origin).model(model).adapter(adapter((set, done) => done(null, store)));
  listener.on("request", api.handle.bind(api));
  for (let n = 1; n <= 25; n += 1) {
    await store.insertAsync({ _id: `c${n}`, number: `C${n}`, name: `O'Neil & ${n}`, amount: n / 4 });
  }
  console.log(JSON.stringify({ origin }));
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
