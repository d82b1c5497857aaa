import { z } from "zod";
import type { Skill } from "#domain/skill/skill.ts";
import { ACTIVATE_SKILL, OWN_SKILL } from "#domain/skill/tool-name.ts";
import { NO_USAGE } from "#domain/task/task.ts";
import type { PromptSkill, PromptSkills } from "../ports/prompt-skills.ts";
import type { CallFacts, SourceCall, SourceResult, ToolSource } from "../ports/tool-source.ts";
import {
  FORGET,
  forget,
  NOTE_TOOLS,
  type NoteToolsDeps,
  REMEMBER,
  remember,
} from "./note-tools.ts";
import {
  activateSkill,
  READ_SKILL_RESOURCE,
  readSkillResource,
  type SkillAnswer,
  skillTools,
} from "./skill-tools.ts";

export interface OwnToolsDeps extends NoteToolsDeps {
  readonly promptSkills: PromptSkills;
}

const VERSION = "1.0.0";
const ORIGIN = "nexflow";

const Input = {
  [REMEMBER]: z.object({ text: z.string() }),
  [FORGET]: z.object({ id: z.string() }),
  [ACTIVATE_SKILL]: z.object({ name: z.string() }),
  [READ_SKILL_RESOURCE]: z.object({
    skill: z.string(),
    path: z.string(),
    offset: z.int().min(0).default(0),
  }),
} as const;

/** The tools that are the agent's own: its notes, and the skills that are text. */
export function createOwnTools(deps: OwnToolsDeps): ToolSource {
  let listedFor: readonly PromptSkill[] | undefined;
  let skills: readonly Skill[] = [];
  return {
    listSkills() {
      const prompts = deps.promptSkills.list();
      if (prompts === listedFor) return skills;
      listedFor = prompts;
      skills = [toSkill(prompts)];
      return skills;
    },
    decide: ({ tool }) => ({ kind: "allow", facts: factsOf(tool) }),
    async invoke(call, signal): Promise<SourceResult> {
      const origin = { usage: NO_USAGE, skillDigest: ORIGIN, policyHash: ORIGIN };
      if (signal.aborted) {
        const outcome = { kind: "error", code: "cancelled", message: "Stopped" } as const;
        return { outcome, ...origin };
      }
      return { ...(await answer(deps, call)), ...origin };
    },
  };
}

function toSkill(prompts: readonly PromptSkill[]): Skill {
  return {
    name: OWN_SKILL,
    version: VERSION,
    description: "What the agent does itself: notes about you, and skills that are text",
    digest: ORIGIN,
    tools: [...NOTE_TOOLS, ...skillTools(prompts)],
  };
}

function factsOf(tool: string): CallFacts {
  const isNote = tool === REMEMBER || tool === FORGET;
  return {
    rule: "the agent's own tool",
    policyHash: ORIGIN,
    reaches: [isNote ? "your memory notes" : "files of installed skills"],
    actsOutside: false,
    // A skill's words are judged one by one: `SourceResult.untrusted`.
    bringsUntrusted: false,
    holdsPrivate: tool === FORGET,
  };
}

async function answer(deps: OwnToolsDeps, call: SourceCall): Promise<SkillAnswer> {
  const { tool, input, userId, sessionId, turnId } = call;
  switch (tool) {
    case REMEMBER: {
      if (sessionId === undefined || turnId === undefined)
        return wrong(" outside of a conversation");
      const parsed = Input[REMEMBER].safeParse(input);
      if (!parsed.success) return unfit(parsed.error);
      return { outcome: await remember(deps, { userId, sessionId, turnId }, parsed.data.text) };
    }
    case FORGET: {
      const parsed = Input[FORGET].safeParse(input);
      if (!parsed.success) return unfit(parsed.error);
      return { outcome: await forget(deps, userId, parsed.data.id) };
    }
    case ACTIVATE_SKILL: {
      const parsed = Input[ACTIVATE_SKILL].safeParse(input);
      return parsed.success
        ? activateSkill(deps.promptSkills, parsed.data.name)
        : unfit(parsed.error);
    }
    case READ_SKILL_RESOURCE: {
      const parsed = Input[READ_SKILL_RESOURCE].safeParse(input);
      return parsed.success
        ? readSkillResource(deps.promptSkills, parsed.data)
        : unfit(parsed.error);
    }
    default:
      return wrong(" that there is not");
  }

  function unfit({ issues: [issue] }: z.ZodError): SkillAnswer {
    return wrong(`: ${issue?.path.join(".") ?? "input"}: ${issue?.message ?? "not what it takes"}`);
  }

  function wrong(how: string): SkillAnswer {
    const message = `Cannot use tool "${tool}"${how}`;
    return { outcome: { kind: "error", code: "invalid-input", message } };
  }
}
