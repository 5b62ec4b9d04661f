import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    setupFiles: ["test/setup.ts"],
    env: {
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ""} --import ${new URL("./test/typescript-workers.js", import.meta.url)}`,
    },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // ONNX Runtime's thread pools spin while idle: two test files at once already fill two cores.
    maxWorkers: 2,
    pool: "forks",
  },
});
