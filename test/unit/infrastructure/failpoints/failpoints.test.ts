import { afterEach, test } from "vitest";
import {
  armFailpoints,
  failpoint,
  isDropped,
  passCommit,
} from "#infrastructure/failpoints/failpoints.ts";

afterEach(() => armFailpoints(undefined));

test("isDropped() is true from the passing on that was armed", ({ expect }) => {
  armFailpoints("bus:publish=drop@3");
  expect(Array.from({ length: 4 }, () => isDropped("bus:publish"))).toEqual([
    false,
    false,
    true,
    true,
  ]);
});

test("nothing happens at points that are not armed", ({ expect }) => {
  expect(isDropped("bus:publish")).toBe(false);
  armFailpoints("before-commit:accept=kill@2");
  failpoint("accept:answer");
  passCommit("after", [{ method: "accept" }, { method: "accept" }]);
  passCommit("before", [{ method: "accept" }, { method: "save" }]);
  expect(isDropped("bus:publish")).toBe(false);
});

test.for(["accept:answer", "accept:answer=burn", "no:such=kill", "accept:answer=kill@0", ""])(
  "armFailpoints() refuses %j",
  (spec, { expect }) => {
    expect(() => armFailpoints(spec)).toThrow(
      `Cannot arm the failpoint "${spec}": expected "<name>=<kill|stop|drop>@<n>"`,
    );
  },
);
