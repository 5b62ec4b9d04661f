/** @file Ends a training command at moments of chance and has it go on, and holds what it leaves to an undisturbed run's. */
import { readFileSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { uniform } from "../../src/random.js";
import { expectNothingHalf, type Outcome, type Workplace } from "./command.js";

const SIGNALS = ["SIGKILL", "SIGINT", "SIGKILL", "SIGTERM"] as const;

/** Most milliseconds from a save to the end. */
const LONGEST_WAIT = 60;

/** Starts the command and ends it a while after it has saved something, unless it is done by then. */
async function endLater(
  at: Workplace,
  args: readonly string[],
  out: string,
  wait: number,
  signal: NodeJS.Signals,
): Promise<Outcome> {
  const changed = (): number =>
    statSync(at.path(out, "state", "state.json"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const before = changed();
  const { child, ended } = at.start(...args);
  let over = false;
  ended.then(() => {
    over = true;
  });
  while (!over && changed() === before) await sleep(2);
  await sleep(wait);
  if (!over) child.kill(signal);
  return ended;
}

/** The command, which trains into the folder `out`, is killed and interrupted several times, then runs to its end. */
export async function endAndGoOn(at: Workplace, args: readonly string[], out: string): Promise<void> {
  const next = uniform(Date.now());
  let ends = 0;
  for (const signal of SIGNALS) {
    const { status, stderr } = await endLater(at, args, out, LONGEST_WAIT * next(), signal);
    if (status === 0) break;
    ends++;
    if (signal === "SIGKILL") continue;
    expect(stderr).toMatch(
      new RegExp(`^vitreous: interrupted; what is done is kept in ${out}: run the same command`, "m"),
    );
    expect(status).toBe(1);
  }
  expect(ends).toBeGreaterThan(1);
  const last = await at.run(...args);
  expect(last.status, last.stderr).toBe(0);
}

/** Two folders hold the same bytes under these names, and the same record but for its times; nothing is half-written. */
export function expectSameTraining(
  at: Workplace,
  [own, other]: readonly [string, string],
  names: readonly string[],
): void {
  const bytes = (folder: string, name: string): string =>
    readFileSync(at.path(folder, name)).toString("latin1");
  // Not toBe: a difference of megabytes helps nobody.
  for (const name of names) expect(bytes(own, name) === bytes(other, name), name).toBe(true);
  const timeless = (folder: string): string =>
    bytes(folder, "training.json").replaceAll(/"(seconds|training)": [\d.e-]+/g, '"$1": 0');
  expect(timeless(own)).toBe(timeless(other));
  expectNothingHalf(at.files(own));
}
