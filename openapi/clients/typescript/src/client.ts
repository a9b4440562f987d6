// Asks questions of a Pidima service.

import { AnswerStream, type Source } from "./answer-stream.js";
import { send, type Transport } from "./transport.js";
import type { Answer, AnswerCreate, MessageCreate } from "./types.js";

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
  readonly #silence: number;

  constructor(options: ClientOptions) {
    const { credential } = options;
    this.#transport = {
      baseUrl: options.baseUrl.replace(/\/+$/, ""),
      credential: typeof credential === "string" ? () => credential : credential,
      // Browsers want `fetch` to be called on the global object.
      fetch: options.fetch ?? ((input, init) => fetch(input, init)),
      retries: options.retries ?? 8,
      random: options.random ?? Math.random,
    };
    this.#silence = options.silenceMs ?? 45_000;
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
    return this.#whole("/v1/answers", question, options);
  }

  /** Asks within a conversation; the whole answer. */
  answerInSession(
    sessionId: string,
    question: MessageCreate,
    options: AskOptions = {},
  ): Promise<Answer> {
    return this.#whole(messagesPath(sessionId), question, options);
  }

  #stream(path: string, question: AnswerCreate | MessageCreate, options: AskOptions): AnswerStream {
    const key = options.idempotencyKey ?? crypto.randomUUID();
    const asked = { path, body: JSON.stringify(question), key };
    return this.#open({ question: asked, after: 0 }, options.signal);
  }

  #open(source: Source, signal: AbortSignal | undefined): AnswerStream {
    return new AnswerStream(this.#transport, source, this.#silence, signal);
  }

  async #whole(
    path: string,
    question: AnswerCreate | MessageCreate,
    options: AskOptions,
  ): Promise<Answer> {
    const response = await send(this.#transport, path, {
      method: "POST",
      headers: {
        accept: "application/json",
        "content-type": "application/json",
        "idempotency-key": options.idempotencyKey ?? crypto.randomUUID(),
      },
      body: JSON.stringify(question),
      signal: options.signal ?? null,
    });
    return (await response.json()) as Answer;
  }
}

function messagesPath(sessionId: string): string {
  return `/v1/sessions/${encodeURIComponent(sessionId)}/messages`;
}
