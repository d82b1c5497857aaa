import { test } from "vitest";
import { titleFrom } from "#domain/session/session.ts";

test("titleFrom() takes the text on one line", ({ expect }) => {
  expect(titleFrom("  What is\n\tthis?  ")).toBe("What is this?");
  expect(titleFrom(" \n ")).toBe("New conversation");
});

test("titleFrom() cuts after 80 characters as people count them", ({ expect }) => {
  const family = "👨‍👩‍👧";
  expect(titleFrom(family.repeat(20))).toBe(family.repeat(20));
  expect(titleFrom("x".repeat(80))).toBe("x".repeat(80));
  expect(titleFrom("x".repeat(81))).toBe(`${"x".repeat(79)}…`);
  expect(titleFrom(`${family}${"x".repeat(80)}`)).toBe(`${family}${"x".repeat(78)}…`);
});
