import { z } from "zod";
import type { JsonValue } from "#domain/shared/json.ts";
import { createRestClient, unauthorized } from "./rest-client.ts";

/** Schedules as commands reach them. All throw `CommandError` with what to do about it. */
export interface ScheduleAccess extends AsyncDisposable {
  add(request: NewScheduleRequest): Promise<ShownSchedule>;
  list(): Promise<readonly ShownSchedule[]>;
  /** The latest times it fired for, latest first. */
  listFirings(id: string, limit: number): Promise<readonly ShownFiring[]>;
  setPaused(id: string, isPaused: boolean): Promise<ShownSchedule>;
  remove(id: string): Promise<void>;
  run(id: string): Promise<{ readonly scheduleId: string; readonly dueAtMs: number }>;
}

export interface NewScheduleRequest {
  readonly name: string;
  readonly when:
    | { readonly kind: "cron"; readonly expression: string; readonly timeZone: string }
    | { readonly kind: "at"; readonly atMs: number }
    | { readonly kind: "every"; readonly everyMs: number };
  readonly missed: "skip" | "once" | "all";
  readonly action: ShownAction;
}

type ShownAction =
  | { readonly kind: "message"; readonly text: string; readonly sessionId?: string | undefined }
  | {
      readonly kind: "tool-call";
      readonly skill: string;
      readonly tool: string;
      readonly input: JsonValue;
    };

/** A schedule as the API shows it. */
export interface ShownSchedule {
  readonly id: string;
  readonly name: string;
  readonly when: NewScheduleRequest["when"];
  readonly missed: NewScheduleRequest["missed"];
  readonly action: ShownAction;
  readonly state: "active" | "paused" | "ended";
  readonly nextAtMs?: number | undefined;
  readonly lastFiredAtMs?: number | undefined;
  readonly createdAtMs: number;
}

export interface ShownFiring {
  readonly dueAtMs: number;
  readonly lateMs?: number | undefined;
  readonly state: string;
  readonly turnId?: string | undefined;
  readonly taskId?: string | undefined;
  readonly failure?: { readonly code: string; readonly message: string } | undefined;
}

const PATIENCE_MS = 10_000;

/** What of an answer is relied on; the rest is shown as it is. */
const Shown = z.looseObject({ id: z.string(), name: z.string() });
const Firings = z.looseObject({ firings: z.array(z.looseObject({ dueAtMs: z.number() })) });
const Fired = z.looseObject({ scheduleId: z.string(), dueAtMs: z.number() });

/** The schedules of the server at `url`; `undefined` where none answers that has any. */
export async function openRemoteSchedules(
  url: string,
  token: string,
): Promise<ScheduleAccess | undefined> {
  const response = await fetch(new URL("/api/v1/schedules?limit=1", url), {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(PATIENCE_MS),
  }).catch(() => undefined);
  await response?.body?.cancel();
  if (response?.status === 401) throw unauthorized(url);
  if (response?.ok !== true) return undefined;

  const { ask, listAll } = createRestClient(url, token);
  const of = (id: string) => `/schedules/${encodeURIComponent(id)}`;
  const toShown = (answer: unknown) => Shown.parse(answer) as unknown as ShownSchedule;
  return {
    add: async (request) => toShown(await ask("POST", "/schedules", request)),
    list: async () => (await listAll("/schedules", "schedules")).map(toShown),
    async listFirings(id, limit) {
      const { firings } = Firings.parse(await ask("GET", `${of(id)}/firings?limit=${limit}`));
      return firings as unknown as ShownFiring[];
    },
    setPaused: async (id, isPaused) =>
      toShown(await ask("PATCH", of(id), { state: isPaused ? "paused" : "active" })),
    remove: (id) => ask("DELETE", of(id)),
    run: async (id) => Fired.parse(await ask("POST", `${of(id)}/run`)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
