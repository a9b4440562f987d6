// Programs that must compile, and mistakes that must not: the types of the events tell them apart.

import type { ChatEvent, ChatEventOf, NumberedEvent } from "../dist/index.js";
import { PidimaClient } from "../dist/index.js";

/** Every type of event is named: a new one fails here until it is. */
function textOf(event: ChatEvent): string {
  switch (event.type) {
    case "started":
      return event.run_id;
    case "delta":
      return event.text;
    case "citation":
      return event.citation.quote;
    case "reset":
      return event.reason;
    case "provider_switched":
      return event.model;
    case "done":
      return event.answer.content;
    case "error":
      return `${event.code}: ${event.detail}`;
    default: {
      const never: never = event;
      return never;
    }
  }
}

export async function read(client: PidimaClient): Promise<string> {
  let text = "";
  for await (const { number, event } of client.ask({ question: "How?" })) {
    const counted: number = number;
    text += counted > 0 ? textOf(event) : "";
    // @ts-expect-error the text stands in deltas only
    text += event.text;
  }
  return text;
}

export const wrong: ChatEventOf<"delta"> = {
  type: "delta",
  // @ts-expect-error a text is no number
  text: 7,
};

// @ts-expect-error there is no such type of event
export const unknown: NumberedEvent = { number: 1, event: { type: "finished" } };

// @ts-expect-error a question is called question here
new PidimaClient({ baseUrl: "", credential: "" }).ask({ content: "How?" });
