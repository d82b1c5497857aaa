import type { JsonValue } from "../../runtime/index.ts";

/** One way to run the same call: `{"text": …}` in, `{"text": …}` out. */
export interface Arm {
  call(input: JsonValue): Promise<JsonValue>;
  close(): Promise<void>;
}

/** What a skill does in every arm that runs JavaScript. */
export const ECHO_FUNCTION =
  "(text) => { const input = JSON.parse(text); return JSON.stringify({ text: input.text }); }";
