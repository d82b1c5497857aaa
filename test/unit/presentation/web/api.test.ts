import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "vitest";
import { createApi } from "../../../../src/presentation/web/api.ts";

async function serve(answer: RequestListener) {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`;
  const close = async () => {
    server.closeAllConnections();
    await once(server.close(), "close");
  };
  return { api: createApi(fetch, baseUrl), close, [Symbol.asyncDispose]: close };
}

describe("createApi()", () => {
  test("asks for what docs/protocol.md lists", async ({ expect }) => {
    const asked: string[] = [];
    await using served = await serve((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.end('{"sessions":[],"skills":[],"notes":[],"messageIds":["m"]}');
    });
    await served.api.listSessions(50);
    await served.api.listSessions(50, "abc");
    await served.api.listSkills();
    expect(await served.api.listNotes()).toEqual([]);
    await served.api.deleteNote("n/1");
    expect(await served.api.listPins("s 1")).toEqual(["m"]);
    await served.api.setPinned("s", "m", false);
    expect(asked).toEqual([
      "GET /api/v1/sessions?limit=50",
      "GET /api/v1/sessions?limit=50&cursor=abc",
      "GET /api/v1/skills",
      "GET /api/v1/memory",
      "DELETE /api/v1/memory/n%2F1",
      "GET /api/v1/sessions/s%201/pins",
      "DELETE /api/v1/sessions/s/pins/m",
    ]);
  });

  test("sends the token as JSON and takes an empty answer", async ({ expect }) => {
    const bodies: string[] = [];
    await using served = await serve((request, response) => {
      request.setEncoding("utf8").on("data", (text: string) => bodies.push(text));
      request.on("end", () => response.writeHead(204).end());
    });
    expect(await served.api.login("abc")).toBeUndefined();
    expect(bodies).toEqual(['{"token":"abc"}']);
  });

  test("rejects with the problem's code and detail", async ({ expect }) => {
    await using served = await serve((_request, response) => {
      response.writeHead(409, { "content-type": "application/problem+json" });
      response.end('{"code":"conflict","detail":"A turn runs"}');
    });
    await expect(served.api.deleteSession("s")).rejects.toMatchObject({
      name: "ApiError",
      code: "conflict",
      message: "A turn runs",
    });
  });

  test("rejects with a code where the answer has none", async ({ expect }) => {
    await using served = await serve((request, response) => {
      response.writeHead(request.url?.endsWith("me") ? 401 : 502).end("<html>");
    });
    await expect(served.api.getMe()).rejects.toMatchObject({ code: "unauthorized" });
    await expect(served.api.listSkills()).rejects.toMatchObject({ code: "internal" });
  });

  test("says that nobody answers", async ({ expect }) => {
    const { api, close } = await serve(() => undefined);
    await close();
    await expect(api.getMe()).rejects.toMatchObject({ code: "unreachable" });
  });
});
