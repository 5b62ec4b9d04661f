/**
 * @file Runs a study that a test has planned, in a process of its own: to be killed, or to run beside another one.
 *
 *     node test/study/run.js WORK.json OUT [WORKERS]
 *
 * Prints a line when the first maps are made, and the summary as JSON in another.
 */
import { readFileSync } from "node:fs";
import { runStudy } from "../../dist/study/node/run-study.js";

const [file = "", out = "", workers = "1"] = process.argv.slice(2);
const work = JSON.parse(readFileSync(file, "utf8"));
let told = false;
const onMap = () => {
  if (!told) console.log("begun");
  told = true;
};
const summary = await runStudy(work, { out, workers: Number(workers), threads: 1, events: { onMap } });
console.log(JSON.stringify(summary));
