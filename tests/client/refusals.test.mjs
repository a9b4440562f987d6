// What is tried again and what is final: `node --test`, with the built client in PIDIMA_CLIENT.

import assert from "node:assert/strict";
import test from "node:test";
import { begin, DELTA, DONE, frame, load, read, refuse, RUN, serve, STARTED, thrown } from "./server.mjs";

const { ConnectionLostError, ProblemError, RunFailedError } = await load("errors.js");
const { mayPass } = await load("transport.js");

const ASK = "POST /v1/answers";
const QUESTION = { question: "How long does a key live?" };
const WAYS = {
  ask: (client) => read(client.ask(QUESTION)),
  answer: (client) => client.answer(QUESTION),
};
const limited = { timeout: 10_000 };

for (const [way, ask] of Object.entries(WAYS)) {
  test(`${way}: a quota that is used up is told at once`, limited, async (t) => {
    const answer = (response) => refuse(response, 429, { code: "quota_exceeded" }, { "retry-after": "2" });
    const { client, lines } = await serve(t, { [ASK]: [answer] });
    const error = await thrown(ask(client));
    assert.ok(error instanceof ProblemError, error);
    assert.equal(error.problem.code, "quota_exceeded");
    assert.equal(error.retryAfterMs, 2_000);
    assert.deepEqual(lines(), [ASK]);
  });

  test(`${way}: a wait above the bound is told at once, and not cut short`, limited, async (t) => {
    for (const [seconds, options] of [
      ["121", {}],
      ["2", { longestWaitMs: 1_999 }],
      ["1000000", {}],
      // Timers take no more than 2^31 ms: above, they fire at once.
      ["2147484", { longestWaitMs: Infinity }],
    ]) {
      const answer = (response) => refuse(response, 429, { code: "rate_limited" }, { "retry-after": seconds });
      const { client, lines } = await serve(t, { [ASK]: [answer] }, options);
      const error = await thrown(ask(client));
      assert.ok(error instanceof ProblemError, error);
      assert.equal(error.retryAfterMs, Number(seconds) * 1_000);
      assert.deepEqual(lines(), [ASK], seconds);
    }
  });

  test(`${way}: a fault that passes is tried again`, limited, async (t) => {
    const busy = (response) => refuse(response, 503, { code: "unavailable" }, { "retry-after": "0" });
    const good = (response) => begin(response, STARTED, DELTA, DONE);
    const { client, lines } = await serve(t, { [ASK]: [busy, busy, good] });
    await ask(client);
    assert.deepEqual(lines(), [ASK, ASK, ASK]);
  });

  test(`${way}: a service that is not there is a lost connection`, limited, async (t) => {
    let tries = 0;
    const fetch = () => {
      tries += 1;
      return Promise.reject(new TypeError("fetch failed"));
    };
    const { client } = await serve(t, {}, { fetch, retries: 2 });
    const error = await thrown(ask(client));
    assert.ok(error instanceof ConnectionLostError, error);
    assert.match(error.cause.message, /fetch failed/);
    assert.equal(tries, 3);
  });
}

test("a wait is kept up to the bound", () => {
  const told = (wait, code = "rate_limited") => mayPass(new ProblemError(429, { code }, wait), 120_000);
  for (const wait of [undefined, 0, 119_999, 120_000]) assert.equal(told(wait), true, String(wait));
  assert.equal(told(120_001), false);
  assert.equal(told(1_000, "quota_exceeded"), false);
  assert.equal(mayPass(new ProblemError(409, { code: "idempotency_key_in_use" }, 1_000), 120_000), true);
  assert.equal(mayPass(new ProblemError(409, { code: "conflict" }), 120_000), false);
});

test("a run that failed is told at once: under its key it stays as it is", limited, async (t) => {
  const failed = frame(2, { type: "error", code: "unavailable", detail: "the model is away", retryable: true });
  // As JSON it looks like a service that fails for a while.
  const answer = (response) => {
    if (asked.at(-1).headers.accept === "text/event-stream") begin(response, STARTED, failed);
    else refuse(response, 503, { code: "unavailable" });
  };
  const { client, asked } = await serve(t, { [ASK]: [answer] });
  const error = await thrown(client.answer(QUESTION));
  assert.ok(error instanceof RunFailedError, error);
  const { runId, code, message, retryable } = error;
  assert.deepEqual(
    { runId, code, message, retryable },
    { runId: RUN, code: "unavailable", message: "the model is away", retryable: true },
  );
  assert.equal(asked.length, 1);
});
