// What a program imports.

export { AnswerStream, type NumberedEvent } from "./answer-stream.js";
export { PidimaClient, type AskOptions, type ClientOptions } from "./client.js";
export { ConnectionLostError, ProblemError, RunFailedError } from "./errors.js";
export type { components, operations, paths } from "./schema.js";
export type {
  Answer,
  AnswerCreate,
  ChatEvent,
  ChatEventOf,
  Citation,
  LastEvent,
  MessageCreate,
  Problem,
} from "./types.js";
