/** @file What `npm start` runs: the bundled study, as `vitreous study --demo` does. */
/** @type {typeof import("../src/cli/run.js")} */
const { run } = await import(new URL("../dist/cli/run.js", import.meta.url).href);

process.exitCode = await run(["study", "--demo", ...process.argv.slice(2)]);
