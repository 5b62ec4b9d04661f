/** @file Worker processes of a run: started, listened to, and ended with it. */
import { type ChildProcess, fork } from "node:child_process";
import { VitreousError } from "../../onnx/errors.js";
import type { StudyWork } from "../run/types.js";
import type { TaskReport, TaskSettings } from "./task.js";
import type { FromWorker, ToWorker } from "./worker-protocol.js";

/**
 * Resolves when all is done. A worker that dies is mentioned, and the others take its work over.
 *
 * @throws VitreousError when results cannot be kept, or no worker is left; the signal's reason
 */
export async function runWorkers(
  count: number,
  work: StudyWork,
  { signal, ...settings }: TaskSettings,
  report: TaskReport,
): Promise<void> {
  signal.throwIfAborted();
  const processes: ChildProcess[] = [];
  const stopAll = (): void => {
    for (const child of processes) if (child.connected) send(child, { kind: "stop" });
  };
  signal.addEventListener("abort", stopAll);
  try {
    const ends = Array.from({ length: count }, () => {
      const child = fork(new URL("./worker.js", import.meta.url), {
        execArgv: [],
        serialization: "advanced",
      });
      processes.push(child);
      send(child, { kind: "work", work, settings });
      return ended(child, report, stopAll);
    });
    const outcomes = await Promise.all(ends);
    signal.throwIfAborted();
    const failed = outcomes.find((outcome) => outcome.kind === "failed");
    if (failed) throw failed.error;
    const died = outcomes.flatMap((outcome) => (outcome.kind === "died" ? [outcome.how] : []));
    if (died.length === count) throw new VitreousError(`every worker of the study ended: ${died[0]}`);
  } finally {
    signal.removeEventListener("abort", stopAll);
  }
}

type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly error: Error }
  | { readonly kind: "died"; readonly how: string };

function ended(child: ChildProcess, report: TaskReport, stopAll: () => void): Promise<Outcome> {
  return new Promise((resolve) => {
    let outcome: Outcome | undefined;
    child.on("message", (message: FromWorker) => {
      if (message.kind === "end") outcome = { kind: "done" };
      else if (message.kind === "failed") {
        const { message: text, mistake } = message;
        outcome = { kind: "failed", error: mistake ? new VitreousError(text) : new Error(text) };
        stopAll();
      } else (report[message.kind] as (...args: readonly unknown[]) => void)(...message.args);
    });
    child.on("exit", (code, by) => {
      if (outcome === undefined) {
        const how = by === null ? `with the status ${code}` : `by ${by}${OUT_OF_MEMORY[by] ?? ""}`;
        outcome = { kind: "died", how };
        if (code !== 0)
          report.note(`a worker process ended ${how}; what it had in hand is done by the others`);
      }
      resolve(outcome);
    });
    child.on("error", (error) => {
      outcome ??= { kind: "failed", error };
    });
  });
}

const OUT_OF_MEMORY: Readonly<Record<string, string>> = {
  SIGKILL: ", as when the system runs out of memory",
};

function send(child: ChildProcess, message: ToWorker): void {
  child.send(message, () => undefined);
}
