import type { ToolOutcome } from "#domain/message/message.ts";
import type { InvokeResult, SkillErrorCode } from "../../../runtime/index.ts";

const AGAIN_LATER = "Nothing was run: the same call may be made again after a moment";
const SMALLER = "The same call may well end the same way: ask for less at a time";

/** What a model had better do next. */
const ADVICE: Readonly<Record<SkillErrorCode, string | undefined>> = {
  "wall-time": SMALLER,
  "cpu-time": SMALLER,
  memory: SMALLER,
  "output-size": SMALLER,
  "log-size": SMALLER,
  "host-calls": SMALLER,
  "host-call-rate": SMALLER,
  "host-call-concurrency": SMALLER,
  denied: "The operator's policy decides: do not try again",
  crashed: undefined,
  "invalid-input": undefined,
  "invalid-output": undefined,
  failed: undefined,
  cancelled: undefined,
  concurrency: AGAIN_LATER,
  "queue-time": AGAIN_LATER,
  overloaded: AGAIN_LATER,
  quarantined: "Nothing was run: do not call this skill again for now",
};

/** The result of a call as the model and people see it: what decided, and what to do next. */
export function toOutcome(result: InvokeResult): ToolOutcome {
  if (result.kind === "ok") return { kind: "ok", output: result.output };
  const { code, message, rule } = result.error;
  const said = rule === undefined ? message : `${message} (${rule})`;
  const advice = ADVICE[code];
  return { kind: "error", code, message: advice === undefined ? said : `${said}. ${advice}` };
}
