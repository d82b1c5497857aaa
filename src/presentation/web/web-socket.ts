import type { Socket, SocketListener } from "./connection.ts";
import { SUBPROTOCOL } from "./protocol.ts";

const ABNORMAL = 1006;

/** Opens a `WebSocket` to `url`. */
export function openWebSocket(url: string, { onOpen, onText, onClose }: SocketListener): Socket {
  const socket = new WebSocket(url, SUBPROTOCOL);
  const closed = new AbortController();
  const { signal } = closed;
  socket.addEventListener("open", () => onOpen(), { signal });
  socket.addEventListener("message", ({ data }) => onText(String(data)), { signal });
  socket.addEventListener("close", ({ code }) => onClose(code), { signal });
  // Browsers let "close" follow, Node does not where nobody listens at the address.
  socket.addEventListener("error", () => onClose(ABNORMAL), { signal });
  return {
    send: (text) => socket.send(text),
    close() {
      closed.abort();
      socket.close();
    },
  };
}
