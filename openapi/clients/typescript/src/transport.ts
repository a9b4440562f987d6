// One request, sent until there is an answer that another try would not change.

import { ProblemError } from "./errors.js";
import type { Problem } from "./types.js";
import { backOff, retryAfter, sleep, unlessSilent } from "./waiting.js";

/** How requests are sent. */
export interface Transport {
  /** Address of the service, without a slash at the end. */
  baseUrl: string;
  /** The credential; asked for before each request, so that it can be renewed. */
  credential: () => string | Promise<string>;
  fetch: typeof fetch;
  /** Tries after the first that may fail in a row. */
  retries: number;
  /** Silence after which a connection counts as dead, in milliseconds. */
  silence: number;
  /** Longest wait that a refusal may ask for, in milliseconds; one that asks for more is final. */
  longestWait: number;
  /** From 0 to 1; the tests set it. */
  random: () => number;
}

/** Statuses that another try may change: of the service, and of what stands in front of it. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Sends a request once. A refusal is an error. */
export async function sendOnce(
  transport: Transport,
  path: string,
  init: RequestInit,
): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${await transport.credential()}`);
  const response = await transport.fetch(`${transport.baseUrl}${path}`, { ...init, headers });
  if (response.ok) return response;
  throw new ProblemError(response.status, await problemOf(response), retryAfter(response.headers));
}

/** Sends a request that may be repeated until it is answered; its answer says no more than that it is. */
export async function send(
  transport: Transport,
  path: string,
  init: RequestInit,
): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const connection = new AbortController();
    const sent = sendOnce(transport, path, { ...init, signal: connection.signal });
    try {
      const response = await unlessSilent(transport.silence, connection, sent);
      await response.body?.cancel();
      return;
    } catch (error) {
      if (tries >= transport.retries || !mayPass(error, transport.longestWait)) throw error;
      const wait = waitAfter(error) ?? backOff(tries, undefined, transport.random);
      await sleep(wait, undefined);
    }
  }
}

/**
 * Whether another try may end otherwise: a connection that failed, a fault that passes, a request still in flight. A wait
 * longer than a caller may have patience for is never cut short: they are told of it.
 */
export function mayPass(error: unknown, longestWait: number): boolean {
  if (!(error instanceof ProblemError)) return true;
  if ((error.retryAfterMs ?? 0) > longestWait) return false;
  const code = error.problem?.code;
  // A quota is used up for its period: a day, or a month.
  if (code === "quota_exceeded") return false;
  return PASSING.has(error.status) || code === "idempotency_key_in_use";
}

/** The wait that an error asks for, in milliseconds. */
export function waitAfter(error: unknown): number | undefined {
  return error instanceof ProblemError ? error.retryAfterMs : undefined;
}

async function problemOf(response: Response): Promise<Problem | undefined> {
  const type = response.headers.get("content-type") ?? "";
  if (!type.startsWith("application/problem+json")) {
    await response.body?.cancel();
    return undefined;
  }
  return (await response.json()) as Problem;
}
