// The events of a run, each once and in order, over as many connections as it takes.

import { ConnectionLostError } from "./errors.js";
import { FrameReader } from "./frames.js";
import { mayPass, send, sendOnce, waitAfter, type Transport } from "./transport.js";
import { isLast, type ChatEvent } from "./types.js";
import { backOff, sleep, unlessSilent } from "./waiting.js";

/** An event with its number: they count from 1 without gaps. */
export interface NumberedEvent {
  number: number;
  event: ChatEvent;
}

/** Where the events come from. */
export interface Source {
  /** The question; absent when a run is followed that is there already. */
  question?: { path: string; body: string; key: string };
  /** The run, once it is known. */
  runId?: string;
  /** Number of the last event that was read. */
  after: number;
}

/** The question is asked when the stream is first read. Read it once, with `for await`. */
export class AnswerStream implements AsyncIterable<NumberedEvent> {
  readonly #transport: Transport;
  readonly #source: Source;
  readonly #signal: AbortSignal | undefined;
  /** Ends the reading: the caller gives up, or what they asked for beside it failed. */
  readonly #end = new AbortController();
  #retry: number | undefined;
  #isRead = false;
  #wantsCancel = false;

  constructor(
    transport: Transport,
    source: Source,
    signal: AbortSignal | undefined,
  ) {
    this.#transport = transport;
    this.#source = source;
    this.#signal = signal;
  }

  /** The run that answers; known after the event `started`. */
  get runId(): string | undefined {
    return this.#source.runId;
  }

  /** Number of the last event that was read. */
  get lastEventId(): number {
    return this.#source.after;
  }

  /**
   * Stops the run itself, for every reader; its last event still comes. To stop only reading, abort the signal or leave
   * the loop: the run goes on and is stored. Before the run is known this is only noted: it is stopped beside the reading
   * then, and when that fails, the reading ends with the error.
   */
  async cancel(): Promise<void> {
    this.#wantsCancel = true;
    if (this.#source.runId !== undefined) await this.#cancelRun(this.#source.runId);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<NumberedEvent, void, undefined> {
    if (this.#isRead) throw new TypeError("a stream is read once; follow the run to read it again");
    this.#isRead = true;
    const leave = (): void => this.#end.abort(this.#signal?.reason);
    if (this.#signal?.aborted) leave();
    this.#signal?.addEventListener("abort", leave, { once: true });
    try {
      yield* this.#read(this.#end.signal);
    } finally {
      this.#signal?.removeEventListener("abort", leave);
    }
  }

  async *#read(end: AbortSignal): AsyncGenerator<NumberedEvent, void, undefined> {
    let tries = 0;
    for (;;) {
      let failure: unknown;
      end.throwIfAborted();
      const connection = new AbortController();
      const stop = (): void => connection.abort(end.reason);
      end.addEventListener("abort", stop, { once: true });
      try {
        const response = await this.#connect(connection);
        // What was read was the last event already.
        if (response.status === 204) return;
        for await (const numbered of this.#events(response, connection)) {
          tries = 0;
          yield numbered;
          if (isLast(numbered.event)) return;
        }
        failure = new Error("the stream ended before its last event");
      } catch (error) {
        end.throwIfAborted();
        if (!mayPass(error, this.#transport.longestWait)) throw error;
        failure = error;
      } finally {
        end.removeEventListener("abort", stop);
        connection.abort();
      }
      if (tries >= this.#transport.retries) throw this.#lost(failure);
      const wait = waitAfter(failure) ?? backOff(tries, this.#retry, this.#transport.random);
      tries += 1;
      await sleep(wait, end);
    }
  }

  /** Goes on with the run that is known; else asks, again under the same key, so that the question is asked once. */
  #connect(connection: AbortController): Promise<Response> {
    const { question, runId, after } = this.#source;
    const headers = new Headers({ accept: "text/event-stream" });
    const init = { headers, signal: connection.signal };
    const guard = (sent: Promise<Response>): Promise<Response> =>
      unlessSilent(this.#transport.silence, connection, sent);
    if (runId !== undefined) {
      if (after > 0) headers.set("last-event-id", String(after));
      return guard(sendOnce(this.#transport, `/v1/runs/${runId}/events`, init));
    }
    if (question === undefined) throw new TypeError("neither a question nor a run");
    headers.set("content-type", "application/json");
    headers.set("idempotency-key", question.key);
    const post = { ...init, method: "POST", body: question.body };
    return guard(sendOnce(this.#transport, question.path, post));
  }

  async *#events(
    response: Response,
    connection: AbortController,
  ): AsyncGenerator<NumberedEvent, void, undefined> {
    if (!response.body) throw new Error("an answer without a body");
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    const frames = new FrameReader();
    for (;;) {
      const { done, value } = await unlessSilent(this.#transport.silence, connection, reader.read());
      if (done) return;
      for (const frame of frames.push(decoder.decode(value, { stream: true }))) {
        const number = Number(frame.id);
        // A repeated question is answered from the first event on: what was read is passed over.
        if (number <= this.#source.after) continue;
        // Several may have come at once: who has left is told no more of them.
        this.#end.signal.throwIfAborted();
        if (number !== this.#source.after + 1) throw new Error(`event ${number} came too early`);
        const event = JSON.parse(frame.data) as ChatEvent;
        this.#source.after = number;
        if (event.type === "started") this.#started(event.run_id);
        yield { number, event };
      }
      this.#retry = frames.retry ?? this.#retry;
    }
  }

  /** Nobody waits for the service to stop the run: the events go on coming meanwhile. */
  #started(runId: string): void {
    this.#source.runId = runId;
    if (!this.#wantsCancel) return;
    this.#cancelRun(runId).catch((error: unknown) => this.#end.abort(error));
  }

  async #cancelRun(runId: string): Promise<void> {
    try {
      // Doing it twice changes nothing, so that it needs no key.
      await send(this.#transport, `/v1/runs/${runId}/cancel`, { method: "POST" });
    } catch (error) {
      throw mayPass(error, this.#transport.longestWait) ? this.#lost(error) : error;
    }
  }

  #lost(cause: unknown): ConnectionLostError {
    return new ConnectionLostError(this.#source.runId, this.#source.after, cause);
  }
}
