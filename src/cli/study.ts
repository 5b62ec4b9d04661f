/** @file `vitreous study`: a declared study, run or gone on with. */
import { readFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Command } from "commander";
import { stemOf } from "../datasets/files.js";
import { makeFolder, writeFileAtomic } from "../imaging/node/atomic.js";
import { VitreousError } from "../onnx/errors.js";
import { resolveStudy } from "../study/declaration/node/read-study-file.js";
import { estimateStudy } from "../study/estimate/node/estimate-study.js";
import { runStudy } from "../study/node/run-study.js";
import { planStudy } from "../study/plan/node/plan-study.js";
import type { StudyRunSummary, StudyWork } from "../study/run/types.js";
import type { StudyDeclaration, StudyFailure } from "../study/types.js";
import { plural } from "./format.js";
import { prettyJson } from "./json.js";
import { type CommandContext, namedDevice, wholeNumber } from "./options.js";
import { estimateTable } from "./study-estimate.js";
import { outputsRecord, outputsText, writeOutputs } from "./study-outputs.js";
import { showingStudy } from "./study-progress.js";
import type { Terminal } from "./terminal.js";
import { UsageError } from "./usage.js";

/** The study that comes with the package, with its models and images. */
const DEMO = fileURLToPath(new URL("../../assets/studies/demo.yaml", import.meta.url));

interface Flags {
  readonly demo?: boolean;
  readonly out?: string;
  readonly dryRun?: boolean;
  readonly print?: boolean;
  readonly workers: number;
  readonly threads?: number;
  readonly device?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function studyCommand(context: CommandContext): Command {
  return new Command("study")
    .argument("[config]", "a study file (YAML): data sets, models, methods, metrics; see docs/study.md")
    .option("--demo", "the study that comes along: eight small models, 28 images, about two minutes")
    .option("--out <folder>", "where results go (default: out/<name of the file>)")
    .option("--dry-run", "count cells and forward passes, estimate time and disk; write nothing")
    .option("--print", "print the study with every default filled in, as JSON; do nothing else")
    .option("--json", "print the result as JSON")
    .option("--quiet", "no progress, notes or tables; errors are still shown")
    .optionsGroup("Machine:")
    .option("--workers <n>", "processes that share the work (default: 1)", wholeNumber, 1)
    .option("--threads <n>", "threads of each worker (default: the cores, divided)", wholeNumber)
    .addOption(namedDevice("where to compute, in the place of the study's own"))
    .description("Score a declared grid of data sets, models, methods and metrics, or go on with it.")
    .addHelpText(
      "after",
      `
Examples:
  vitreous study --demo
  vitreous study study.yaml --print
  vitreous study study.yaml --dry-run
  vitreous study study.yaml --workers 2 --out results

The same command again goes on where it was ended, and computes nothing twice. In the folder: report.html and
figures/, scores.parquet and scores.csv, tables/, study.json (the study with every default filled in), and cells/
with all that was computed.`,
    )
    .action((config: string | undefined, flags: Flags) => study(studyFile(config, flags), flags, context));
}

function studyFile(config: string | undefined, { demo = false }: Flags): string {
  if (config !== undefined && demo) throw new UsageError("--demo is a study of its own: leave the file out");
  if (config !== undefined) return config;
  if (demo) return DEMO;
  throw new UsageError("name a study file, or say --demo");
}

async function study(file: string, flags: Flags, context: CommandContext): Promise<void> {
  const { signal } = context;
  // Who tries the tool wants to see that it works, also in a log.
  const say = context.terminal(flags.quiet ?? false, flags.demo ? "lines" : undefined);
  if (flags.out?.trim() === "") throw new UsageError("--out is empty: name a folder");
  const declaration = await declared(file, flags, say);
  if (flags.print) {
    say.result(prettyJson(declaration));
    return;
  }
  const work = { declaration, plan: await planned(declaration, say, signal) };
  if (flags.dryRun) {
    await estimate(work, flags, say, context);
    return;
  }
  const out = flags.out ?? join("out", stemOf(basename(file)));
  const { notes: _, ...summary } = await run(work, out, flags, say, signal);
  // Where nothing could be computed there is nothing to write; the failures say why.
  const analysis = summary.cells.done > 0 ? await writeOutputs(out) : undefined;
  const found = analysis && outputsRecord(analysis);
  if (flags.json) say.result(prettyJson({ out, ...summary, ...found }));
  else if (analysis && !flags.quiet) {
    say.result(outputsText(analysis));
    const report = join(out, "report.html");
    say.note(`\nthe report: ${relative(process.cwd(), report)}\n${pathToFileURL(report).href}`);
  }
  reportAll(summary.failures, say);
  if (summary.failures.length > 0) context.done(1);
}

/** Mistakes in the file are a line each. */
async function declared(file: string, { print, device }: Flags, say: Terminal): Promise<StudyDeclaration> {
  try {
    const declaration = await resolveStudy(file, { checkPaths: !print });
    return device === undefined ? declaration : { ...declaration, run: { ...declaration.run, device } };
  } catch (error) {
    if (!(error instanceof VitreousError)) throw error;
    const lines = error.message.split("\n");
    for (const line of lines.slice(0, -1)) say.error(`vitreous: ${line}`);
    throw new VitreousError(lines.at(-1) ?? "", { cause: error });
  }
}

async function planned(
  declaration: StudyDeclaration,
  say: Terminal,
  signal: AbortSignal,
): Promise<StudyWork["plan"]> {
  let bar: { readonly dataset: string; readonly progress: ReturnType<Terminal["progress"]> } | undefined;
  try {
    const plan = await planStudy(declaration, {
      signal,
      onProgress(done, total, dataset) {
        if (bar?.dataset !== dataset) {
          bar?.progress.done();
          bar = { dataset, progress: say.progress(`reading ${dataset}`, total) };
        }
        bar.progress.update(done);
      },
    });
    for (const { dataset, images, notes } of plan.datasets) {
      say.note(
        `${dataset.id}: ${plural(images.length, "image")}${notes.length > 0 ? `; ${notes.join("; ")}` : ""}`,
      );
    }
    return plan;
  } catch (error) {
    if (signal.aborted) throw new VitreousError("interrupted before anything was computed");
    throw error;
  } finally {
    bar?.progress.done();
  }
}

async function estimate(
  work: StudyWork,
  { workers, threads, json }: Flags,
  say: Terminal,
  { signal, done }: CommandContext,
): Promise<void> {
  const progress = say.progress("measuring models", undefined);
  const estimated = await estimateStudy(work, {
    workers,
    threads,
    signal,
    onProgress: (count) => progress.update(count),
  }).finally(() => progress.done());
  const problems = [...estimated.problems];
  if (json) say.result(prettyJson({ ...estimated, failures: work.plan.failures }));
  else say.result(estimateTable(estimated, work.declaration, workers));
  reportAll(work.plan.failures, say);
  for (const problem of problems) say.error(problem);
  if (problems.length + work.plan.failures.length > 0) done(1);
}

async function run(
  work: StudyWork,
  out: string,
  { workers, threads }: Flags,
  say: Terminal,
  signal: AbortSignal,
): Promise<StudyRunSummary> {
  const shown = showingStudy(say);
  await keepDeclaration(work.declaration, out);
  try {
    const summary = await runStudy(work, {
      out,
      workers,
      signal,
      events: shown.events,
      ...(threads !== undefined && { threads }),
    });
    shown.end();
    say.note(`${shown.inWords(summary)}; all of it is in ${out}`);
    return summary;
  } catch (error) {
    shown.end();
    if (!signal.aborted) throw error;
    throw new VitreousError(`interrupted; what is done is kept in ${out}: run the same command to go on`);
  }
}

/** study.json; what it says already is not written again, so that a finished study may lie where nothing can be written. */
async function keepDeclaration(declaration: StudyDeclaration, out: string): Promise<void> {
  const path = join(out, "study.json");
  const text = `${prettyJson(declaration)}\n`;
  if ((await readFile(path, "utf8").catch(() => undefined)) === text) return;
  await makeFolder(out);
  await writeFileAtomic(path, text);
}

/** The failures, one line each. */
function reportAll(failures: readonly StudyFailure[], say: Terminal): void {
  for (const { dataset, model, method, image, reason } of failures) {
    const where = [dataset, model, method, image].filter((part) => part !== null).join(", ");
    say.error(`${where}: ${reason}`.replaceAll(/\s*\n\s*/g, " "));
  }
}
