import { StringDecoder } from "node:string_decoder";

export interface EventLimits {
  readonly maxEventChars: number;
  readonly maxStreamBytes: number;
}

/** A stream, or one event of it, is longer than allowed. */
export class TooLong extends Error {
  override readonly name = "TooLong";
}

/**
 * Takes a stream apart into the data of its events: `text/event-stream`, or a JSON text in each
 * line. Pieces may end anywhere, in the middle of a character too.
 */
export class EventReader {
  readonly #format: "sse" | "lines";
  readonly #limits: EventLimits;
  readonly #decoder = new StringDecoder("utf8");
  /** The line that is not complete yet; joined once, or a long one would be copied each time. */
  #pieces: string[] = [];
  #pieceChars = 0;
  #data: string | undefined;
  #bytes = 0;

  constructor(format: "sse" | "lines", limits: EventLimits) {
    this.#format = format;
    this.#limits = limits;
  }

  /** The events that `bytes` complete. Throws `TooLong`. */
  push(bytes: Buffer): string[] {
    this.#bytes += bytes.length;
    if (this.#bytes > this.#limits.maxStreamBytes) throw new TooLong();
    const text = this.#decoder.write(bytes);
    const events: string[] = [];
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      this.#takeLine(this.#joined(text.slice(start, end)), events);
      start = end + 1;
    }
    if (start < text.length) this.#keep(text.slice(start));
    return events;
  }

  /** What is left when the stream is over, for services that forget the last line's end. */
  end(): string[] {
    const events: string[] = [];
    this.#takeLine(this.#joined(this.#decoder.end()), events);
    if (this.#format === "sse") this.#takeLine("", events);
    return events;
  }

  #keep(piece: string): void {
    this.#pieces.push(piece);
    this.#pieceChars += piece.length;
    if (this.#pieceChars > this.#limits.maxEventChars) throw new TooLong();
  }

  #joined(end: string): string {
    if (this.#pieces.length === 0) return end;
    const line = this.#pieces.join("") + end;
    this.#pieces = [];
    this.#pieceChars = 0;
    return line;
  }

  #takeLine(raw: string, events: string[]): void {
    const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    if (line.length > this.#limits.maxEventChars) throw new TooLong();
    if (this.#format === "lines") {
      if (line.trim() !== "") events.push(line);
    } else if (line === "") {
      if (this.#data !== undefined) events.push(this.#data);
      this.#data = undefined;
    } else if (line.startsWith("data:")) {
      const data = line.slice(line.charAt(5) === " " ? 6 : 5);
      this.#data = this.#data === undefined ? data : `${this.#data}\n${data}`;
      if (this.#data.length > this.#limits.maxEventChars) throw new TooLong();
    }
  }
}
