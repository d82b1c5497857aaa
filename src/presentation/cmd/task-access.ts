import { createRestClient } from "./rest-client.ts";

export interface ShownTask {
  readonly id: string;
  readonly skill: string;
  readonly tool: string;
  readonly skillDigest: string;
  readonly policyHash: string;
  readonly state: string;
  readonly input: unknown;
  readonly output?: unknown;
  readonly failure?: { readonly code: string; readonly message: string };
  readonly usage?: {
    readonly wallMs: number;
    readonly cpuMs: number;
    readonly memoryMiB: number;
    readonly outputBytes: number;
  };
  readonly createdAtMs: number;
}

/** Tasks as commands reach them. All throw `CommandError` with what to do about it. */
export type TaskAccess = ReturnType<typeof createTaskAccess>;

/** Over the REST API of the server at `url`, as whose `token` it is. */
export function createTaskAccess(url: string, token: string) {
  const { ask } = createRestClient(url, token);
  const of = (id: string) => `/tasks/${encodeURIComponent(id)}`;
  return {
    async list(filter: Readonly<Record<string, string | undefined>>) {
      const given = Object.entries(filter).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value] as [string, string]],
      );
      const query = new URLSearchParams(given).toString();
      return (await ask<{ readonly tasks: readonly ShownTask[] }>("GET", `/tasks?${query}`)).tasks;
    },
    find(id: string, userId: string | undefined) {
      const query = userId === undefined ? "" : `?userId=${encodeURIComponent(userId)}`;
      return ask<ShownTask>("GET", of(id) + query);
    },
    cancel: (id: string) => ask<void>("POST", `${of(id)}/cancel`),
  };
}
