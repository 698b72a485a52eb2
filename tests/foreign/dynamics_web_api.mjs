// DynamicsWebApi for JavaScript, unmodified, over plain http: node dynamics_web_api.mjs ORIGIN TOKEN
import { DynamicsWebApi } from "dynamics-web-api";

const [serverUrl, token] = process.argv.slice(2);
const api = new DynamicsWebApi({ serverUrl, dataApi: { version: "9.2" }, onTokenRefresh: async () => token });
const everything = { includeAnnotations: "*" };

async function step(name, work) {
  try {
    const value = await work();
    console.log(JSON.stringify({ step: name, value: value === undefined ? null : value }));
    return value;
  } catch (error) {
    const all = Array.isArray(error) ? error : [error];
    const { status, code, message } = all.find((one) => one?.status >= 400) ?? all[0];
    console.log(JSON.stringify({ step: name, error: "Error", status, code, text: message, count: all.length }));
    return null;
  }
}

await step("who am I", () => api.callFunction({ functionName: "WhoAmI" }));
const contact = await step("create", () =>
  api.create({ collection: "contacts", data: { firstname: "Node", lastname: "Contact" } }));
const row = await step("create with row", () =>
  api.create({
    collection: "accounts", returnRepresentation: true, select: ["name", "creditlimit"],
    data: { name: "Node one", creditlimit: 10.25, "primarycontactid@odata.bind": `/contacts(${contact})` },
  }));
const key = row?.accountid;
await step("retrieve", () =>
  api.retrieve({ collection: "accounts", key, select: ["name", "_primarycontactid_value", "statecode"], ...everything }));
await step("expand", () =>
  api.retrieve({ collection: "accounts", key, select: ["name"], expand: [{ property: "primarycontactid", select: ["fullname"] }] }));
await step("several", () => api.retrieveMultiple({ collection: "accounts", select: ["name"], maxPageSize: 3, count: true }));
await step("all", async () => {
  const found = await api.retrieveAll({ collection: "accounts", select: ["name"], maxPageSize: 3 });
  return found.value.length;
});
await step("filter", () =>
  api.retrieveMultiple({ collection: "accounts", select: ["name"], filter: "startswith(name,'Node') and statecode eq 0" }));
const tag = row?.["@odata.etag"];
await step("update", () => api.update({ collection: "accounts", key, data: { name: "Node changed" }, ifmatch: tag }));
await step("update stale", () => api.update({ collection: "accounts", key, data: { name: "Never" }, ifmatch: tag }));
await step("update one property", () =>
  api.updateSingleProperty({ collection: "accounts", key, fieldValuePair: { telephone1: "555" } }));
const named = (name) => ({ collection: "accounts", key: "accountnumber='N-1'", data: { name } });
await step("upsert", () => api.upsert({ ...named("Node by key"), returnRepresentation: true }));
await step("upsert again", () => api.upsert(named("Node by key again")));
await step("count", () => api.count({ collection: "accounts" }));
await step("count some", () => api.count({ collection: "accounts", filter: "startswith(name,'Node')" }));
const fetchXml = `<fetch><entity name="account"><attribute name="name"/><order attribute="name"/>
  <filter><condition attribute="name" operator="like" value="Node%"/></filter></entity></fetch>`;
await step("fetch", () => api.fetch({ collection: "accounts", fetchXml, ...everything }));
await step("batch", async () => {
  api.startBatch();
  api.create({ collection: "contacts", data: { firstname: "Batch", lastname: "Contact" }, contentId: "1" });
  api.create({ collection: "accounts", data: { name: "Node in a batch", "primarycontactid@odata.bind": "$1" } });
  return api.executeBatch();
});
await step("batch undone", async () => {
  api.startBatch();
  api.create({ collection: "accounts", data: { name: "Node undone" } });
  api.create({ collection: "accounts", data: { nosuchcolumn: 1 } });
  return api.executeBatch();
});
await step("batch of reads", async () => {
  api.startBatch();
  api.retrieve({ collection: "accounts", key, select: ["name"] });
  api.retrieveMultiple({ collection: "accounts", select: ["name"], top: 2 });
  return api.executeBatch();
});
const tracked = await step("track changes", () =>
  api.retrieveMultiple({ collection: "accounts", select: ["name"], trackChanges: true }));
await step("changed since", async () => {
  await api.update({ collection: "accounts", key, data: { name: "Node tracked" } });
  const link = tracked["@odata.deltaLink"];
  const answer = await fetch(link, { headers: { Authorization: `Bearer ${token}` } });
  return (await answer.json()).value.map((one) => one.name ?? one.reason);
});
await step("unbind", () => api.disassociateSingleValued({ collection: "accounts", primaryKey: key, navigationProperty: "primarycontactid" }));
await step("bind", () =>
  api.associateSingleValued({ collection: "accounts", primaryKey: key, navigationProperty: "primarycontactid", relatedCollection: "contacts", relatedKey: contact }));
await step("metadata", async () => {
  const found = await api.retrieveEntities({ filter: "LogicalName eq 'account'", select: ["LogicalName", "EntitySetName"] });
  return found.value;
});
await step("unknown", () => api.retrieve({ collection: "accounts", key: "0f8fad5b-d9cb-469f-a165-70867728950e" }));
const doomed = await step("create doomed", () => api.create({ collection: "accounts", data: { name: "Node doomed" } }));
await step("delete", () => api.deleteRecord({ collection: "accounts", key: doomed }));
await step("delete again", () => api.deleteRecord({ collection: "accounts", key: doomed }));
