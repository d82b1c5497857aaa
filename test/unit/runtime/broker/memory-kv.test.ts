import { openMemoryKv } from "../../../../runtime/broker/memory-kv.ts";
import { describeKv } from "../../../contract/kv.ts";

describeKv("in memory", async () => ({
  kv: openMemoryKv(),
  async [Symbol.asyncDispose]() {},
}));
