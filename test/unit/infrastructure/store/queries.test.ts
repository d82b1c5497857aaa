import { readdir } from "node:fs/promises";
import { test } from "vitest";
import { queries } from "#infrastructure/store/queries.ts";

const FOLDER = new URL("../../../../src/infrastructure/store/queries/", import.meta.url);

test("no two statements of the store have one name: the later would hide the earlier", async ({
  expect,
}) => {
  const files = (await readdir(FOLDER)).map((name) => new URL(name, FOLDER).href);
  const modules: Record<string, object>[] = await Promise.all(files.map((file) => import(file)));
  const names = modules.flatMap((module) => Object.values(module).flatMap(Object.keys));
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  expect(Object.keys(queries).toSorted()).toEqual(names.toSorted());
});

test("no argument has SQLite prepare a statement anew, and nothing but arguments is bound", ({
  expect,
}) => {
  for (const [name, { sqlite }] of Object.entries(queries)) {
    expect(sqlite.sql.replaceAll("+?", ""), name).not.toContain("?");
    expect(
      sqlite.parameters.filter((parameter) => !("arg" in parameter)),
      name,
    ).toEqual([]);
  }
});
