import { test } from "vitest";
import { z } from "zod";
import { cursorOf, toLastPage, toPage } from "#presentation/gateway/cursor.ts";

const key = (each: { readonly at: number }) => [each.at];
const items = [1, 2, 3].map((at) => ({ at }));

test("toPage() gives a cursor where there is more, and cursorOf() reads it", ({ expect }) => {
  expect(toPage(items, 3, key)).toEqual({ items });
  expect(toPage([], 3, key)).toEqual({ items: [] });
  const { items: shown, nextCursor } = toPage(items, 2, key);
  expect(shown).toEqual(items.slice(0, 2));
  expect(nextCursor).toMatch(/^[\w-]+$/u);
  expect(cursorOf(z.tuple([z.int()])).parse(nextCursor)).toEqual([2]);
});

test("toLastPage() leads to what comes before", ({ expect }) => {
  expect(toLastPage(items, 3, key)).toEqual({ items });
  const { items: shown, nextCursor } = toLastPage(items, 2, key);
  expect(shown).toEqual(items.slice(1));
  expect(cursorOf(z.tuple([z.int()])).parse(nextCursor)).toEqual([2]);
});

test("cursorOf() refuses what no answer had", ({ expect }) => {
  const schema = cursorOf(z.tuple([z.int()]));
  const others = [[1.5], ["2"], {}, null, [1, 2]];
  const encoded = others.map((each) => Buffer.from(JSON.stringify(each)).toString("base64url"));
  for (const text of ["", "?", "e30=", "x".repeat(600), "e", ...encoded]) {
    const { error } = schema.safeParse(text);
    expect(error?.issues[0]?.message, text).toBe("the nextCursor of an earlier answer");
  }
});
