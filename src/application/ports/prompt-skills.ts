/** A skill that is text only, as models see it before they use it. */
export interface PromptSkill {
  readonly name: string;
  /** None where it is a stranger's: it would be read in every session. */
  readonly description?: string;
}

/** All of a skill's own words, and where they come from. */
export interface PromptSkillContent extends PromptSkill {
  readonly kind: "content";
  readonly instructions: string;
  /** Files beside its SKILL.md, relative to its folder, with "/". */
  readonly resources: readonly string[];
  /** Not all of them are in `resources`. */
  readonly hasMoreResources: boolean;
  readonly folder: string;
  /** sha256 of its SKILL.md, hex. */
  readonly digest: string;
  readonly trust: "first-party" | "verified" | "community";
  /** Its words are a stranger's, for all that the operator's policy says. */
  readonly isUntrusted: boolean;
}

/** Skills that are folders with a `SKILL.md` and no code. Nothing rejects for what is in them. */
export interface PromptSkills {
  /** By name. As of a moment ago: a change on disk is seen within seconds. */
  list(): readonly PromptSkill[];
  load(name: string): Promise<PromptSkillContent | PromptSkillFault>;
  /** A text file inside the skill's folder. */
  readResource(name: string, path: string): Promise<PromptSkillResource | PromptSkillFault>;
}

export interface PromptSkillResource {
  readonly kind: "resource";
  readonly text: string;
  readonly digest: string;
  readonly isUntrusted: boolean;
}

export interface PromptSkillFault {
  readonly kind: "fault";
  readonly message: string;
}
