import { describe, test } from "vitest";
import { type HttpAsk, parseHttpAsk } from "../../../../../runtime/broker/http/http-ask.ts";
import { checkRedirects, toNextHop } from "../../../../../runtime/broker/http/next-hop.ts";

const HEADERS = {
  authorization: "Bearer mine",
  cookie: "a=b",
  "x-api-key": "mine",
  "content-type": "text/plain",
  accept: "text/html",
};

const ask = (method: HttpAsk["method"], url = "https://one.test/a/b"): HttpAsk =>
  parseHttpAsk(
    { url, method, headers: HEADERS, secrets: ["TOKEN"] },
    method === "GET" || method === "HEAD" ? Buffer.alloc(0) : Buffer.from("body"),
  );

const redirect = (status: number, location: string) => ({
  status,
  headers: { location },
  body: Buffer.alloc(0),
});

describe("toNextHop()", () => {
  test.for([
    [301, "POST", "GET"],
    [302, "POST", "GET"],
    [303, "POST", "GET"],
    [303, "PUT", "GET"],
    [303, "DELETE", "GET"],
    [303, "HEAD", "HEAD"],
    [301, "PUT", "PUT"],
    [302, "DELETE", "DELETE"],
    [307, "POST", "POST"],
    [308, "POST", "POST"],
    [301, "HEAD", "HEAD"],
    [302, "GET", "GET"],
  ] as const)("after %i, %s becomes %s", ([status, method, then], { expect }) => {
    const next = toNextHop(ask(method), redirect(status, "c"));
    expect(next).toMatchObject({ method: then, target: { href: "https://one.test/a/c" } });
    const hasBody = then === method && method !== "GET" && method !== "HEAD";
    expect(next?.body.toString()).toBe(hasBody ? "body" : "");
    const keepsType = then === method;
    expect(next?.headers["content-type"]).toBe(keepsType ? "text/plain" : undefined);
  });

  test("keeps credentials and secrets on the same origin", ({ expect }) => {
    const next = toNextHop(ask("GET"), redirect(302, "/c"));
    expect(next).toMatchObject({ headers: HEADERS, secrets: ["TOKEN"] });
  });

  test.for([
    "https://two.test/",
    "https://one.test:8443/",
    "https://sub.one.test/",
    "//one.test.evil.test/",
  ])("drops credentials and secrets on the way to %s, for good", (location, { expect }) => {
    const away = toNextHop(ask("GET"), redirect(302, location));
    expect(away?.headers).toEqual({ "content-type": "text/plain", accept: "text/html" });
    expect(away?.secrets).toEqual([]);
    const back = away && toNextHop(away, redirect(302, "https://one.test/"));
    expect(back).toMatchObject({ secrets: [], target: { origin: "https://one.test" } });
    expect(back?.headers).not.toHaveProperty("authorization");
  });

  test("goes from http to https as to another origin, and never the other way", ({ expect }) => {
    const up = toNextHop(ask("GET", "http://one.test/"), redirect(301, "https://one.test/"));
    expect(up).toMatchObject({ secrets: [] });
    expect(() => toNextHop(ask("GET"), redirect(301, "http://one.test/"))).toThrow(
      "it leads from https to http",
    );
  });

  test.for(["file:///etc/passwd", "https://a:b@one.test/", "https://one.test./", "http://["])(
    "refuses a redirect to %s",
    (location, { expect }) => {
      expect(() => toNextHop(ask("GET"), redirect(302, location))).toThrow("Cannot use the URL");
    },
  );

  test("takes everything else as the answer", ({ expect }) => {
    for (const status of [200, 201, 300, 304, 305, 404]) {
      expect(toNextHop(ask("GET"), redirect(status, "/c")), `${status}`).toBeUndefined();
    }
    const none = { status: 302, headers: {}, body: Buffer.alloc(0) };
    expect(toNextHop(ask("GET"), none)).toBeUndefined();
  });
});

test("checkRedirects() counts", ({ expect }) => {
  checkRedirects(3, 3, "a rule");
  expect(() => checkRedirects(4, 3, "a rule")).toThrow(
    "Cannot follow redirect 4: expected at most 3",
  );
  expect(() => checkRedirects(1, 0, "a rule")).toThrow("at most 0");
});
