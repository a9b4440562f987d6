// One request, sent until there is an answer that another try would not change.

import { ProblemError } from "./errors.js";
import type { Problem } from "./types.js";
import { backOff, retryAfter, sleep } from "./waiting.js";

/** How requests are sent. */
export interface Transport {
  /** Address of the service, without a slash at the end. */
  baseUrl: string;
  /** The credential; asked for before each request, so that it can be renewed. */
  credential: () => string | Promise<string>;
  fetch: typeof fetch;
  /** Tries after the first that may fail in a row. */
  retries: number;
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
  throw new Refusal(response.status, await problemOf(response), retryAfter(response.headers));
}

/** Sends a request until it is answered: one that reads, or that has an `Idempotency-Key`. */
export async function send(
  transport: Transport,
  path: string,
  init: RequestInit,
): Promise<Response> {
  const signal = init.signal ?? undefined;
  for (let tries = 0; ; tries += 1) {
    try {
      return await sendOnce(transport, path, init);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (tries >= transport.retries || !mayPass(error)) throw error;
      await sleep(waitAfter(error) ?? backOff(tries, undefined, transport.random), signal);
    }
  }
}

/** A refusal, with the wait that it asks for. */
class Refusal extends ProblemError {
  constructor(
    status: number,
    problem: Problem | undefined,
    readonly wait: number | undefined,
  ) {
    super(status, problem);
  }
}

/** Whether another try may end otherwise: a connection that failed, a fault that passes, a request still in flight. */
export function mayPass(error: unknown): boolean {
  if (!(error instanceof ProblemError)) return true;
  return PASSING.has(error.status) || error.problem?.code === "idempotency_key_in_use";
}

/** The wait that an error asks for, in milliseconds. */
export function waitAfter(error: unknown): number | undefined {
  return error instanceof Refusal ? error.wait : undefined;
}

async function problemOf(response: Response): Promise<Problem | undefined> {
  const type = response.headers.get("content-type") ?? "";
  if (!type.startsWith("application/problem+json")) {
    await response.body?.cancel();
    return undefined;
  }
  return (await response.json()) as Problem;
}
