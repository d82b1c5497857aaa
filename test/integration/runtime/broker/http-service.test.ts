import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, test, vi } from "vitest";
import { createHttpService } from "../../../../runtime/broker/http/http-service.ts";
import type { Resolve } from "../../../../runtime/broker/http/resolve-host.ts";
import { createLeakScanner } from "../../../../runtime/broker/secrets/leak-scanner.ts";
import type { ServiceReply } from "../../../../runtime/broker/service.ts";
import type {
  Grants,
  HttpGrant,
  HttpRule,
  SecretGrant,
} from "../../../../runtime/policy/grants.ts";
import type { JsonValue } from "../../../../runtime/protocol.ts";
import { askService } from "../../../support/ask-service.ts";
import { createGrantedPolicy } from "../../../support/granted-policy.ts";
import { createSelfSignedCertificate } from "../../../support/self-signed-certificate.ts";

const TOKEN = "token-0123456789abcdef";
const KEY = "key with spaces & signs";
const SECRETS = new Map([
  ["TOKEN", TOKEN],
  ["KEY", KEY],
]);

const certificate = createSelfSignedCertificate(["api.test", "other.test", "127.0.0.1"]);
const trusted = getCACertificates("default");
beforeAll(() => setDefaultCACertificates([...trusted, certificate.cert]));
afterAll(() => setDefaultCACertificates(trusted));

/** A server on 127.0.0.1 and what it was asked. */
interface Origin extends AsyncDisposable {
  readonly port: number;
  readonly requests: readonly { readonly line: string; readonly headers: Headers; body: string }[];
}
type Headers = IncomingMessage["headers"];

async function serve(server: Server, answer: RequestListener): Promise<Origin> {
  const requests: { line: string; headers: Headers; body: string }[] = [];
  server.on("request", (request: IncomingMessage, response) => {
    const { method, url, headers } = request;
    const seen = { line: `${method} ${url}`, headers, body: "" };
    requests.push(seen);
    request.on("data", (chunk: Buffer) => {
      seen.body += chunk.toString();
    });
    request.on("end", () => answer(request, response));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const openHttp = (answer: RequestListener) => serve(createServer(), answer);
const openHttps = (answer: RequestListener) => serve(createTlsServer(certificate), answer);

/** Every name is this machine: the private address is what is checked, not the name. */
const toLoopback: Resolve = async () => [{ address: "127.0.0.1" }];

interface AskParts {
  readonly http?: Partial<HttpGrant>;
  readonly rule?: Partial<HttpRule>;
  readonly secrets?: readonly SecretGrant[];
  readonly body?: string;
  readonly resolve?: Resolve;
  readonly signal?: AbortSignal;
}

/** Asks with a policy that grants all hosts of ".test", and loopback addresses. */
function ask(args: JsonValue, parts: AskParts = {}): Promise<ServiceReply> {
  const { http, rule, secrets = [], body = "", resolve = toLoopback, signal } = parts;
  const service = createHttpService({
    secrets: SECRETS,
    leakScanner: createLeakScanner(SECRETS),
    resolve,
  });
  const any = { host: "*.test", schemes: ["http", "https"], ...rule };
  const apex = ["api.test", "other.test"].map((host) => ({ ...any, host }));
  const rules = [any, ...apex].map((each) => ({ ...each, rule: "test.yaml:7: grants.http.0" }));
  const { http: granted } = createGrantedPolicy().grants;
  const grants: Partial<Grants> = {
    http: { ...granted, allow: rules, asked: rules, privateAddresses: ["127.0.0.0/8"], ...http },
    secrets,
  };
  const policy = createGrantedPolicy(grants);
  return askService(service, args, { policy, body, ...(signal === undefined ? {} : { signal }) });
}

function bodyOf({ outcome }: ServiceReply): string {
  if (outcome.kind === "error") throw new Error(outcome.message);
  return Buffer.from(outcome.body ?? []).toString();
}

const secret = (name: string, audience: string, inject: SecretGrant["inject"]): SecretGrant => ({
  name,
  audience,
  inject,
  verdict: "allowed",
  rule: `test.yaml:9: grants.secrets.${name}`,
});
const bearer = (audience: string) =>
  secret("TOKEN", audience, { kind: "header", header: "Authorization", prefix: "Bearer " });
const queryKey = (audience: string) =>
  secret("KEY", audience, { kind: "query", parameter: "api_key" });

const echo: RequestListener = ({ method, url, headers }, response) => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ method, url, headers }));
};

describe("http", () => {
  test("answers a request with status, headers, URL and body", async ({ expect }) => {
    await using origin = await openHttp((_request, response) => {
      response.setHeader("X-Two", ["a", "b"]);
      response.setHeader("Set-Cookie", ["session=1"]);
      response.writeHead(201).end("made \u{E9}");
    });
    const url = `http://api.test:${origin.port}/v1/things?a=%20b`;
    const headers = { "X-Mine": "yes", Cookie: "a=b" };
    const reply = await ask({ url: `${url}#part`, method: "POST", headers }, { body: "a thing" });
    expect(reply).toMatchObject({
      ruling: { verdict: "allowed", rule: "test.yaml:7: grants.http.0" },
      outcome: { kind: "ok", value: { status: 201, url, headers: { "x-two": "a, b" } } },
    });
    expect(bodyOf(reply)).toBe("made \u{E9}");
    expect(JSON.stringify(reply.outcome)).not.toContain("session=1");
    expect(origin.requests).toMatchObject([
      {
        line: "POST /v1/things?a=%20b",
        body: "a thing",
        headers: {
          host: `api.test:${origin.port}`,
          "x-mine": "yes",
          cookie: "a=b",
          "content-length": "7",
          connection: "close",
        },
      },
    ]);
  });

  test.for(["HEAD", "PUT", "PATCH", "DELETE"])("sends %s", async (method, { expect }) => {
    await using origin = await openHttp(echo);
    const reply = await ask({ url: `http://api.test:${origin.port}/`, method });
    expect(reply.outcome).toMatchObject({ kind: "ok", value: { status: 200 } });
    expect(origin.requests).toMatchObject([{ line: `${method} /` }]);
  });

  test("speaks TLS for the host's own name, and with no one else", async ({ expect }) => {
    await using origin = await openHttps(echo);
    const good = await ask({ url: `https://api.test:${origin.port}/` });
    expect(good.outcome).toMatchObject({ kind: "ok", value: { status: 200 } });
    const wrongName = await ask({ url: `https://wrong.test:${origin.port}/` });
    expect(wrongName.outcome).toEqual({
      kind: "error",
      message: "The server's certificate cannot be trusted",
    });
    expect(origin.requests).toHaveLength(1);
  });

  test("speaks TLS with an address that the certificate names", async ({ expect }) => {
    await using origin = await openHttps(echo);
    const rule = { host: "127.0.0.1" };
    const reply = await ask({ url: `https://127.0.0.1:${origin.port}/` }, { rule });
    expect(reply.outcome).toMatchObject({ kind: "ok", value: { status: 200 } });
  });

  test("trusts no certificate that nobody vouches for", async ({ expect }) => {
    const unknown = createSelfSignedCertificate(["api.test"]);
    await using origin = await serve(createTlsServer(unknown), echo);
    const { outcome } = await ask({ url: `https://api.test:${origin.port}/` });
    expect(outcome).toMatchObject({ message: "The server's certificate cannot be trusted" });
    expect(origin.requests).toHaveLength(0);
  });

  test("is led by no variable of the environment", async ({ expect, onTestFinished }) => {
    onTestFinished(() => void vi.unstubAllEnvs());
    await using proxy = await openHttp(echo);
    for (const name of ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"]) {
      vi.stubEnv(name, `http://127.0.0.1:${proxy.port}`);
    }
    vi.stubEnv("NODE_USE_ENV_PROXY", "1");
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    await using origin = await openHttps(echo);
    const good = await ask({ url: `https://api.test:${origin.port}/` });
    expect(good.outcome.kind).toBe("ok");
    const wrongName = await ask({ url: `https://wrong.test:${origin.port}/` });
    expect(wrongName.outcome.kind).toBe("error");
    expect(proxy.requests).toHaveLength(0);
  });

  test("makes no request that the policy does not grant", async ({ expect }) => {
    await using origin = await openHttp(echo);
    const url = `http://api.test:${origin.port}/v1`;
    const rule = { methods: ["GET"], paths: ["/v1"] };
    for (const args of [
      { url, method: "POST" },
      { url: `${url}x` },
      { url: `${url}/../v2` },
      { url: url.replace("api.test", "api.example") },
    ]) {
      const reply = await ask(args, { rule });
      expect(reply.ruling.verdict, args.url).toBe("denied");
      expect(reply.outcome).toMatchObject({ message: expect.stringMatching(/is not granted$/u) });
    }
    expect(origin.requests).toHaveLength(0);
    expect((await ask({ url }, { rule })).outcome.kind).toBe("ok");
  });

  test("says which rule denies", async ({ expect }) => {
    const deny = [{ host: "api.test", rule: "test.yaml:8: grants.http.deny.0" }];
    const reply = await ask({ url: "http://api.test/" }, { http: { deny } });
    expect(reply.ruling).toEqual({ verdict: "denied", rule: "test.yaml:8: grants.http.deny.0" });
  });

  test.for([
    { url: "http://user:word@api.test/" },
    { url: "http://api.test./" },
    { url: "file:///etc/passwd" },
    { url: "http://api.test/", headers: { Host: "metadata.google.internal" } },
    { url: "http://api.test/", headers: { "X-A": "b\r\nHost: c" } },
    { url: "http://api.test/", headers: { "Proxy-Authorization": "a" } },
  ])("refuses %j before anything else", async (args, { expect }) => {
    const asked: string[] = [];
    const resolve: Resolve = async (host) => {
      asked.push(host);
      return [{ address: "127.0.0.1" }];
    };
    const reply = await ask(args, { resolve });
    expect(reply.ruling).toEqual({ verdict: "denied", rule: "platform: http request" });
    expect(reply.outcome.kind).toBe("error");
    expect(asked).toEqual([]);
  });

  test("a request that is none is a failure, no denial", async ({ expect }) => {
    for (const args of [
      null,
      { url: "" },
      { url: "http://api.test/", proxy: "http://127.0.0.1" },
      { url: "http://api.test/", headers: { accept: "a", ACCEPT: "b" } },
      { url: `http://api.test/${"a".repeat(9_000)}` },
    ]) {
      const { ruling, outcome } = await ask(args);
      expect(ruling.verdict).toBe("allowed");
      expect(outcome).toMatchObject({ kind: "error", message: expect.stringMatching(/^Cannot/u) });
    }
  });
});

describe("http and private addresses", () => {
  // Hosts that a policy could have granted by mistake, or by a name that anybody may own.
  test.for([
    "127.0.0.1",
    "2130706433",
    "0x7f.1",
    "0177.0.0.1",
    "127.1",
    "0.0.0.0",
    "\u{FF11}\u{FF12}\u{FF17}.0.0.1",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "localhost",
    "127.0.0.1.nip.io",
    "localtest.me",
  ])("connects to no server of this machine by %s", async (host, { expect }) => {
    await using origin = await openHttp(echo);
    const url = `http://${host}:${origin.port}/`;
    const rule = { host: new URL(url).hostname };
    const reply = await ask({ url }, { rule, http: { privateAddresses: [] } });
    expect(reply).toMatchObject({
      ruling: { verdict: "denied", rule: "platform: private address" },
      outcome: { kind: "error" },
    });
    expect(origin.requests).toHaveLength(0);
  });

  test("refuses a name with one private address among public ones", async ({ expect }) => {
    const resolve: Resolve = async () => [{ address: "93.184.215.14" }, { address: "127.0.0.1" }];
    const reply = await ask(
      { url: "http://api.test/" },
      { resolve, http: { privateAddresses: [] } },
    );
    expect(reply.ruling.rule).toBe("platform: private address");
  });

  test("resolves a name once: what it says afterwards reaches nobody", async ({ expect }) => {
    await using origin = await openHttp(echo);
    let asked = 0;
    const resolve: Resolve = async () => {
      asked += 1;
      return [{ address: asked === 1 ? "127.0.0.1" : "10.0.0.1" }];
    };
    const url = `http://rebinds.test:${origin.port}/`;
    expect((await ask({ url }, { resolve })).outcome.kind).toBe("ok");
    expect(asked).toBe(1);
    expect((await ask({ url }, { resolve })).ruling.rule).toBe("platform: private address");
  });

  test("resolves anew for each hop", async ({ expect }) => {
    await using origin = await openHttp((_request, response) => {
      response.writeHead(302, { location: "/again" }).end();
    });
    let asked = 0;
    const resolve: Resolve = async () => {
      asked += 1;
      return [{ address: asked === 1 ? "127.0.0.1" : "169.254.169.254" }];
    };
    const reply = await ask({ url: `http://rebinds.test:${origin.port}/` }, { resolve });
    expect(reply.ruling).toEqual({ verdict: "denied", rule: "platform: private address" });
    expect(origin.requests).toHaveLength(1);
  });

  test("takes another checked address when the first does not answer", async ({ expect }) => {
    await using origin = await openHttp(echo);
    const resolve: Resolve = async () => [{ address: "127.0.0.2" }, { address: "127.0.0.1" }];
    const reply = await ask({ url: `http://api.test:${origin.port}/` }, { resolve });
    expect(reply.outcome.kind).toBe("ok");
  });
});

describe("http and redirects", () => {
  test("follows them and says where they led", async ({ expect }) => {
    await using origin = await openHttp(({ url }, response) => {
      if (url === "/end") return response.end("here");
      return response.writeHead(302, { location: url === "/1" ? "/2" : "/end" }).end("moved");
    });
    const base = `http://api.test:${origin.port}`;
    const reply = await ask({ url: `${base}/1`, method: "POST" }, { body: "x" });
    expect(bodyOf(reply)).toBe("here");
    expect(reply.outcome).toMatchObject({ value: { url: `${base}/end` } });
    expect(origin.requests.map(({ line }) => line)).toEqual(["POST /1", "GET /2", "GET /end"]);
  });

  test("sends a body again where the redirect says so", async ({ expect }) => {
    await using origin = await openHttp(({ url }, response) => {
      response.writeHead(url === "/1" ? 307 : 200, { location: "/2" }).end();
    });
    await ask({ url: `http://api.test:${origin.port}/1`, method: "PUT" }, { body: "x" });
    expect(origin.requests).toMatchObject([
      { line: "PUT /1", body: "x" },
      { line: "PUT /2", body: "x" },
    ]);
  });

  test("stops at the last one that is granted", async ({ expect }) => {
    await using origin = await openHttp((_request, response) => {
      response.writeHead(302, { location: "/round" }).end();
    });
    const reply = await ask({ url: `http://api.test:${origin.port}/` });
    expect(reply.ruling.verdict).toBe("denied");
    expect(reply.outcome).toMatchObject({
      message: "Cannot follow redirect 4: expected at most 3",
    });
    expect(origin.requests).toHaveLength(4);
  });

  test.for([
    ["http://169.254.169.254/latest/meta-data/", "manifest: capabilities.http"],
    ["http://metadata.test/latest/meta-data/", "platform: private address"],
    ["http://elsewhere.example/", "manifest: capabilities.http"],
    ["//user@api.test/", "platform: http request"],
    ["file:///etc/passwd", "platform: http request"],
    ["http://[::ffff:a9fe:a9fe]/", "manifest: capabilities.http"],
  ] as const)("follows none to %s", async ([location, rule], { expect }) => {
    await using origin = await openHttp((_request, response) => {
      response.writeHead(302, { location }).end();
    });
    const resolve: Resolve = async (host) => [
      { address: host === "metadata.test" ? "169.254.169.254" : "127.0.0.1" },
    ];
    const reply = await ask({ url: `http://api.test:${origin.port}/` }, { resolve });
    expect(reply.ruling).toEqual({ verdict: "denied", rule });
    expect(reply.outcome.kind).toBe("error");
  });

  test("follows none from https to http", async ({ expect }) => {
    await using plain = await openHttp(echo);
    await using origin = await openHttps((_request, response) => {
      response.writeHead(301, { location: `http://api.test:${plain.port}/` }).end();
    });
    const reply = await ask({ url: `https://api.test:${origin.port}/` });
    expect(reply.ruling).toEqual({ verdict: "denied", rule: "platform: redirect" });
    expect(plain.requests).toHaveLength(0);
  });

  test("a guest's own credentials stay with their origin", async ({ expect }) => {
    await using other = await openHttp(echo);
    await using origin = await openHttp((_request, response) => {
      response.writeHead(307, { location: `http://other.test:${other.port}/` }).end();
    });
    const headers = { authorization: "mine", cookie: "a=b", "x-api-key": "mine", accept: "a/b" };
    await ask({ url: `http://api.test:${origin.port}/`, headers });
    expect(origin.requests[0]?.headers).toMatchObject(headers);
    const { authorization, cookie, accept, "x-api-key": key } = other.requests[0]?.headers ?? {};
    expect({ authorization, cookie, key, accept }).toEqual({ accept: "a/b" });
  });
});

describe("http and its bounds", () => {
  test("reads what is compressed, and says no more of its packing", async ({ expect }) => {
    await using origin = await openHttp(({ url }, response) => {
      const isGzip = url === "/gzip";
      response.setHeader("content-encoding", isGzip ? "gzip" : "br");
      response.end((isGzip ? gzipSync : brotliCompressSync)("the content"));
    });
    for (const path of ["gzip", "br"]) {
      const headers = { "accept-encoding": "zstd" };
      const reply = await ask({ url: `http://api.test:${origin.port}/${path}`, headers });
      expect(bodyOf(reply)).toBe("the content");
      expect(JSON.stringify(reply.outcome)).not.toMatch(/content-(?:encoding|length)/u);
    }
    expect(origin.requests[0]?.headers).toMatchObject({ "accept-encoding": "gzip, deflate, br" });
  });

  test("stops a body that unpacks to more than is granted", async ({ expect }) => {
    const bomb = gzipSync(Buffer.alloc(100_000_000));
    await using origin = await openHttp((_request, response) => {
      response.setHeader("content-encoding", "gzip").end(bomb);
    });
    const rule = { maxResponseBytes: 1_000_000 };
    const reply = await ask({ url: `http://api.test:${origin.port}/` }, { rule });
    expect(bomb.length).toBeLessThan(1_000_000);
    expect(reply.outcome).toEqual({
      kind: "error",
      message: "The response is larger than 1000000 bytes",
    });
  });

  test("stops a body without end", async ({ expect }) => {
    await using origin = await openHttp((_request, response) => {
      const chunk = Buffer.alloc(16_384);
      const write = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on("drain", write);
      write();
    });
    const rule = { maxResponseBytes: 1_000_000 };
    const reply = await ask({ url: `http://api.test:${origin.port}/` }, { rule });
    expect(reply.outcome).toMatchObject({ message: "The response is larger than 1000000 bytes" });
  });

  test("takes a body of just the size that is granted", async ({ expect }) => {
    await using origin = await openHttp((_request, response) => response.end("12345678"));
    const url = `http://api.test:${origin.port}/`;
    expect((await ask({ url }, { rule: { maxResponseBytes: 8 } })).outcome.kind).toBe("ok");
    expect((await ask({ url }, { rule: { maxResponseBytes: 7 } })).outcome.kind).toBe("error");
  });

  test("sends no body that is too large", async ({ expect }) => {
    await using origin = await openHttp(echo);
    const args = { url: `http://api.test:${origin.port}/`, method: "POST" };
    const rule = { maxRequestBytes: 4 };
    expect((await ask(args, { rule, body: "1234" })).outcome.kind).toBe("ok");
    expect((await ask(args, { rule, body: "12345" })).outcome).toEqual({
      kind: "error",
      message: "Cannot send 5 bytes: expected at most 4",
    });
    expect(origin.requests).toHaveLength(1);
  });

  test("stops a head that is too large", async ({ expect }) => {
    await using origin = await openHttp((_request, response) => {
      response.setHeader("x-large", "a".repeat(20_000)).end();
    });
    const reply = await ask({ url: `http://api.test:${origin.port}/` });
    expect(reply.outcome).toMatchObject({ message: "The head of the response is too large" });
  });

  test.for([
    ["never answers", () => undefined],
    [
      "begins its head and waits",
      (write: (text: string) => void) => write("HTTP/1.1 200 OK\r\nX-A: "),
    ],
    [
      "begins its body and waits",
      (write: (text: string) => void) => write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na"),
    ],
    [
      "tells of an answer to come, again and again",
      (write: (text: string) => void) => {
        const timer = setInterval(() => write("HTTP/1.1 102 Processing\r\n\r\n"), 5);
        return () => clearInterval(timer);
      },
    ],
    [
      "sends its body byte by byte",
      (write: (text: string) => void) => {
        write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        const timer = setInterval(() => write("a"), 5);
        return () => clearInterval(timer);
      },
    ],
  ] as const)(
    "waits no longer than is granted for a server that %s",
    async ([, answer], { expect }) => {
      await using server = await openTcp(answer);
      const rule = { timeoutMs: 500 };
      const reply = await ask({ url: `http://api.test:${server.port}/` }, { rule });
      expect(reply.outcome).toEqual({
        kind: "error",
        message: "The request took longer than 500 ms",
      });
      expect(reply.ruling.verdict).toBe("allowed");
      await server.closed;
    },
  );

  test("waits no longer than is granted for all redirects together", async ({ expect }) => {
    await using origin = await openHttp((_request, response) => {
      setTimeout(() => response.writeHead(302, { location: "/" }).end(), 150);
    });
    const url = `http://api.test:${origin.port}/`;
    const reply = await ask({ url }, { rule: { timeoutMs: 400 }, http: { maxRedirects: 1_000 } });
    expect(reply.outcome).toMatchObject({ message: "The request took longer than 400 ms" });
  });

  test("waits no longer than is granted for a TLS server that says nothing", async ({ expect }) => {
    await using server = await openTcp(() => undefined);
    const rule = { timeoutMs: 500 };
    const reply = await ask({ url: `https://api.test:${server.port}/` }, { rule });
    expect(reply.outcome).toMatchObject({ message: "The request took longer than 500 ms" });
    await server.closed;
  });

  test("ends with its call, and lets go of the connection", async ({ expect }) => {
    const ended = new AbortController();
    await using server = await openTcp(() => ended.abort());
    const { signal } = ended;
    const reply = await ask({ url: `http://api.test:${server.port}/` }, { signal });
    expect(reply.outcome).toEqual({ kind: "error", message: "The call has ended" });
    await server.closed;
    const late = await ask({ url: `http://api.test:${server.port}/` }, { signal });
    expect(late.outcome).toEqual({ kind: "error", message: "The call has ended" });
  });

  test.for([
    ["junk\r\n\r\n", "The response is no HTTP"],
    ["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "The connection failed"],
    ["", "The connection failed"],
    [
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
      "The response is no HTTP",
    ],
  ] as const)("says of the answer %j what is wrong", async ([text, message], { expect }) => {
    await using server = await openTcp((write, end) => {
      write(text);
      end();
    });
    const { outcome } = await ask({ url: `http://api.test:${server.port}/` });
    expect(outcome).toEqual({ kind: "error", message });
  });

  test("says that nobody listens, or that there is no such name", async ({ expect }) => {
    const origin = await openHttp(echo);
    await origin[Symbol.asyncDispose]();
    const url = `http://api.test:${origin.port}/`;
    expect((await ask({ url })).outcome).toMatchObject({ message: "The connection was refused" });
    const resolve: Resolve = () => Promise.reject(new Error("getaddrinfo ENOTFOUND api.test"));
    expect((await ask({ url }, { resolve })).outcome).toMatchObject({
      message: 'Cannot find the address of "api.test"',
    });
  });

  test("a header named __proto__ reaches nobody", async ({ expect }) => {
    await using server = await openTcp((write, end) => {
      write("HTTP/1.1 200 OK\r\n__proto__: a\r\nConstructor: b\r\n\r\n");
      end();
    });
    const { outcome } = await ask({ url: `http://api.test:${server.port}/` });
    expect(outcome).toMatchObject({ value: { headers: { constructor: "b" } } });
    const value = outcome.kind === "ok" ? JSON.stringify(outcome.value) : "";
    expect(value).not.toContain("__proto__");
  });
});

describe("http and secrets", () => {
  test("puts a secret into a header for its audience, over what the guest set", async ({
    expect,
  }) => {
    await using origin = await openHttps((_request, response) => response.end("welcome"));
    const base = `https://api.test:${origin.port}`;
    const args = { url: `${base}/`, secrets: ["TOKEN"], headers: { AUTHORIZATION: "mine" } };
    const reply = await ask(args, { secrets: [bearer(base)] });
    expect(bodyOf(reply)).toBe("welcome");
    expect(origin.requests[0]?.headers.authorization).toBe(`Bearer ${TOKEN}`);
    expect(JSON.stringify(reply)).not.toContain(TOKEN);
  });

  test("puts a secret into the query, over what the guest set", async ({ expect }) => {
    await using origin = await openHttps((_request, response) => response.end("welcome"));
    const base = `https://api.test:${origin.port}`;
    const args = { url: `${base}/?a=%20&api_key=mine&api%5Fkey=mine`, secrets: ["KEY"] };
    const reply = await ask(args, { secrets: [queryKey(base)] });
    expect(reply.outcome).toMatchObject({ value: { url: `${base}/?a=%20` } });
    expect(origin.requests[0]?.line).toBe("GET /?a=%20&api_key=key+with+spaces+%26+signs");
    expect(JSON.stringify(reply)).not.toMatch(/key.with.spaces/u);
  });

  test("sends none to another origin, and none that is not granted", async ({ expect }) => {
    await using origin = await openHttp(echo);
    const args = { url: `http://api.test:${origin.port}/`, secrets: ["TOKEN"] };
    const elsewhere = await ask(args, { secrets: [bearer("https://api.test")] });
    expect(elsewhere.ruling).toEqual({
      verdict: "denied",
      rule: "test.yaml:9: grants.secrets.TOKEN",
    });
    const ungranted = await ask(args);
    expect(ungranted.ruling).toEqual({ verdict: "denied", rule: "platform: secrets.TOKEN" });
    expect(origin.requests).toHaveLength(0);
  });

  test("says in the ruling that the use of a secret was only audited", async ({ expect }) => {
    await using origin = await openHttp((_request, response) => response.end());
    const base = `http://api.test:${origin.port}`;
    const secrets = [{ ...bearer(base), verdict: "audited" as const }];
    const reply = await ask({ url: base, secrets: ["TOKEN"] }, { secrets });
    expect(reply.ruling).toEqual({ verdict: "audited", rule: "test.yaml:9: grants.secrets.TOKEN" });
  });

  test("keeps a secret on its origin through redirects there", async ({ expect }) => {
    await using origin = await openHttp(({ url }, response) => {
      response.writeHead(url?.startsWith("/1") ? 302 : 200, { location: "/2?b=1" }).end();
    });
    const base = `http://api.test:${origin.port}`;
    const args = { url: `${base}/1`, secrets: ["TOKEN", "KEY"] };
    const reply = await ask(args, { secrets: [bearer(base), queryKey(base)] });
    expect(reply.outcome).toMatchObject({ value: { status: 200, url: `${base}/2?b=1` } });
    expect(origin.requests[1]?.headers.authorization).toBe(`Bearer ${TOKEN}`);
    expect(origin.requests[1]?.line).toBe("GET /2?b=1&api_key=key+with+spaces+%26+signs");
  });

  test("sends none after a redirect elsewhere, nor after one back", async ({ expect }) => {
    await using origin = await openHttp(({ url, headers }, response) => {
      const isFirst = headers.host?.startsWith("api.test") === true && url === "/1";
      const isSecond = headers.host?.startsWith("other.test") === true;
      const location = `http://${isFirst ? "other" : "api"}.test:${headers.host?.split(":")[1]}/2`;
      response.writeHead(isFirst || isSecond ? 302 : 200, { location }).end();
    });
    const base = `http://api.test:${origin.port}`;
    const args = { url: `${base}/1`, secrets: ["TOKEN"] };
    const reply = await ask(args, { secrets: [bearer(base)] });
    expect(reply.outcome).toMatchObject({ value: { status: 200, url: `${base}/2` } });
    expect(origin.requests.map(({ headers }) => headers.authorization)).toEqual([
      `Bearer ${TOKEN}`,
      undefined,
      undefined,
    ]);
  });

  test.for([
    ["another server", (port: number) => `http://other.test:${port}/?stolen=${TOKEN}`],
    ["itself", () => `/${TOKEN}`],
    ["a server that is not granted", () => `http://elsewhere.example/${TOKEN}`],
    ["itself, encoded", () => `/${Buffer.from(TOKEN).toString("base64url")}`],
  ] as const)("follows no redirect that carries a secret to %s", async ([, locate], { expect }) => {
    await using origin = await openHttp(({ headers }, response) => {
      const location = locate(Number(headers.host?.split(":")[1]));
      response.writeHead(302, { location }).end();
    });
    const base = `http://api.test:${origin.port}`;
    const reply = await ask({ url: base, secrets: ["TOKEN"] }, { secrets: [bearer(base)] });
    expect(reply.ruling).toEqual({ verdict: "denied", rule: "platform: secret leak" });
    expect(JSON.stringify(reply)).not.toContain(TOKEN);
    expect(origin.requests).toHaveLength(1);
  });

  test("a server that redirects with the key in the query gets it once", async ({ expect }) => {
    await using origin = await openHttp(({ url = "" }, response) => {
      const isFirst = url.startsWith("/1");
      response.writeHead(isFirst ? 301 : 200, { location: url.replace("/1", "/1/") });
      response.end();
    });
    const base = `http://api.test:${origin.port}`;
    const reply = await ask(
      { url: `${base}/1?a=b`, secrets: ["KEY"] },
      { secrets: [queryKey(base)], http: { maxRedirects: 1 } },
    );
    expect(origin.requests[1]?.line).toBe("GET /1/?a=b&api_key=key+with+spaces+%26+signs");
    expect(JSON.stringify(reply)).not.toMatch(/key.with.spaces/u);
  });

  const LEAKS: Readonly<Record<string, RequestListener>> = {
    "in its body": echo,
    "in a header": (_request, response) => response.setHeader("x-echo", `a ${TOKEN}`).end(),
    "in a header's name": (_request, response) => response.setHeader(`x-${TOKEN}`, "a").end(),
    "in base64": ({ headers }, response) => {
      response.end(Buffer.from(`{"h":"${headers.authorization}"}`).toString("base64"));
    },
    "in hex": (_request, response) => response.end(Buffer.from(TOKEN).toString("hex")),
    compressed: ({ headers }, response) => {
      response.setHeader("content-encoding", "gzip");
      response.end(gzipSync(JSON.stringify(headers)));
    },
    "in many pieces": (_request, response) => {
      const pieces = [...Buffer.from(`it is ${TOKEN}!`)].map((byte) => Buffer.of(byte));
      const write = () => {
        const piece = pieces.shift();
        if (piece === undefined) response.end();
        else response.write(piece, () => setImmediate(write));
      };
      write();
    },
  };
  for (const [where, answer] of Object.entries(LEAKS)) {
    test(`withholds an answer with a secret ${where}`, async ({ expect }) => {
      await using origin = await openHttp(answer);
      const base = `http://api.test:${origin.port}`;
      const reply = await ask({ url: base, secrets: ["TOKEN"] }, { secrets: [bearer(base)] });
      const message = "The response was withheld: it held a secret";
      expect(reply).toMatchObject({
        ruling: { verdict: "denied", rule: "platform: secret leak" },
        outcome: { kind: "error", message },
        shown: { result: { error: message } },
      });
      expect(JSON.stringify(reply)).not.toContain(TOKEN);
    });
  }

  test.for([
    { url: `http://api.test/?a=${TOKEN}` },
    { url: `http://api.test/${Buffer.from(TOKEN).toString("hex")}` },
    { url: "http://api.test/", headers: { "x-a": TOKEN } },
    { url: "http://api.test/", method: "POST" },
  ])("sends no secret that a guest came by: %j", async (args, { expect }) => {
    const body = "method" in args ? `it is ${TOKEN}` : "";
    const reply = await ask(args, { body });
    expect(reply).toMatchObject({
      ruling: { verdict: "denied", rule: "platform: secret leak" },
      outcome: { kind: "error", message: "The request was not sent: it held a secret" },
      shown: { args: { withheld: "they held a secret" } },
    });
  });

  test("withholds a secret from one who never named it", async ({ expect }) => {
    await using origin = await openHttp((_request, response) => response.end(`it is ${TOKEN}`));
    const reply = await ask({ url: `http://api.test:${origin.port}/` });
    expect(reply.ruling.rule).toBe("platform: secret leak");
  });
});

describe("http and records", () => {
  test("show requests and answers without credentials", async ({ expect }) => {
    await using origin = await openHttp((_request, response) => response.end("welcome"));
    const base = `http://api.test:${origin.port}`;
    const headers = { Authorization: "mine", Cookie: "mine", "X-Mine": "fine", "X-Token": "mine" };
    const place = { kind: "header", header: "X-Token", prefix: "" } as const;
    const reply = await ask(
      { url: `${base}/`, method: "POST", headers, secrets: ["TOKEN"] },
      { body: "hello", secrets: [secret("TOKEN", base, place)] },
    );
    expect(reply.shown).toMatchObject({
      args: {
        url: `${base}/`,
        method: "POST",
        headers: {
          authorization: "(redacted)",
          cookie: "(redacted)",
          "x-token": "(redacted)",
          "x-mine": "fine",
        },
        secrets: ["TOKEN"],
        body: "hello",
        bodyBytes: 5,
      },
      result: { answer: { status: 200, url: `${base}/` }, body: "welcome", bodyBytes: 7 },
    });
    expect(JSON.stringify(reply.shown)).not.toMatch(/"mine"|token-0/u);
  });

  test("show the beginning of long text, and of other bytes how many", async ({ expect }) => {
    await using origin = await openHttp(({ url }, response) => {
      response.end(url === "/text" ? "\u{E9}a".repeat(40_000) : Buffer.alloc(9, 255));
    });
    const base = `http://api.test:${origin.port}`;
    const text = await ask({ url: `${base}/text` });
    expect(text.shown?.result).toMatchObject({ bodyBytes: 120_000 });
    const shown = text.shown?.result as { body: string };
    expect(Buffer.byteLength(shown.body)).toBeLessThanOrEqual(65_536);
    expect(Buffer.byteLength(shown.body)).toBeGreaterThan(65_530);
    const bytes = await ask({ url: `${base}/bytes` });
    expect(bytes.shown?.result).not.toHaveProperty("body");
    expect(bytes.shown?.result).toMatchObject({ bodyBytes: 9 });
  });

  test("show no secret that a guest came by", async ({ expect }) => {
    const { shown } = await ask({ url: `http://api.test./?${TOKEN}` });
    expect(shown?.args).toEqual({ withheld: "they held a secret" });
    const known = await ask({ url: "http://api.test./" });
    expect(known.shown?.args).toEqual({ url: "http://api.test./" });
  });
});

interface TcpServer extends AsyncDisposable {
  readonly port: number;
  /** Settles when the first connection is gone. */
  readonly closed: Promise<void>;
}

type Answer = (write: (text: string) => void, end: () => void) => (() => void) | void;

/** A server that answers each request with raw bytes; what `answer` gives back stops it. */
async function openTcp(answer: Answer): Promise<TcpServer> {
  const closed = Promise.withResolvers<undefined>();
  const server = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("close", () => closed.resolve(undefined));
    socket.once("data", () => {
      const stop = answer(
        (text) => void socket.write(text),
        () => void socket.end(),
      );
      socket.once("close", () => stop?.());
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    closed: closed.promise,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}
