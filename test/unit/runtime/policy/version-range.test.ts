import { describe, test } from "vitest";
import { findRangeFault, isInRange } from "../../../../runtime/policy/version-range.ts";

describe("isInRange()", () => {
  test.for<[string, string, boolean]>([
    ["1.2.3", ">=1.2.3", true],
    ["1.2.2", ">=1.2.3", false],
    ["1.2.3", ">1.2.3", false],
    ["1.10.0", ">1.9.9", true],
    ["1.2.3", "<=1.2.3", true],
    ["1.2.3", "<1.2.3", false],
    ["1.2.3", "1.2.3", true],
    ["1.2.3", "=1.2.4", false],
    ["1.2.3+build", "=1.2.3", true],
    ["1.9.9", "^1.2.3", true],
    ["2.0.0", "^1.2.3", false],
    ["2.0.0-rc.1", "^1.2.3", false],
    ["0.2.9", "^0.2.3", true],
    ["0.3.0", "^0.2.3", false],
    ["0.0.3", "^0.0.3", true],
    ["0.0.4", "^0.0.3", false],
    ["1.2.9", "~1.2.3", true],
    ["1.3.0", "~1.2.3", false],
    ["1.5.0", ">=1.2.0 <2.0.0", true],
    ["2.0.0", ">=1.2.0 <2.0.0", false],
    ["2.0.0-rc.1", "<2.0.0", true],
    ["2.0.0-rc.2", ">2.0.0-rc.1", true],
    ["2.0.0-rc.10", ">2.0.0-rc.9", true],
    ["2.0.0-rc.1", ">2.0.0-rc", true],
    ["2.0.0-1", "<2.0.0-alpha", true],
    ["2.0.0-alpha", "<2.0.0-beta", true],
    ["not a version", ">=0.0.0", false],
  ])("%s in %s: %s", ([version, range, isIn], { expect }) => {
    expect(isInRange(version, range)).toBe(isIn);
  });
});

describe("findRangeFault()", () => {
  test.for(["", "*", "1.x", "^1.2", ">=1.0.0  <2.0.0", "1.0.0 || 2.0.0", "v1.0.0", "!1.0.0"])(
    'refuses "%s"',
    (range, { expect }) => expect(findRangeFault(range)).toContain("expected versions as in"),
  );

  test("takes comparators with a space between them", ({ expect }) => {
    expect(findRangeFault(">=1.2.0 <2.0.0-0 ~1.3.0")).toBeUndefined();
  });
});
