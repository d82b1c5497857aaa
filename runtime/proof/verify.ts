import { isDeepStrictEqual } from "node:util";
import type { SkillError } from "../invoke.ts";
import type { JsonValue } from "../protocol.ts";
import type { Attack, AttackEvidence } from "./attack.ts";

type Verify = NonNullable<Attack["verify"]>;

/** An `ok` call is harmless when it gave exactly this. */
export function gives(expected: JsonValue): Verify {
  return ({ result }) => {
    if (result.kind !== "ok" || isDeepStrictEqual(result.output, expected)) return undefined;
    return `it gave ${shorten(result.output)}, expected ${shorten(expected)}`;
  };
}

/** An `ok` call is harmless when its output, as JSON text, does not match. */
export function neverGives(pattern: RegExp): Verify {
  return ({ result }) => {
    if (result.kind !== "ok") return undefined;
    const found = pattern.exec(JSON.stringify(result.output));
    return found === null ? undefined : `it gave "${found[0]}"`;
  };
}

/** A call that failed did so with an error that has these values. */
export function failsWith(expected: Partial<SkillError>): Verify {
  return ({ result }) => {
    if (result.kind === "ok") return undefined;
    const { error } = result;
    const actual = Object.entries(expected).map(([key]) => [key, Reflect.get(error, key)]);
    if (isDeepStrictEqual(Object.fromEntries(actual), expected)) return undefined;
    return `its error is ${shorten({ ...error })}, expected ${shorten({ ...expected })}`;
  };
}

/** A call that failed says this in its error. */
export function mentions(text: string): Verify {
  return ({ result }) => {
    if (result.kind === "ok" || result.error.message.includes(text)) return undefined;
    return `its error is "${result.error.message}", expected it to say "${text}"`;
  };
}

/** The first objection of several. */
export function all(...verifies: readonly Verify[]): Verify {
  return (evidence: AttackEvidence) => {
    for (const verify of verifies) {
      const objection = verify(evidence);
      if (objection !== undefined) return objection;
    }
    return undefined;
  };
}

const MAX_SHOWN_CHARS = 200;

function shorten(value: JsonValue): string {
  return JSON.stringify(value).slice(0, MAX_SHOWN_CHARS);
}
