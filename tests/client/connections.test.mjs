// Connections that are cut or silent, and a run that is stopped: `node --test`, with the built client in PIDIMA_CLIENT.

import assert from "node:assert/strict";
import test from "node:test";
import { begin, CANCEL, DELTA, DONE, EVENTS, load, read, refuse, RUN, serve, STARTED, thrown } from "./server.mjs";

const { ConnectionLostError, ProblemError } = await load("errors.js");

const ASK = "POST /v1/answers";
const QUESTION = { question: "How long does a key live?" };
const limited = { timeout: 10_000 };

const cutAfter = (...frames) => (response) => {
  begin(response, ...frames);
  response.write("", () => response.destroy());
};
const silentAfter = (...frames) => (response) => begin(response, ...frames);
const send = (...frames) => (response) => {
  begin(response, ...frames);
  response.end();
};

test("a whole answer whose body is cut is read on", limited, async (t) => {
  const { client, asked, lines } = await serve(t, { [ASK]: [cutAfter(STARTED)], [EVENTS]: [send(DELTA, DONE)] });
  const answer = await client.answer(QUESTION);
  assert.equal(answer.content, "90 days.");
  assert.deepEqual(lines(), [ASK, EVENTS]);
  assert.equal(asked[1].headers["last-event-id"], "1");
});

test("a whole answer on which nothing comes any more is read over another connection", limited, async (t) => {
  const answers = { [ASK]: [() => {}, silentAfter(STARTED)], [EVENTS]: [silentAfter(), send(DELTA, DONE)] };
  const { client, lines } = await serve(t, answers, { silenceMs: 100 });
  assert.equal((await client.answer(QUESTION)).content, "90 days.");
  assert.deepEqual(lines(), [ASK, ASK, EVENTS, EVENTS]);
});

test("a whole answer that is lost for good tells where it is", limited, async (t) => {
  const answers = { [ASK]: [cutAfter(STARTED, DELTA)], [EVENTS]: [cutAfter()] };
  const { client, lines } = await serve(t, answers, { retries: 2 });
  const error = await thrown(client.answer(QUESTION));
  assert.ok(error instanceof ConnectionLostError, error);
  assert.deepEqual([error.runId, error.lastEventId], [RUN, 2]);
  assert.deepEqual(lines(), [ASK, EVENTS, EVENTS]);
});

test("who gives up a whole answer gets their own reason", limited, async (t) => {
  const caller = new AbortController();
  const giveUp = (response) => {
    begin(response, STARTED);
    caller.abort(new Error("enough"));
  };
  const { client, lines } = await serve(t, { [ASK]: [giveUp] });
  await assert.rejects(client.answer(QUESTION, { signal: caller.signal }), /enough/);
  assert.deepEqual(lines(), [ASK]);
});

test("events come while the service is slow to stop the run", limited, async (t) => {
  let stopped;
  const answers = { [ASK]: [send(STARTED, DELTA, DONE)], [CANCEL]: [(response) => (stopped = response)] };
  const { client } = await serve(t, answers);
  const stream = client.ask(QUESTION);
  await stream.cancel();
  assert.deepEqual(await read(stream), ["started", "delta", "done"]);
  stopped?.end("{}");
});

test("who may not stop a run is told so after what came, and can read on", limited, async (t) => {
  const answers = {
    [ASK]: [silentAfter(STARTED)],
    [CANCEL]: [(response) => refuse(response, 403, { code: "forbidden" })],
    [EVENTS]: [send(DELTA, DONE)],
  };
  const { client, asked, lines } = await serve(t, answers);
  const stream = client.ask(QUESTION);
  await stream.cancel();
  const types = [];
  const error = await thrown(read(stream, types));
  assert.ok(error instanceof ProblemError, error);
  assert.equal(error.status, 403);
  assert.deepEqual(types, ["started"]);
  assert.deepEqual(await read(client.follow(stream.runId, stream.lastEventId)), ["delta", "done"]);
  assert.deepEqual(lines(), [ASK, CANCEL, EVENTS]);
  assert.equal(asked[2].headers["last-event-id"], "1");
});

test("a run that could not be stopped is a lost connection", limited, async (t) => {
  const answers = { [CANCEL]: [(response) => response.destroy(), () => {}] };
  const { client, lines } = await serve(t, answers, { retries: 2, silenceMs: 100 });
  const error = await thrown(client.follow(RUN, 7).cancel());
  assert.ok(error instanceof ConnectionLostError, error);
  assert.deepEqual([error.runId, error.lastEventId], [RUN, 7]);
  assert.deepEqual(lines(), [CANCEL, CANCEL, CANCEL]);
});

test("the mark at the begin of a stream is left out once, also when it comes in pieces", limited, async (t) => {
  const inPieces = (response) => {
    begin(response);
    response.write(Buffer.from([0xef]));
    setImmediate(() => response.end(Buffer.concat([Buffer.from([0xbb, 0xbf]), Buffer.from(STARTED + DELTA + DONE)])));
  };
  // A second one belongs to the name of the first field, which nobody knows then.
  const twice = send(`\uFEFF\uFEFFdata: x\n${STARTED}`, DELTA, DONE);
  const { client, lines } = await serve(t, { [ASK]: [inPieces, twice] });
  for (let time = 0; time < 2; time += 1) {
    assert.deepEqual(await read(client.ask(QUESTION)), ["started", "delta", "done"]);
  }
  assert.deepEqual(lines(), [ASK, ASK]);
});
