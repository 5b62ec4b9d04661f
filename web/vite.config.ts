import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  build: { outDir: "../out/web", emptyOutDir: true, target: "es2023" },
  // The worker imports the build of ONNX Runtime that its device needs, which takes a module worker.
  worker: { format: "es" },
});
