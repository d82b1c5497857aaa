import { fileURLToPath } from "node:url";
import { openRuntime, type SkillCode } from "../../runtime/index.ts";
import { createEchoSkill, ECHO } from "../echo-skill.ts";
import type { Arm } from "./arm.ts";

const POLICY_DIR = fileURLToPath(new URL("../../sandbox-policies", import.meta.url));

/** Ours: fresh state for each call, in a sandbox process, through the runtime's door. */
export async function openNexflow(engine: SkillCode["engine"]): Promise<Arm> {
  const runtime = await openRuntime({ policyDir: POLICY_DIR });
  const skill = createEchoSkill(engine);
  return {
    call: async (input) => {
      const result = await runtime.invoke({ skill, tool: ECHO.tool, input, userId: "bench" });
      if (result.kind === "ok") return result.output;
      throw new Error(`Cannot measure: ${engine} answered ${JSON.stringify(result.error)}`);
    },
    close: () => runtime.close(),
  };
}
