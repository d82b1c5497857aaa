import { WebSocket } from "ws";

/** A socket of the load that is signed in. */
export async function openSocket({
  url,
  token,
}: {
  readonly url: string;
  readonly token: string;
}): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace(/^http/u, "ws")}/ws`, "nexflow.v1", {
    perMessageDeflate: false,
  });
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  socket.send(JSON.stringify({ type: "hello", token }));
  await new Promise((resolve) => socket.once("message", resolve));
  return socket;
}
