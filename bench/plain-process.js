/**
 * @file A process that runs as many forward passes of a model as it reads from a line, with one thread and in a study's
 * batches: what a second process of its kind leaves of its speed is the machine's doing.
 *
 *     node bench/plain-process.js MODEL IMAGE
 *
 * Writes a line when it is ready and whenever it is done.
 */
import { createInterface } from "node:readline";
import { openModel } from "../dist/index.js";
import { BATCH } from "./study.js";

const [path = "", file = ""] = process.argv.slice(2);
const model = await openModel(path, { threads: 1 });
const image = await model.read(file);
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const same = Array.from({ length: Number(line) }, () => image);
  for await (const _ of model.predictAll(same, { batch: BATCH }));
  console.log("done");
}
await model.close();
