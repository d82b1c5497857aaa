import type { JsonValue } from "../../runtime/index.ts";
import { type Arm, ECHO_FUNCTION } from "./arm.ts";

/** As much of quickjs-emscripten as is used here: it need not be installed for the types. */
interface QuickJsModule {
  getQuickJS(): Promise<{ newContext(): QuickJsContext }>;
}

interface QuickJsContext {
  readonly undefined: QuickJsHandle;
  evalCode(source: string): unknown;
  unwrapResult(result: unknown): QuickJsHandle;
  newString(text: string): QuickJsHandle;
  callFunction(callee: QuickJsHandle, self: QuickJsHandle, argument: QuickJsHandle): unknown;
  getString(handle: QuickJsHandle): string;
  dispose(): void;
}

interface QuickJsHandle {
  dispose(): void;
}

const PACKAGE: string = "quickjs-emscripten";

/** QuickJS compiled to WebAssembly: a new context and its runtime for each call, in this process. */
export async function openQuickJs(): Promise<Arm> {
  const module = (await import(PACKAGE)) as QuickJsModule;
  const quickJs = await module.getQuickJS();
  return {
    call: async (input) => {
      const context = quickJs.newContext();
      try {
        return JSON.parse(runIn(context, JSON.stringify(input))) as JsonValue;
      } finally {
        context.dispose();
      }
    },
    close: async () => undefined,
  };
}

function runIn(context: QuickJsContext, text: string): string {
  const echo = context.unwrapResult(context.evalCode(ECHO_FUNCTION));
  const argument = context.newString(text);
  const output = context.unwrapResult(context.callFunction(echo, context.undefined, argument));
  const answer = context.getString(output);
  for (const handle of [output, argument, echo]) handle.dispose();
  return answer;
}
