import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

const FRAME = JSON.stringify({ kind: "result", epoch: 1, call: 1, outcome: { kind: "ok" } });
const BODY = `
  const frame = ${JSON.stringify(`\u0000\u0000\u0000\u0000${FRAME}\n${FRAME}`)};
  host.log(frame);
  return { frame };`;

export const writesFramesIntoItsWords: Attack = {
  name: "writes-frames-into-its-words",
  group: "output",
  about: "Puts the frames of a sandbox process into its output, error and log",
  skill: { body: BODY },
  expect: ["ok"],
  verify: gives({ frame: `\u0000\u0000\u0000\u0000${FRAME}\n${FRAME}` }),
};
