import { isSecretInLogs, MASK, SecretMasker, type StreamMask } from "./secret-masker.ts";

const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/gu;

/** Masks secrets in lines of JSON text, which stay JSON. Values under four characters are left. */
export class LineRedactor {
  readonly #masker: SecretMasker;

  constructor(secrets: readonly (string | undefined)[]) {
    this.#masker = new SecretMasker(isSecretInLogs, secrets);
  }

  /** Takes in values that came to be known later. */
  add(secrets: readonly string[]): void {
    this.#masker.add(secrets);
  }

  /** For text that comes in pieces, before a line is made of each. */
  createStream(): StreamMask {
    return this.#masker.createStream();
  }

  redact(line: string): string {
    if (this.#masker.mask(line) === line) return line;
    return line.replaceAll(STRING_OR_NUMBER, (token) => {
      const masked = this.#masker.mask(token);
      const isJson = masked === token || token.startsWith('"');
      return isJson ? masked : JSON.stringify(MASK);
    });
  }
}
