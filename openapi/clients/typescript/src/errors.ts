// What can go wrong, beside an `AbortSignal` of the caller's own, whose reason is thrown as it is.

import type { Problem } from "./types.js";

/** The service refused the request; `problem.code` says why. */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    /** Absent when something in front of the service answered. */
    readonly problem: Problem | undefined,
  ) {
    super(problem?.detail ?? `the service answered ${status}`);
    this.name = "ProblemError";
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
