import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { HttpReply } from "./http-reply.ts";

/** The built web page, all in memory. */
export interface StaticFiles {
  /** The file at the URL path `path`, or 304 where the browser has it already. */
  find(path: string, ifNoneMatch: string): HttpReply | undefined;
}

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};

const NOT_BUILT: HttpReply = {
  status: 503,
  headers: { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" },
  body: "The web page is not built yet. Run: npm run build:web\n",
};

/** Reads every file of `webDir`; where there is none, the page says how to build it. */
export async function loadStaticFiles(webDir: string): Promise<StaticFiles> {
  const entries = await readdir(webDir, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  const replies = new Map(
    await Promise.all(
      files.map(async (file) => loadFile(webDir, path.join(file.parentPath, file.name))),
    ),
  );
  const index = replies.get("/index.html") ?? NOT_BUILT;
  return {
    find(urlPath, ifNoneMatch) {
      const reply = urlPath === "/" ? index : replies.get(urlPath);
      const { ETag: tag } = reply?.headers ?? {};
      if (reply === undefined || tag === undefined || tag !== ifNoneMatch) return reply;
      return { status: 304, headers: reply.headers ?? {} };
    },
  };
}

async function loadFile(webDir: string, file: string): Promise<[string, HttpReply]> {
  const urlPath = `/${path.relative(webDir, file).split(path.sep).join("/")}`;
  const body = await readFile(file);
  // Vite puts the hash of the content into the names of what lies in assets/.
  const isHashed = urlPath.startsWith("/assets/");
  const headers = {
    "Content-Type": TYPES[path.extname(file)] ?? "application/octet-stream",
    "Cache-Control": isHashed ? "public, max-age=31536000, immutable" : "no-cache",
    ETag: `"${createHash("sha256").update(body).digest("base64url")}"`,
  };
  return [urlPath, { status: 200, headers, body }];
}
