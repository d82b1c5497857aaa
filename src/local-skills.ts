import type { Logger } from "#application/ports/logger.ts";
import type { SkillListing } from "#presentation/cmd/skill.ts";
import type { Config } from "./config.ts";
import { inspectMcp } from "./mcp-commands.ts";

/*
 * What skills a server with this configuration would have, found without one. Nothing is remembered
 * of what is found.
 */

/** The skills that can be called: those of folders, and what MCP servers offer at the moment. */
export async function listLocalSkills(
  config: Config,
  log: Logger,
): Promise<readonly Pick<SkillListing, "name" | "tools">[]> {
  const { loadSkills, toSkill } = await import("#infrastructure/skills/open-skills.ts");
  const [packages, ofServers] = await Promise.all([
    loadSkills({ skillsDir: config.skillsDir, log }),
    listMcpSkills(config),
  ]);
  return [...packages.map(toSkill), ...ofServers.filter(({ fault }) => fault === undefined)];
}

/** What the MCP servers offer, tools that have changed left out; of one that does not, why. */
export async function listMcpSkills(config: Config): Promise<readonly SkillListing[]> {
  const servers = (await inspectMcp(config)).filter(({ isEnabled }) => isEnabled);
  if (servers.length === 0) return [];
  const { nameMcpSkill } = await import("#infrastructure/mcp/mcp-skill.ts");
  return servers.map(({ name, state, tools }) => ({
    ...nameMcpSkill(name),
    tools: tools
      .filter(({ pin }) => pin === "same" || pin === "unseen")
      .map((tool) => ({
        name: tool.name.slice(tool.name.indexOf(".") + 1),
        description: tool.description,
      })),
    ...(state.kind === "failed" ? { fault: state.message } : {}),
  }));
}
