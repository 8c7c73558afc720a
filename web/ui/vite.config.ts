import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "/static/",
  // Every page is one HTML file here; the web rooms serve it with their Content-Security-Policy.
  build: {
    rolldownOptions: { input: ["wall.html", "console.html", "guest.html"] },
    outDir: "../static",
    emptyOutDir: true,
    target: ["chrome111", "firefox114", "safari16.4"],
    // The policy allows neither inline scripts nor data: fonts.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  worker: { format: "es" },
  // A limit for what hangs, not for a busy machine: properties are tried on hundreds of walls.
  test: {
    include: ["tests/**/*.test.ts"],
    setupFiles: ["tests/seed.ts"],
    environment: "node",
    testTimeout: 60_000,
  },
});
