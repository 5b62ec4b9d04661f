/**
 * @file A worker process of a study. It has a process of its own so that ONNX Runtime's failures (memory above all) cost
 * one worker and not the run; what it had in hand is taken over by the others.
 */
import { VitreousError } from "../../onnx/errors.js";
import type { TaskReport } from "./task.js";
import { runTasks } from "./tasks.js";
import type { FromWorker, ToWorker } from "./worker-protocol.js";

const stop = new AbortController();

const send = (message: FromWorker): void => {
  if (process.connected) process.send?.(message);
};

const told = <K extends keyof TaskReport>(kind: K) =>
  ((...args: Parameters<TaskReport[K]>) => send({ kind, args } as FromWorker)) as TaskReport[K];

const report: TaskReport = {
  opened: told("opened"),
  scored: told("scored"),
  lost: told("lost"),
  images: told("images"),
  forwards: told("forwards"),
  working: told("working"),
  maps: told("maps"),
  failure: told("failure"),
  note: told("note"),
};

async function work(message: Extract<ToWorker, { kind: "work" }>): Promise<void> {
  try {
    await runTasks(message.work, { ...message.settings, signal: stop.signal }, report);
    send({ kind: "end" });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    if (!stop.signal.aborted)
      send({ kind: "failed", message: text, mistake: error instanceof VitreousError });
  }
  process.disconnect();
}

process.on("message", (message: ToWorker) => {
  if (message.kind === "stop") stop.abort(new VitreousError("stopped"));
  else void work(message);
});
// Whoever started this process is gone.
process.on("disconnect", () => process.exit());
// Ctrl-C goes to all processes of a terminal: the run decides what its workers do.
process.on("SIGINT", () => undefined);
