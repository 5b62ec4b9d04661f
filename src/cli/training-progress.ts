/** @file Progress of a training on the terminal: a bar for each thing that takes time, a line for each epoch. */
import type { RunStart } from "../training/run/node/request.js";
import { formatDuration, plural } from "./format.js";
import type { Progress, Terminal } from "./terminal.js";

/** What every kind of training says of an epoch. */
interface TimedEpoch {
  /** From 1. */
  readonly epoch: number;
  readonly train: { readonly images: number };
  readonly seconds: number;
}

/** @param said what a line says of an epoch, beside its number, speed and time */
export function trainingProgress<E extends TimedEpoch, More extends readonly unknown[]>(
  say: Terminal,
  said: (record: E, ...more: More) => string,
) {
  let bar: { readonly title: string; readonly progress: Progress } | undefined;
  let start: RunStart | undefined;
  const began = Date.now();
  let seen = 0;
  let firstStep = 0;
  const end = (): void => {
    bar?.progress.done();
    bar = undefined;
  };
  const show = (title: string, done: number, total: number, detail = ""): void => {
    if (bar?.title !== title) {
      end();
      bar = { title, progress: say.progress(title, total) };
    }
    bar.progress.update(done, detail);
    if (done >= total) end();
  };
  return {
    end,
    started: () => start !== undefined,
    events: {
      note: (text: string) => {
        say.note(/^warning:/.test(text) ? text : `note: ${text}`);
      },
      onLook: (done: number, total: number) => show("looking at images", done, total),
      onStart(given: RunStart) {
        start = given;
        firstStep = Date.now();
        end();
        if (given.resumed)
          say.note(
            `resumed after ${plural(given.epochsDone, "epoch")}${given.imagesDone > 0 ? ` and ${plural(given.imagesDone, "image")} of the next` : ""}`,
          );
      },
      onStep({ epoch, images, loss }: { epoch: number; images: number; loss: number }) {
        if (start === undefined) return;
        const { epochs, epochsDone, imagesDone, images: each } = start;
        const before = epoch - 1 === epochsDone ? imagesDone : 0;
        seen = (epoch - 1 - epochsDone) * each + images - imagesDone;
        // Nothing is known of time or loss before a step was applied.
        if (seen <= 0) return;
        const left = ((epochs - epochsDone) * each - imagesDone - seen) / seen;
        const all = epochs > 1 ? `, ${formatDuration((left * (Date.now() - firstStep)) / 1000)} in all` : "";
        show(`epoch ${epoch}/${epochs}`, images - before, each - before, `loss ${loss.toFixed(3)}${all}`);
      },
      onEvaluate: (part: string, done: number, total: number) => show(part, done, total),
      onEpoch(record: E, ...more: More) {
        end();
        const { epoch, train, seconds } = record;
        say.note(
          `epoch ${epoch}: ${said(record, ...more)} (${(train.images / seconds).toFixed(1)} images/s, ${formatDuration((Date.now() - began) / 1000)})`,
        );
      },
    },
  };
}
