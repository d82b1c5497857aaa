import { describe } from "vitest";
import { call, message } from "../../support/call-api.ts";
import { NOT_ALLOWED, OTHER_TOKEN } from "../../support/fakes/gateway-use-cases.ts";
import { gatewayTest as test } from "../../support/gateway-client.ts";

describe("models over REST", () => {
  test("lists what there is to choose from", async ({ expect, server }) => {
    const { status, json } = await call(server, "/api/v1/models");
    expect(status).toBe(200);
    expect(json).toMatchObject({
      default: { name: "offline/rules", model: "offline/rules" },
      models: [{ name: "offline/rules", isUsable: true, price: { input: 0, output: 0 } }],
    });
  });

  test("has a session answered by another model, and by the default one again", async ({
    expect,
    server,
  }) => {
    const sent = await call(server, "/api/v1/messages", message("c1"));
    const path = `/api/v1/sessions/${sent.json.sessionId}`;
    const choose = (model: unknown, token?: string) =>
      call(server, path, { method: "PATCH", body: { model }, ...(token && { token }) });
    expect(await choose("openai/gpt-5-mini")).toMatchObject({
      status: 200,
      json: { id: sent.json.sessionId, model: "openai/gpt-5-mini" },
    });
    expect((await call(server, path)).json.model).toBe("openai/gpt-5-mini");
    expect((await call(server, "/api/v1/sessions")).json.sessions[0].model).toBe(
      "openai/gpt-5-mini",
    );
    expect((await choose(null)).json).not.toHaveProperty("model");
    expect(await choose("unknown")).toMatchObject({
      status: 400,
      json: { code: "bad-frame", detail: expect.stringContaining('"model" is not known') },
    });
    expect(await choose(NOT_ALLOWED)).toMatchObject({
      status: 400,
      json: { detail: expect.stringContaining('"model" may not be chosen here') },
    });
    expect((await choose(5)).status).toBe(400);
    expect((await choose("openai/gpt-5-mini", OTHER_TOKEN)).status).toBe(404);
  });
});
