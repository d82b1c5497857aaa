import { describe, test } from "vitest";
import { serveConfig } from "../../../../runtime/broker/config-service.ts";
import { serveSchedule } from "../../../../runtime/broker/schedule-service.ts";
import { askService } from "../../../support/ask-service.ts";
import { createGrantedPolicy } from "../../../support/granted-policy.ts";

const { config } = createGrantedPolicy().grants;
const policy = createGrantedPolicy({ config: { ...config, values: { city: "Bern", empty: "" } } });

describe("serveConfig()", () => {
  test.for([
    ["city", "Bern"],
    ["empty", ""],
    ["country", null],
    ["toString", null],
    ["__proto__", null],
  ] as const)("answers %s with %j", async ([name, value], { expect }) => {
    const { outcome } = await askService(serveConfig, { name }, { policy });
    expect(outcome).toEqual({ kind: "ok", value: { value } });
  });

  test("refuses arguments that it does not know", async ({ expect }) => {
    for (const args of [{}, { name: 1 }, { name: "" }, { name: "a", all: true }, "city"]) {
      expect((await askService(serveConfig, args, { policy })).outcome.kind).toBe("error");
    }
  });
});

test("serveSchedule() says that it is not there yet", async ({ expect }) => {
  expect((await askService(serveSchedule, {})).outcome).toEqual({
    kind: "error",
    message: '"schedule" is not available in this version',
  });
});
