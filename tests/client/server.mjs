// A small server that answers as a test says, and the client in front of it.

import http from "node:http";
import { pathToFileURL } from "node:url";

/** A module of the built client, which is in PIDIMA_CLIENT. */
export const load = (file) => import(pathToFileURL(`${process.env.PIDIMA_CLIENT}/${file}`).href);

const { PidimaClient } = await load("index.js");

export const RUN = "01a2050f-6934-7029-83e9-b7bd09509e39";
export const CANCEL = `POST /v1/runs/${RUN}/cancel`;
export const EVENTS = `GET /v1/runs/${RUN}/events`;

const ANSWER = { content: "90 days.", outcome: "answered", run_id: RUN };

/** Events as they are written. */
export const STARTED = frame(1, { type: "started", run_id: RUN });
export const DELTA = frame(2, { type: "delta", text: "90 days." });
export const DONE = frame(3, { type: "done", answer: ANSWER });

export function frame(id, event) {
  return `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** Begins a stream. */
export function begin(response, ...frames) {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(frames.join(""));
}

/** Answers with a problem. */
export function refuse(response, status, problem, headers = {}) {
  response.writeHead(status, { "content-type": "application/problem+json", ...headers });
  response.end(JSON.stringify({ status, detail: "no", ...problem }));
}

/**
 * A client of a server on which each request meets the next of the answers for its line, e.g. `POST /v1/answers`; the last
 * one stays. `asked` lists the requests as they came.
 */
export async function serve(t, answers, options = {}) {
  const asked = [];
  const server = http.createServer((request, response) => {
    const line = `${request.method} ${request.url}`;
    asked.push({ line, headers: request.headers });
    const left = answers[line];
    const answer = left.length > 1 ? left.shift() : left[0];
    request.resume().on("end", () => answer(response));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const baseUrl = `http://127.0.0.1:${server.address().port}`;
  const client = new PidimaClient({ baseUrl, credential: "pdp_test", random: () => 0, ...options });
  return { client, asked, lines: () => asked.map(({ line }) => line) };
}

/** What is thrown. */
export async function thrown(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** The types of the events of a stream, into a list: it tells what came also when the stream ends with an error. */
export async function read(stream, types = []) {
  for await (const { event } of stream) types.push(event.type);
  return types;
}
