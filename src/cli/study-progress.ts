/** @file Progress of a study on the terminal: one bar of cells, and the first heat map as soon as there is one. */
import type { StudyEvents, StudyMap, StudyRunSummary } from "../study/run/types.js";
import { formatDuration, plural } from "./format.js";
import type { Progress, Terminal } from "./terminal.js";

export function showingStudy(say: Terminal) {
  let bar: { readonly total: number; readonly progress: Progress } | undefined;
  let mapShown = false;
  const events: StudyEvents = {
    onProgress({ cells, imagesPerSecond, secondsLeft, current }) {
      // What fails is taken off the total.
      if (bar?.total !== cells.total) {
        bar?.progress.done();
        bar = { total: cells.total, progress: say.progress("scoring", cells.total) };
      }
      const speed =
        imagesPerSecond === null ? "" : `${imagesPerSecond.toFixed(imagesPerSecond < 10 ? 2 : 0)} images/s`;
      const detail = current === null ? "" : `${current.dataset}, ${current.model}`;
      bar.progress.update(cells.done, { speed, secondsLeft, detail });
    },
    onNote: (note) => say.note(`note: ${note}`),
    onMap(map) {
      if (mapShown) return;
      mapShown = true;
      say.note(mapInText(map));
    },
  };
  return {
    events,
    end(): void {
      bar?.progress.done();
      bar = undefined;
    },
    inWords({ cells, forwards, seconds }: StudyRunSummary): string {
      const made = cells.done - cells.reused;
      const kept = cells.reused > 0 ? `, ${cells.reused} were there already` : "";
      return `${plural(made, "cell")} computed in ${plural(forwards, "forward pass", "forward passes")} and ${formatDuration(seconds)}${kept}`;
    },
  };
}

const SHADES = " ·░▒▓█";

/** A map in characters, two of them for a cell of the grid, which is as high as two are wide. */
export function mapInText({
  dataset,
  model,
  method,
  image,
  grid: [rows, columns],
  values,
}: StudyMap): string {
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  const shade = (value: number): string =>
    SHADES[Math.min(SHADES.length - 1, Math.floor((Math.max(0, value) / (most || 1)) * SHADES.length))] ??
    " ";
  const lines = Array.from({ length: rows }, (_, y) =>
    Array.from(values.subarray(y * columns, (y + 1) * columns), (v) => shade(v).repeat(2))
      .join("")
      .trimEnd(),
  );
  return [
    `the first map: ${method} of ${model} on ${dataset}, ${image}`,
    ...lines.map((line) => `  ${line}`),
  ].join("\n");
}
