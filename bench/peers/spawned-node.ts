import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { text } from "node:stream/consumers";
import type { JsonValue } from "../../runtime/index.ts";
import { type Arm, ECHO_FUNCTION } from "./arm.ts";

const PROGRAM = `
  let input = "";
  process.stdin.on("data", (chunk) => { input += chunk; });
  process.stdin.on("end", () => process.stdout.write((${ECHO_FUNCTION})(input)));
`;

/** A new process of Node for each call, JSON on its standard input and output. */
export async function openSpawnedNode(): Promise<Arm> {
  return {
    call: async (input) => {
      const child = spawn(process.execPath, ["--eval", PROGRAM], {
        env: {},
        stdio: ["pipe", "pipe", "ignore"],
      });
      child.stdin.end(JSON.stringify(input));
      const [answer] = await Promise.all([text(child.stdout), once(child, "close")]);
      return JSON.parse(answer) as JsonValue;
    },
    close: async () => undefined,
  };
}
