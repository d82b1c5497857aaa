import { getPriority } from "node:os";
import type { LayerState } from "../../runtime.ts";
import type { LaunchPlan } from "./launcher.ts";
import type { LayerName } from "./layers.ts";
import type { TrialFacts } from "./run-trial.ts";
import { OOM_SCORE } from "./spawn-in-layers.ts";

/** Why a part of the plan is not there, where it is not. */
export type Reasons = Readonly<Partial<Record<keyof LaunchPlan | "cgroups", string | undefined>>>;

interface Finding {
  readonly name: LayerName;
  readonly isInForce: boolean;
  readonly held: string;
  readonly open: string;
  readonly reason?: string | undefined;
}

/** Each layer as the trial found it; `failure` is why all that works alone did not work together. */
export function toLayerStates(
  facts: TrialFacts,
  reasons: Reasons,
  failure: string | undefined,
): readonly LayerState[] {
  const findings = [...engineFindings(facts), ...systemFindings(facts, reasons)];
  return findings.map(({ name, isInForce, held, open, reason = failure }) => {
    if (isInForce) return { name, isInForce, detail: held };
    return { name, isInForce, detail: reason === undefined ? open : `${open}: ${reason}` };
  });
}

function engineFindings({ tried, killMs }: TrialFacts): readonly Finding[] {
  return [
    {
      name: "no-files",
      isInForce: tried.files === "ERR_ACCESS_DENIED",
      held: "A sandbox process reads no file but its own program",
      open: "A sandbox process can read files",
    },
    {
      name: "no-programs",
      isInForce: tried.programs === "ERR_ACCESS_DENIED",
      held: "A sandbox process starts no other program",
      open: "A sandbox process can start other programs",
    },
    {
      name: "kill-at-deadline",
      isInForce: killMs !== undefined,
      held: `A process that loops was gone ${Math.ceil(killMs ?? 0)} ms after it was killed`,
      open: "A process that loops did not end when it was killed",
    },
  ];
}

function systemFindings(facts: TrialFacts, reasons: Reasons): readonly Finding[] {
  const { tried, status, limits, niceness, oomScore, isInCgroup } = facts;
  const bounding = status.get("CapBnd");
  const [uid = ""] = status.get("Uid")?.split(/\s+/u) ?? [];
  return [
    {
      name: "no-system-files",
      isInForce: tried.systemFiles === "EACCES",
      held: "The system opens no file for a sandbox process but its own program and libraries",
      open: "A sandbox process is kept from files by Node alone, and by their own rights",
      reason: reasons.files,
    },
    {
      name: "no-network",
      isInForce: tried.network === "ENETUNREACH",
      held: "A sandbox process has an empty network of its own: connecting gives ENETUNREACH",
      open: "A sandbox process can reach the network; guests have no way to a socket",
      reason: reasons.namespaces,
    },
    {
      name: "no-signals",
      isInForce: tried.signals === "ESRCH" || tried.signals === "EPERM",
      held: `A sandbox process can signal no process but itself: the server gives ${tried.signals}`,
      open: "A sandbox process can signal the server's processes",
      reason: reasons.namespaces,
    },
    {
      name: "no-peeking",
      isInForce: tried.environment === "EACCES",
      held: "A sandbox process cannot look into the server: its environment gives EACCES",
      open: "A sandbox process is kept from looking into the server by Node alone",
      reason: reasons.namespaces,
    },
    {
      name: "other-user",
      isInForce: uid !== "" && uid !== String(process.geteuid?.()),
      held: `Sandbox processes run as user ${uid}, who owns nothing`,
      open: "Sandbox processes run as the server's user",
      reason: reasons.userId,
    },
    {
      name: "no-new-privileges",
      isInForce: status.get("NoNewPrivs") === "1",
      held: "A sandbox process gains no privileges by starting a program",
      open: "A sandbox process may gain privileges by starting a program",
      reason: reasons.privileges,
    },
    {
      name: "no-capabilities",
      isInForce:
        /^0+$/u.test(status.get("CapEff") ?? "") && /^0+$/u.test(status.get("CapPrm") ?? ""),
      held: `A sandbox process has no capability${/^0+$/u.test(bounding ?? "") ? ", and can get none" : ""}`,
      open: "A sandbox process has capabilities of the system",
      reason: reasons.privileges,
    },
    {
      name: "rlimits",
      isInForce: limits.get("core file size") === "1" && limits.get("file size") === "0",
      held: `No core dumps, no writing to files, ${limits.get("open files")} open files, ${limits.get("processes")} threads, ${limits.get("data size")} bytes of data`,
      open: "A sandbox process may dump its memory and write as much as the server",
      reason: reasons.hasRlimits,
    },
    {
      name: "memory-cgroup",
      isInForce: isInCgroup,
      held: "Each sandbox process has a control group that bounds its memory",
      open: "The memory of a sandbox process is watched by the supervisor, not bounded by the system",
      reason: reasons.cgroups,
    },
    {
      name: "lowest-priority",
      isInForce: niceness > getPriority() && oomScore === OOM_SCORE,
      held: `Sandbox processes give way (nice ${niceness}) and are the first to go when memory is used up`,
      open: "Sandbox processes do not give way to the server",
      reason: `nice ${niceness}, oom_score_adj ${oomScore}`,
    },
  ];
}
