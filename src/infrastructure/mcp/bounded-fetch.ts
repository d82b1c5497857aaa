import type { FetchLike } from "@modelcontextprotocol/client";
import { withTraceParent } from "./call-trace.ts";

const MAX_MESSAGE_BYTES = 4_194_304;
const NEWLINE = 0x0a;

/**
 * `fetch` for one MCP server: no line of what it streams, and nothing that it sends as a whole, may
 * be longer than a message.
 */
export function createBoundedFetch(): FetchLike {
  return async (url, init) => {
    const response = await fetch(url, withTraceParent(init));
    if (response.body === null) return response;
    const isStream = response.headers.get("content-type")?.includes("text/event-stream") ?? false;
    const body = response.body.pipeThrough(bounded(isStream));
    const { status, statusText, headers } = response;
    const copy = new Response(body, { status, statusText, headers });
    // Where a redirect led is asked for by whoever follows it.
    Object.defineProperty(copy, "url", { value: response.url });
    return copy;
  };
}

function bounded(isStream: boolean): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      const last = isStream ? chunk.lastIndexOf(NEWLINE) : -1;
      bytes = last === -1 ? bytes + chunk.byteLength : chunk.byteLength - last - 1;
      if (bytes <= MAX_MESSAGE_BYTES) controller.enqueue(chunk);
      else {
        const message = `Cannot read on: a message is longer than ${MAX_MESSAGE_BYTES} bytes`;
        controller.error(new Error(message));
      }
    },
  });
}
