/** @file Shows on the terminal what a model of the hub takes to come, and lets Ctrl-C end it in good order. */
import type { OpenOptions } from "../api/node/open.js";
import { inBytes } from "../models/node/hub/size.js";
import type { CommandContext } from "./options.js";
import type { Progress, Terminal } from "./terminal.js";

/** Runs `open` with the options of `openModel` that tell of the download; the bar is gone when it ends. */
export async function showingDownload<T>(
  say: Terminal,
  { signal }: CommandContext,
  open: (options: Pick<OpenOptions, "signal" | "onProgress">) => Promise<T>,
): Promise<T> {
  let bar: { readonly total: number; readonly progress: Progress } | undefined;
  const end = (): void => bar?.progress.done();
  try {
    return await open({
      signal,
      onProgress(bytes, total, file) {
        if (bar?.total !== total) {
          end();
          bar = { total, progress: say.progress("downloading", total, inBytes) };
        }
        bar.progress.update(bytes, file);
        if (bytes === total) end();
      },
    });
  } finally {
    end();
  }
}
