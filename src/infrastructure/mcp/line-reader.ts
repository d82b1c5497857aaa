export interface LineReaderOptions {
  readonly maxBytes: number;
  readonly onLine: (line: string) => void;
  /** Nothing is read after that. */
  readonly onTooLong: () => void;
}

const NEWLINE = 0x0a;

/** Cuts what comes in into lines, and holds no more of one than it may have. */
export class LineReader {
  readonly #options: LineReaderOptions;
  #parts: Buffer[] = [];
  #bytes = 0;
  #isOver = false;

  constructor(options: LineReaderOptions) {
    this.#options = options;
  }

  add(chunk: Buffer): void {
    let start = 0;
    while (!this.#isOver && start < chunk.length) {
      const end = chunk.indexOf(NEWLINE, start);
      const part = chunk.subarray(start, end === -1 ? chunk.length : end);
      this.#bytes += part.length;
      if (this.#bytes > this.#options.maxBytes) {
        this.#isOver = true;
        this.#parts = [];
        return this.#options.onTooLong();
      }
      this.#parts.push(part);
      if (end === -1) return;
      const line = Buffer.concat(this.#parts).toString();
      this.#parts = [];
      this.#bytes = 0;
      start = end + 1;
      if (line.trim() !== "") this.#options.onLine(line);
    }
  }
}
