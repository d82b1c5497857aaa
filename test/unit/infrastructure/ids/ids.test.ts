import { test } from "vitest";
import { newId, newIdAfter } from "#infrastructure/ids/ids.ts";

test("newId() gives ids of version 7, each greater than the one before, also within a millisecond", ({
  expect,
}) => {
  const ids = Array.from({ length: 20_000 }, newId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.toSorted()).toEqual(ids);
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u);
  }
  const [first = ""] = ids;
  const madeAtMs = Number.parseInt(first.replace("-", "").slice(0, 12), 16);
  expect(Math.abs(Date.now() - madeAtMs)).toBeLessThan(10_000);
});

test("newIdAfter() is after an id that the clock has not reached yet", ({ expect }) => {
  const ahead = "ffff0000-0000-7000-8000-000000000000";
  expect(newIdAfter(ahead) > ahead).toBe(true);
});
