import type { AddressInfo } from "node:net";
import OpenAI from "openai";
import { type WebSocket, WebSocketServer } from "ws";

/*
 * What Nexflow is held against in the `overhead` benchmark: a socket, the SDK, nothing else. Its
 * argument is the model's address; it tells its parent where it is.
 */

const client = new OpenAI({ baseURL: process.argv[2] ?? "", apiKey: "mock" });
const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
server.on("connection", (socket) => {
  socket.on("message", (data: Buffer) => {
    const { text } = JSON.parse(data.toString()) as { text: string };
    answer(socket, text).catch(() => socket.send(JSON.stringify({ type: "failed" })));
  });
});
server.on("listening", () => {
  process.send?.(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

async function answer(socket: WebSocket, text: string): Promise<void> {
  const chunks = await client.chat.completions.create({
    model: "mock",
    messages: [{ role: "user", content: text }],
    stream: true,
  });
  for await (const chunk of chunks) {
    const delta = chunk.choices[0]?.delta.content;
    if (delta) socket.send(JSON.stringify({ type: "delta", delta }));
  }
  socket.send(JSON.stringify({ type: "done" }));
}
