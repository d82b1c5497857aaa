import { describe, test } from "vitest";
import { LAYER_NAMES, type Layers } from "../../../../runtime/supervisor/layers/layers.ts";
import {
  checkLayerNames,
  missingLayersFor,
} from "../../../../runtime/supervisor/layers/missing-layers.ts";

function layersWithout(...names: readonly string[]): Layers {
  const states = LAYER_NAMES.map((name) => {
    return { name, isInForce: !names.includes(name), detail: "" };
  });
  return { launcher: [], states };
}

describe("missingLayersFor()", () => {
  test("misses nothing where every layer is in force", ({ expect }) => {
    expect(missingLayersFor("community", layersWithout())).toEqual([]);
  });

  test("asks the most for community skills and the least for our own", ({ expect }) => {
    const none: Layers = { launcher: [], states: [] };
    expect(missingLayersFor("first-party", none)).toEqual(["kill-at-deadline"]);
    expect(missingLayersFor("verified", none)).toEqual([
      "kill-at-deadline",
      "no-files",
      "no-programs",
    ]);
    expect(missingLayersFor("community", none)).toEqual([
      "kill-at-deadline",
      "no-files",
      "no-programs",
      "no-network",
      "no-new-privileges",
      "rlimits",
    ]);
  });

  test("does without what no trust asks for", ({ expect }) => {
    const layers = layersWithout("other-user", "memory-cgroup", "no-signals", "lowest-priority");
    expect(missingLayersFor("community", layers)).toEqual([]);
  });

  test("leaves out what the operator allows to be missing, and only that", ({ expect }) => {
    const layers = layersWithout("no-network", "rlimits");
    expect(missingLayersFor("community", layers, ["no-network"])).toEqual(["rlimits"]);
    expect(missingLayersFor("community", layers, ["no-network", "rlimits"])).toEqual([]);
  });

  test("refuses to allow a name that is no layer's", ({ expect }) => {
    expect(() => missingLayersFor("community", layersWithout(), ["network"])).toThrow(RangeError);
  });
});

test("checkLayerNames() names the unknown layer and the known ones", ({ expect }) => {
  expect(() => checkLayerNames(["rlimits", "seccomp"])).toThrow(
    /^Cannot allow a missing layer "seccomp": expected one of no-files, .*no-network/u,
  );
});
