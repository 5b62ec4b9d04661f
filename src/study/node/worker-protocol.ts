/** @file What a run and its worker processes say to each other. */

import type { StudyWork } from "../run/types.js";
import type { TaskReport, TaskSettings } from "./task.js";

/** The first message; a second one, "stop", ends the work in good order. */
export type ToWorker =
  | {
      readonly kind: "work";
      readonly work: StudyWork;
      readonly settings: Omit<TaskSettings, "signal">;
    }
  | { readonly kind: "stop" };

/** A call of the report, or the end. */
export type FromWorker =
  | {
      [K in keyof TaskReport]: { readonly kind: K; readonly args: Parameters<TaskReport[K]> };
    }[keyof TaskReport]
  | { readonly kind: "end" }
  | { readonly kind: "failed"; readonly message: string; readonly mistake: boolean };
