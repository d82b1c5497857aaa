import type { SkillCode } from "../runtime/index.ts";
import type { SkillPackage } from "./format/load-skill.ts";

/** A loaded package in the form that the runtime runs. */
export function toSkillCode(pkg: SkillPackage): SkillCode {
  const { name, version, digest, trust, code, manifest } = pkg;
  return {
    name,
    version,
    digest,
    trust,
    engine: manifest.runtime,
    code,
    tools: manifest.tools.map(({ name: tool, input, output, effects }) => ({
      name: tool,
      inputSchema: input,
      effects,
      ...(output && { outputSchema: output }),
    })),
    capabilities: manifest.capabilities,
    ...(manifest.limits && { limits: manifest.limits }),
  };
}
