// Asks questions of a Pidima service.

import { AnswerStream, type Source } from "./answer-stream.js";
import { ConnectionLostError, RunFailedError } from "./errors.js";
import type { Transport } from "./transport.js";
import type { Answer, AnswerCreate, MessageCreate } from "./types.js";
import { LONGEST_TIMER } from "./waiting.js";

/** How to reach the service. */
export interface ClientOptions {
  /** Address of the service, e.g. `https://docs.example.com`. */
  baseUrl: string;
  /** API key or token, or what gives one: asked before each request, so that a token can be renewed. */
  credential: string | (() => string | Promise<string>);
  /** Tries after the first that may fail in a row; 8 when absent. */
  retries?: number;
  /** Silence after which a connection counts as dead; 45 s when absent, three heartbeats of the service. */
  silenceMs?: number;
  /** Longest `Retry-After` that is waited for; 120 s when absent. A refusal that asks for more is thrown at once. */
  longestWaitMs?: number;
  /** In the place of the global `fetch`. */
  fetch?: typeof fetch;
  /** In the place of `Math.random`, for waits. */
  random?: () => number;
}

/** Options of one question. */
export interface AskOptions {
  /** Stops reading; the run goes on. */
  signal?: AbortSignal;
  /** Key under which the question is asked once; a random one when absent. Keep it to ask again after a restart. */
  idempotencyKey?: string;
}

export class PidimaClient {
  readonly #transport: Transport;

  constructor(options: ClientOptions) {
    const { credential } = options;
    this.#transport = {
      baseUrl: options.baseUrl.replace(/\/+$/, ""),
      credential: typeof credential === "string" ? () => credential : credential,
      // Browsers want `fetch` to be called on the global object.
      fetch: options.fetch ?? ((input, init) => fetch(input, init)),
      retries: options.retries ?? 8,
      silence: options.silenceMs ?? 45_000,
      longestWait: Math.min(options.longestWaitMs ?? 120_000, LONGEST_TIMER),
      random: options.random ?? Math.random,
    };
  }

  /** Asks a single question; the events of its answer as they come. */
  ask(question: AnswerCreate, options: AskOptions = {}): AnswerStream {
    return this.#stream("/v1/answers", question, options);
  }

  /** Asks within a conversation; the events of the answer as they come. */
  askInSession(sessionId: string, question: MessageCreate, options: AskOptions = {}): AnswerStream {
    return this.#stream(messagesPath(sessionId), question, options);
  }

  /** Follows a run that is there already, after the event of a number; from the first one when absent. */
  follow(runId: string, after = 0, options: Pick<AskOptions, "signal"> = {}): AnswerStream {
    return this.#open({ runId, after }, options.signal);
  }

  /** Asks a single question; the whole answer. */
  answer(question: AnswerCreate, options: AskOptions = {}): Promise<Answer> {
    return wholeOf(this.#stream("/v1/answers", question, options));
  }

  /** Asks within a conversation; the whole answer. */
  answerInSession(
    sessionId: string,
    question: MessageCreate,
    options: AskOptions = {},
  ): Promise<Answer> {
    return wholeOf(this.#stream(messagesPath(sessionId), question, options));
  }

  #stream(path: string, question: AnswerCreate | MessageCreate, options: AskOptions): AnswerStream {
    const key = options.idempotencyKey ?? crypto.randomUUID();
    const asked = { path, body: JSON.stringify(question), key };
    return this.#open({ question: asked, after: 0 }, options.signal);
  }

  #open(source: Source, signal: AbortSignal | undefined): AnswerStream {
    return new AnswerStream(this.#transport, source, signal);
  }
}

/**
 * The answer at the end of a stream. It is not asked for as JSON: there nothing comes while it is made, so that a dead
 * connection and a slow model look the same, and so do a run that failed and a service that fails.
 */
async function wholeOf(stream: AnswerStream): Promise<Answer> {
  for await (const { event } of stream) {
    if (event.type === "done") return event.answer;
    if (event.type === "error") throw new RunFailedError(stream.runId, event);
  }
  const cause = new Error("the stream ended before its last event");
  throw new ConnectionLostError(stream.runId, stream.lastEventId, cause);
}

function messagesPath(sessionId: string): string {
  return `/v1/sessions/${encodeURIComponent(sessionId)}/messages`;
}
