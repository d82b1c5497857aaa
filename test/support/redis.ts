import { createConnection } from "node:net";
import { testRedisUrl } from "./test-environment.ts";

/** Whether tests may use a Redis: the one of `NEXFLOW_TEST_REDIS_URL`, or one on its usual port. */
export async function findTestRedis(): Promise<string | undefined> {
  const { hostname, port } = new URL(testRedisUrl);
  const isThere = await new Promise<boolean>((resolve) => {
    const socket = createConnection({ host: hostname, port: Number(port || 6379), timeout: 1_000 });
    const end = (answers: boolean) => {
      socket.destroy();
      resolve(answers);
    };
    socket.once("connect", () => socket.write("PING\r\n"));
    socket.once("data", () => end(true));
    socket.once("error", () => end(false));
    socket.once("timeout", () => end(false));
  });
  return isThere ? testRedisUrl : undefined;
}
