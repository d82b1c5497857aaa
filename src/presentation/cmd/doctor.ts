import type { Command } from "commander";
import { Fault } from "#domain/shared/fault.ts";
import { EXIT } from "./exit-code.ts";
import { isJson, print } from "./output.ts";

export interface DoctorDeps {
  /** Each finds out about one thing, or several of a kind; none rejects. */
  readonly listChecks: () => Promise<readonly (() => Promise<readonly CheckResult[]>)[]>;
}

export interface CheckResult {
  readonly name: string;
  readonly state: "ok" | "warn" | "fail";
  readonly detail: string;
  /** How to mend it. */
  readonly remedy?: string | undefined;
}

export function addDoctorCommand(program: Command, { listChecks }: DoctorDeps): void {
  program
    .command("doctor")
    .description("check this machine and this data directory, and tell how to mend what is wrong")
    .action(async (_options: unknown, command: Command) => {
      const results = await runAll(listChecks);
      const ok = results.every(({ state }) => state !== "fail");
      const asJson = isJson(command);
      print(asJson, { ok, checks: results }, () => results.map(toLine).join("\n"));
      if (!ok) process.exitCode = EXIT.failed;
    });
}

/** A configuration that cannot be read is what there is to tell then. */
async function runAll(listChecks: DoctorDeps["listChecks"]): Promise<readonly CheckResult[]> {
  try {
    const checks = await listChecks();
    return (await Promise.all(checks.map((check) => check()))).flat();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return [{ name: "Configuration", state: "fail", detail: error.message }];
  }
}

const SIGNS = { ok: "ok  ", warn: "warn", fail: "FAIL" } as const;

function toLine({ name, state, detail, remedy }: CheckResult): string {
  const line = `${SIGNS[state]}  ${name}: ${detail}`;
  return remedy === undefined || state === "ok" ? line : `${line}\n      -> ${remedy}`;
}
