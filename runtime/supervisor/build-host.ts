import path from "node:path";
import { build } from "vite";
import { BUILT_HOST_FILE, HOST_MAIN_FILE, toBuildMark } from "./host-program.ts";

/* `npm run build:host`: the program of a sandbox process as one file of plain JavaScript. */

const rolldownOptions = {
  output: {
    entryFileNames: path.basename(BUILT_HOST_FILE),
    format: "es" as const,
    banner: toBuildMark(),
  },
};

await build({
  configFile: false,
  root: path.dirname(HOST_MAIN_FILE),
  logLevel: "warn",
  publicDir: false,
  ssr: { noExternal: true, external: ["isolated-vm"] },
  build: {
    ssr: HOST_MAIN_FILE,
    outDir: path.dirname(BUILT_HOST_FILE),
    emptyOutDir: true,
    target: "node22",
    minify: false,
    rolldownOptions,
  },
});
