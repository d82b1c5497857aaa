import { test } from "vitest";
import { createServices } from "../../../../runtime/broker/create-services.ts";
import { openMemoryKv } from "../../../../runtime/broker/memory-kv.ts";
import { createLeakScanner } from "../../../../runtime/broker/secrets/leak-scanner.ts";
import { GRANT_OF } from "../../../../runtime/protocol.ts";

test("createServices() serves all that the sandbox process does not answer", ({ expect }) => {
  const services = createServices({
    kv: openMemoryKv(),
    secrets: new Map(),
    leakScanner: createLeakScanner(new Map()),
  });
  const answeredInside = new Set(["log", "now", "random"]);
  const brokered = Object.keys(GRANT_OF).filter((name) => !answeredInside.has(name));
  expect(Object.keys(services).toSorted()).toEqual(brokered.toSorted());
});
