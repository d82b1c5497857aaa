import type { JsonValue } from "../../runtime/index.ts";
import type { Arm } from "./arm.ts";

/** No wall at all: a function of the same process that gets and gives JSON text. */
export async function openInProcess(): Promise<Arm> {
  const echo = (text: string) => {
    const input = JSON.parse(text) as { readonly text: string };
    return JSON.stringify({ text: input.text });
  };
  return {
    call: async (input) => JSON.parse(echo(JSON.stringify(input))) as JsonValue,
    close: async () => undefined,
  };
}
