import type { RunningNexflow } from "./start-nexflow.ts";

type Served = Pick<RunningNexflow, "token" | "url">;

const GIVE_UP_MS = 15_000;

/** What threads count comes once a second. */
export async function readUntil(
  server: Served,
  isThere: (metrics: ReadonlyMap<string, number>) => boolean,
): Promise<ReadonlyMap<string, number>> {
  const endMs = performance.now() + GIVE_UP_MS;
  for (;;) {
    const metrics = await readMetrics(server);
    if (isThere(metrics) || performance.now() > endMs) return metrics;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const LINE =
  /^([a-zA-Z_:][\w:]*(?:\{[a-z]\w*="(?:[^"\\]|\\.)*"(?:,[a-z]\w*="(?:[^"\\]|\\.)*")*\})?) (\S+)$/u;

export async function readMetrics(server: Served): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`${server.url}/metrics`, {
    headers: { authorization: `Bearer ${server.token}` },
  });
  const lines = (await response.text()).split("\n").filter((line) => !/^(?:#|$)/u.test(line));
  return new Map(
    lines.map((line): [string, number] => {
      const [, series, value] = LINE.exec(line) ?? [];
      if (series === undefined) throw new Error(`Not a line of metrics: ${line}`);
      return [series, Number(value)];
    }),
  );
}
