import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [
    svelte({ configFile: false, compilerOptions: { fragments: "tree" } }),
    {
      name: "paint-in-chosen-colours",
      // The script sets the colours a person chose: before it has run there is nothing to show.
      transformIndexHtml: {
        order: "post",
        handler: (html) => html.replace("<script ", '<script blocking="render" '),
      },
    },
  ],
  build: {
    target: "es2023",
    // Everything is a file of its own: the page's policy allows no inline script, style or font.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
