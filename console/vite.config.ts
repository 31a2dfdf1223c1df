// Builds the console into the server's `dist`, from where the administration listener serves it. In development (`vite`), requests to the
// interface go to a running server: `slipway start`, or the fixture of `dev/`.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  resolve: { conditions: ["source", "browser", "module", "import", "default"] },
  build: {
    outDir: "../server/dist/console",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: { "/api": { target: process.env["SLIPWAY_ADMIN"] ?? "http://127.0.0.1:8010", changeOrigin: true } },
  },
});
