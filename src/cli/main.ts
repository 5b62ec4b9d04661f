#!/usr/bin/env node
/** @file The `vitreous` command as a process: streams that close early, and the exit status. */
import { run } from "./run.js";

// A reader that closes the pipe early (`| head`) is no error: what is left to say has nobody to hear it.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") process.exitCode = 1;
  });
}

process.exitCode = Math.max(await run(process.argv.slice(2)), Number(process.exitCode ?? 0));
