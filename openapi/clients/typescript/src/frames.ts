// The format text/event-stream, as the HTML standard reads it ("9.2.6 Interpreting an event stream").

/** An event as it stands in the stream, before anybody looks at what it says. */
export interface Frame {
  /** Empty when there was none. */
  id: string;
  event: string;
  data: string;
}

/** Takes a stream apart, however it was cut into pieces. What decodes it leaves out the mark at its begin. */
export class FrameReader {
  #rest = "";
  #afterReturn = false;
  #id = "";
  #event = "";
  #data: string[] = [];
  #retry: number | undefined;

  /** The wait before the next connection that the server asked for, in milliseconds. */
  get retry(): number | undefined {
    return this.#retry;
  }

  /** The frames that are whole after this piece. */
  push(piece: string): Frame[] {
    let text = piece;
    // A line feed after a carriage return belongs to it, also when the piece was cut between them.
    if (this.#afterReturn && text.startsWith("\n")) text = text.slice(1);
    if (piece !== "") this.#afterReturn = piece.endsWith("\r");
    const lines = (this.#rest + text).split(/\r\n|\r|\n/);
    this.#rest = lines.pop() ?? "";
    const frames: Frame[] = [];
    for (const line of lines) {
      const frame = this.#line(line);
      if (frame) frames.push(frame);
    }
    return frames;
  }

  #line(line: string): Frame | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#event = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^[0-9]+$/.test(value)) this.#retry = Number(value);
    return undefined;
  }

  #dispatch(): Frame | undefined {
    const frame = { id: this.#id, event: this.#event, data: this.#data.join("\n") };
    const isEmpty = this.#data.length === 0;
    this.#event = "";
    this.#data = [];
    return isEmpty ? undefined : frame;
  }
}
