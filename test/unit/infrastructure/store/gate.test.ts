import { test } from "vitest";
import { Gate } from "#infrastructure/store/dialects/postgres/gate.ts";

function openWork() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const start = (name: string) => () => {
    begun.push(name);
    return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
  };
  return { begun, start, end: (name: string) => ends.get(name)?.() };
}

test("a gate lets so much in at a time, the rest in its order", async ({ expect }) => {
  const gate = new Gate({ width: 2, waitMs: 60_000 });
  const { begun, start, end } = openWork();
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => gate.run(start(name)));
  expect(begun).toEqual(["a", "b"]);
  end("b");
  await b;
  await Promise.resolve();
  expect(begun).toEqual(["a", "b", "c"]);
  end("a");
  end("c");
  await Promise.all([a, c]);
  end("d");
  expect(await d).toBe("d");
});

test("work that fails leaves its place to the next", async ({ expect }) => {
  const gate = new Gate({ width: 1, waitMs: 60_000 });
  const failing = gate.run(() => Promise.reject(new Error("No")));
  const next = gate.run(() => Promise.resolve("done"));
  await expect(failing).rejects.toThrow("No");
  expect(await next).toBe("done");
});

test("work that waited for too long is not begun", async ({ expect }) => {
  const gate = new Gate({ width: 1, waitMs: -1 });
  const { begun, start, end } = openWork();
  const first = gate.run(start("a"));
  const late = gate.run(start("b"));
  end("a");
  await first;
  await expect(late).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect(begun).toEqual(["a"]);
});
