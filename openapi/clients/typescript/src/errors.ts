// What can go wrong, beside an `AbortSignal` of the caller's own, whose reason is thrown as it is.

import type { ChatEventOf, Problem } from "./types.js";

/** The service refused the request; `problem.code` says why. */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    /** Absent when something in front of the service answered. */
    readonly problem: Problem | undefined,
    /** The wait that `Retry-After` asks for, in milliseconds. */
    readonly retryAfterMs?: number,
  ) {
    super(problem?.detail ?? `the service answered ${status}`);
    this.name = "ProblemError";
  }
}

/** The run ended without an answer, and ends so for good: ask again under another key, where `retryable` says so. */
export class RunFailedError extends Error {
  readonly code: ChatEventOf<"error">["code"];
  /** Whether the same question may be answered when it is asked again. */
  readonly retryable: boolean;

  constructor(
    readonly runId: string | undefined,
    event: ChatEventOf<"error">,
  ) {
    super(event.detail);
    this.name = "RunFailedError";
    this.code = event.code;
    this.retryable = event.retryable;
  }
}

/** The service could not be reached again. The run goes on there: `lastEventId` tells where to go on reading. */
export class ConnectionLostError extends Error {
  constructor(
    readonly runId: string | undefined,
    readonly lastEventId: number,
    override readonly cause: unknown,
  ) {
    super("the connection was lost and could not be made again");
    this.name = "ConnectionLostError";
  }
}
