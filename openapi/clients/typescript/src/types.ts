// The types that callers meet, under short names. All of them come from the OpenAPI document.

import type { components } from "./schema.js";

type Schemas = components["schemas"];

export type Answer = Schemas["Answer"];
export type AnswerCreate = Schemas["AnswerCreate"];
export type Citation = Schemas["Citation"];
export type MessageCreate = Schemas["MessageCreate"];
export type Problem = Schemas["Problem"];

/** A step of a run, told apart by `type`. */
export type ChatEvent = Schemas["ChatEvent"];

/** The step of one type, e.g. `ChatEventOf<"delta">`. */
export type ChatEventOf<Type extends ChatEvent["type"]> = Extract<ChatEvent, { type: Type }>;

/** The two steps with which a run ends. */
export type LastEvent = ChatEventOf<"done" | "error">;

/** Whether nothing comes after an event. */
export function isLast(event: ChatEvent): event is LastEvent {
  return event.type === "done" || event.type === "error";
}
