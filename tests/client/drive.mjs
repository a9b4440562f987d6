// Runs the TypeScript client as a program would, by a task in JSON, and tells what it saw as JSON. Every event is held
// against the schemas of the OpenAPI document.
//
//   node drive.mjs '{"client": "…/dist/index.js", "document": "…/openapi.json", "baseUrl": "…", "credential": "…", …}'

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import addFormats from "ajv-formats";
import Ajv from "ajv/dist/2019.js";

const task = JSON.parse(process.argv[2]);
const { PidimaClient } = await import(pathToFileURL(task.client).href);

/** What an event breaks of the document. Fields that the document does not know count too. */
function checker() {
  // OpenAPI 3.0 has keywords of its own, `discriminator` and `example`; what they say stands in `oneOf` too.
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats(ajv);
  ajv.addSchema(JSON.parse(readFileSync(task.document, "utf8")), "openapi");
  const check = ajv.compile({
    $ref: "openapi#/components/schemas/ChatEvent",
    unevaluatedProperties: false,
  });
  return (event) => (check(event) ? [] : check.errors.map((error) => `${error.instancePath} ${error.message}`));
}

const faultsOf = checker();
const caller = new AbortController();
const client = new PidimaClient({
  baseUrl: task.baseUrl,
  credential: () => task.credential,
  retries: task.retries ?? 200,
  silenceMs: task.silenceMs ?? 10_000,
  // Waits are short here: the test has no time for the back-off of a real program.
  random: () => task.random ?? 0.01,
});
const options = { signal: caller.signal, ...(task.idempotencyKey && { idempotencyKey: task.idempotencyKey }) };

function open() {
  if (task.runId) return client.follow(task.runId, task.after ?? 0, options);
  if (task.sessionId) return client.askInSession(task.sessionId, { content: task.question }, options);
  return client.ask({ question: task.question }, options);
}

const seen = { events: [], faults: [], runId: null, lastEventId: 0, error: null, answer: null };
const stream = open();
try {
  if (task.whole) {
    seen.answer = task.sessionId
      ? await client.answerInSession(task.sessionId, { content: task.question }, options)
      : await client.answer({ question: task.question }, options);
  } else {
    if (task.cancelFirst) await stream.cancel();
    for await (const { number, event } of stream) {
      seen.events.push({ number, event });
      seen.faults.push(...faultsOf(event).map((fault) => `${number} ${event.type}: ${fault}`));
      if (number === task.cancelAt) await stream.cancel();
      if (number === task.abortAt) caller.abort(new Error("the caller had enough"));
      if (number === task.leaveAt) break;
    }
  }
} catch (error) {
  seen.error = { name: error.name, message: error.message, status: error.status, code: error.problem?.code };
}
seen.runId = stream.runId ?? null;
seen.lastEventId = stream.lastEventId;
process.stdout.write(JSON.stringify(seen));
