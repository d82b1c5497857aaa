import type { SkillCode } from "../../runtime/index.ts";
import { PolicyBook } from "../../runtime/policy/policy-book.ts";
import { createEchoSkill, rename } from "../echo-skill.ts";
import { POLICY_DIR } from "./bench-runtime.ts";
import { type Sample, scaled } from "./sample.ts";

const SAMPLES = 200;
const PER_SAMPLE = 50;

/** What it takes to find the rights of a call under the shipped policies, hash included. */
export async function measurePolicyTime(scale: number): Promise<readonly Sample[]> {
  const book = await PolicyBook.open(POLICY_DIR, () => undefined);
  const samples = scaled(SAMPLES, scale);
  const known = createEchoSkill("wasm");
  const news = Array.from({ length: 2 * samples * PER_SAMPLE }, (_, index) =>
    rename(known, `new-${index}`),
  );
  const [warmUp, fresh] = [news.slice(0, news.length / 2), news.slice(news.length / 2)];
  const same = fresh.map(() => known);
  try {
    measure(book, warmUp);
    return [
      { what: "rights of a call, skill seen before", unit: "us", values: measure(book, same) },
      { what: "rights of a call, new skill", unit: "us", values: measure(book, fresh) },
    ];
  } finally {
    book.close();
  }
}

/** Microseconds for each, as means of so many. */
function measure(book: PolicyBook, skills: readonly SkillCode[]): readonly number[] {
  const means: number[] = [];
  for (let from = 0; from < skills.length; from += PER_SAMPLE) {
    const some = skills.slice(from, from + PER_SAMPLE);
    const startedMs = performance.now();
    const denied = some.find((skill) => book.effective(skill).kind === "denied");
    means.push(((performance.now() - startedMs) * 1_000) / some.length);
    if (denied !== undefined) throw new Error(`Cannot measure: no policy matches "${denied.name}"`);
  }
  return means;
}
