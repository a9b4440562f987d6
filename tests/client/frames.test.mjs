// The reader of text/event-stream: `node --test`, with the built client in PIDIMA_CLIENT.

import assert from "node:assert/strict";
import test from "node:test";
import { load } from "./server.mjs";

const { FrameReader } = await load("frames.js");
const { backOff, retryAfter, sleep } = await load("waiting.js");

const read = (pieces) => {
  const reader = new FrameReader();
  return pieces.flatMap((piece) => reader.push(piece));
};

const STREAM =
  ": a comment\nretry: 250\nid: 1\nevent: started\ndata: {\"a\":\ndata:  1}\n\n" +
  ":\n\n" +
  "id: 2\r\nevent: delta\r\ndata: x\u2028y\r\n\r\n" +
  "id: 3\rdata\r\r" +
  "event: without data\n\n" +
  "data: keeps the id\n\n" +
  "data: not whole";

const FRAMES = [
  { id: "1", event: "started", data: '{"a":\n 1}' },
  { id: "2", event: "delta", data: "x\u2028y" },
  { id: "3", event: "", data: "" },
  { id: "3", event: "", data: "keeps the id" },
];

test("a stream is read as the standard says", () => {
  assert.deepEqual(read([STREAM]), FRAMES);
});

test("wherever a stream is cut, the frames are the same", () => {
  for (let one = 0; one <= STREAM.length; one += 1) {
    for (let two = one; two <= STREAM.length; two += 1) {
      const pieces = [STREAM.slice(0, one), STREAM.slice(one, two), STREAM.slice(two)];
      assert.deepEqual(read(pieces), FRAMES, JSON.stringify(pieces));
    }
  }
  assert.deepEqual(read([...STREAM]), FRAMES);
});

test("the wait that the server asks for is kept", () => {
  const reader = new FrameReader();
  assert.equal(reader.retry, undefined);
  reader.push("retry: 250\nretry: soon\nretry: -1\n");
  assert.equal(reader.retry, 250);
});

test("waits double up to a bound, and are random below it", () => {
  const most = [0, 1, 2, 3, 4, 5, 6, 20].map((tries) => backOff(tries, undefined, () => 1));
  assert.deepEqual(most, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  assert.equal(backOff(3, undefined, () => 0), 0);
  assert.equal(backOff(1, 3_000, () => 1), 6_000);
  assert.equal(backOff(5, 20_000, () => 1), 20_000);
});

test("Retry-After is taken in seconds, and nothing else", () => {
  const told = (value) => retryAfter(new Headers(value === null ? {} : { "retry-after": value }));
  assert.equal(told("2"), 2_000);
  assert.equal(told("1234567"), 1_234_567_000);
  for (const other of [null, "", "-1", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT"]) {
    assert.equal(told(other), undefined, String(other));
  }
});

test("a wait ends at once when the caller gives up", async () => {
  const caller = new AbortController();
  const waiting = sleep(60_000, caller.signal);
  caller.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  await assert.rejects(sleep(60_000, caller.signal), /enough/);
});
