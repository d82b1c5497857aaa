import type { JsonValue } from "#domain/shared/json.ts";
import { formsOf } from "./secret-forms.ts";

export const MASK = "[redacted]";

/** The same text without secrets. What is cut is masked before: a part of a secret is not found. */
export type MaskText = (text: string) => string;

/** Masks text that comes in pieces, whatever a secret is split into. */
export interface StreamMask {
  /**
   * What of the text so far can be shown. The end of it is held back for as long as it may be the
   * beginning of a secret.
   */
  push(piece: string): string;
  /** What was held back, after the last piece; the next piece begins a new text. */
  end(): string;
}

/** Takes the values of secrets out of text, in whatever form they stand there (see `formsOf`). */
export class SecretMasker {
  readonly #isSecret: (value: string) => boolean;
  readonly #known = new Set<string>();
  /** By their first two characters, longest first. */
  readonly #byPair = new Map<number, string[]>();
  /** 1 where a form may begin with the characters that have this mark (see `markOf`). */
  readonly #isPair = new Uint8Array(65_536);
  readonly #isFirst = new Uint8Array(65_536);

  /** Values that `isSecret` refuses are left alone. */
  constructor(isSecret: (value: string) => boolean, secrets: readonly (string | undefined)[] = []) {
    this.#isSecret = isSecret;
    this.add(secrets);
  }

  get isEmpty(): boolean {
    return this.#known.size === 0;
  }

  /** How many values are known; there are never fewer later on. */
  get size(): number {
    return this.#known.size;
  }

  /** Takes in values that came to be known later. */
  add(secrets: readonly (string | undefined)[]): void {
    for (const secret of secrets) {
      if (secret === undefined || this.#known.has(secret) || !this.#isSecret(secret)) continue;
      this.#known.add(secret);
      for (const form of formsOf(secret)) this.#addForm(form);
    }
  }

  mask(text: string): string {
    return this.isEmpty ? text : this.#scan(text, true).shown;
  }

  /** `value` itself where it holds no secret. */
  maskJson<Value extends JsonValue>(value: Value): Value {
    // What is masked is of the same kind, but for a number, whose place a text takes.
    return this.isEmpty ? value : (this.#maskValue(value) as Value);
  }

  createStream(): StreamMask {
    let held = "";
    return {
      push: (piece) => {
        if (this.isEmpty) return piece;
        const { shown, rest } = this.#scan(held === "" ? piece : held + piece, false);
        held = rest;
        return shown;
      },
      end: () => {
        const last = held;
        held = "";
        return last === "" ? "" : this.mask(last);
      },
    };
  }

  #addForm(form: string): void {
    const [first, second] = [form.charCodeAt(0), form.charCodeAt(1)];
    const pair = pairOf(first, second);
    const forms = this.#byPair.get(pair) ?? [];
    if (forms.includes(form)) return;
    forms.push(form);
    forms.sort((one, other) => other.length - one.length);
    this.#byPair.set(pair, forms);
    this.#isPair[markOf(first, second)] = 1;
    this.#isFirst[first] = 1;
  }

  /** `rest` may go on as a secret; there is none where `isWhole`. */
  #scan(text: string, isWhole: boolean): { readonly shown: string; readonly rest: string } {
    const last = text.length - 1;
    let shown = "";
    let from = 0;
    let code = text.charCodeAt(0);
    for (let at = 0; at < last; at += 1) {
      const next = text.charCodeAt(at + 1);
      if (this.#isPair[markOf(code, next)] === 1) {
        const length = this.#matchAt(text, at, isWhole);
        if (length === PENDING)
          return { shown: shown + text.slice(from, at), rest: text.slice(at) };
        if (length > 0) {
          shown += text.slice(from, at) + MASK;
          from = at + length;
          at = from - 1;
          code = text.charCodeAt(from);
          continue;
        }
      }
      code = next;
    }
    const isPending = !isWhole && from <= last && this.#isFirst[text.charCodeAt(last)] === 1;
    if (isPending) return { shown: shown + text.slice(from, last), rest: text.slice(last) };
    return { shown: from === 0 ? text : shown + text.slice(from), rest: "" };
  }

  /** How long the longest form is that begins here; `PENDING` where that is open yet. */
  #matchAt(text: string, at: number, isWhole: boolean): number {
    const forms = this.#byPair.get(pairOf(text.charCodeAt(at), text.charCodeAt(at + 1))) ?? [];
    const left = text.length - at;
    for (const form of forms) {
      if (form.length <= left) {
        if (text.startsWith(form, at)) return form.length;
      } else if (!isWhole && form.startsWith(text.slice(at))) return PENDING;
    }
    return 0;
  }

  #maskValue(value: JsonValue): JsonValue {
    if (typeof value === "string") return this.mask(value);
    if (typeof value === "number") {
      const text = String(value);
      return text.length > 3 && this.mask(text) !== text ? MASK : value;
    }
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return this.#maskArray(value);
    let isChanged = false;
    const entries = Object.entries(value).map(([key, each]): [string, JsonValue] => {
      const entry: [string, JsonValue] = [this.mask(key), this.#maskValue(each)];
      isChanged ||= entry[0] !== key || entry[1] !== each;
      return entry;
    });
    return isChanged ? Object.fromEntries(entries) : value;
  }

  #maskArray(values: readonly JsonValue[]): readonly JsonValue[] {
    const masked = values.map((each) => this.#maskValue(each));
    return masked.some((each, at) => each !== values[at]) ? masked : values;
  }
}

const PENDING = -1;

function pairOf(first: number, second: number): number {
  return first * 65_536 + second;
}

/** One of 65,536 marks for two characters: those of Latin text have one each. */
function markOf(first: number, second: number): number {
  return ((first << 8) ^ second) & 65_535;
}

/** Of the log: shorter values would turn up by chance everywhere. */
const MIN_LOGGED_CHARS = 4;

export function isSecretInLogs(value: string): boolean {
  return value.length >= MIN_LOGGED_CHARS;
}

const MIN_SAID_CHARS = 8;
const MIN_WORD_CHARS = 16;

/**
 * Whether a value is masked in what models and tools say. A word that people use as a password, as
 * "postgres", would be missing in every conversation about it.
 */
export function isSecretInSpeech(value: string): boolean {
  return value.length >= (isWord(value) ? MIN_WORD_CHARS : MIN_SAID_CHARS);
}

/** Whether a value is one word or one number, which stand in many texts. */
export function isWord(value: string): boolean {
  return /^(?:\p{Lu}?\p{Ll}+|\p{Lu}+|\d+)$/u.test(value);
}
