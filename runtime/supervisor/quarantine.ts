import type { QuarantinedSkill } from "../runtime.ts";

/** So many kills in this time, and at least this share of the calls in it. */
const MAX_KILLS = 5;
const WINDOW_MS = 60_000;
const MIN_SHARE = 0.2;
const OUT_MS = 10 * 60_000;
const MAX_SKILLS = 1_000;

interface Conduct {
  readonly name: string;
  readonly digest: string;
  windowFromMs: number;
  calls: number;
  kills: number;
  /** 0 while it may run. */
  untilMs: number;
}

/**
 * Takes skills out of use whose calls keep costing processes: a circuit breaker that closes by
 * itself after a while. Users whose calls never share a process are judged apart, so that none can
 * take a skill from the others.
 */
export class Quarantine {
  readonly #conducts = new Map<string, Conduct>();

  /** The skill's quarantine, if it is in one. */
  find(cordon: string, digest: string, nowMs: number): QuarantinedSkill | undefined {
    const conduct = this.#conducts.get(toKey(cordon, digest));
    return conduct !== undefined && conduct.untilMs > nowMs ? conduct : undefined;
  }

  /** Notes how a call ended; gives the quarantine that begins with it. */
  note(
    cordon: string,
    skill: { readonly name: string; readonly digest: string },
    { wasKilled, nowMs }: { readonly wasKilled: boolean; readonly nowMs: number },
  ): QuarantinedSkill | undefined {
    const { name, digest } = skill;
    const conduct = this.#conducts.get(toKey(cordon, digest));
    // Most skills are never killed: nothing is kept of them.
    if (conduct === undefined && !wasKilled) return undefined;
    const known = conduct ?? this.#open(cordon, { name, digest }, nowMs);
    if (nowMs - known.windowFromMs > WINDOW_MS) {
      Object.assign(known, { windowFromMs: nowMs, calls: 0, kills: 0 });
    }
    known.calls += 1;
    if (!wasKilled) return undefined;
    known.kills += 1;
    if (known.kills < MAX_KILLS || known.kills < known.calls * MIN_SHARE) return undefined;
    known.untilMs = nowMs + OUT_MS;
    return known;
  }

  list(nowMs: number): readonly QuarantinedSkill[] {
    return [...this.#conducts.values()]
      .filter(({ untilMs }) => untilMs > nowMs)
      .map(({ name, digest, kills, untilMs }) => ({ name, digest, kills, untilMs }));
  }

  release(digest: string): void {
    for (const [key, conduct] of this.#conducts) {
      if (conduct.digest === digest) this.#conducts.delete(key);
    }
  }

  #open(
    cordon: string,
    { name, digest }: { readonly name: string; readonly digest: string },
    nowMs: number,
  ): Conduct {
    const [oldest] = this.#conducts.keys();
    if (this.#conducts.size >= MAX_SKILLS && oldest !== undefined) this.#conducts.delete(oldest);
    const conduct = { name, digest, windowFromMs: nowMs, calls: 0, kills: 0, untilMs: 0 };
    this.#conducts.set(toKey(cordon, digest), conduct);
    return conduct;
  }
}

function toKey(cordon: string, digest: string): string {
  return `${cordon} ${digest}`;
}
