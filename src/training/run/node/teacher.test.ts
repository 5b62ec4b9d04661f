import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openModel } from "../../../api/node/open.js";
import { uniform } from "../../../random.js";
import type { TrainingBatch } from "../../types.js";
import { openTeacher, type TeacherRequest } from "./teacher.js";

/** Pictures of 16×16 with mean and deviation 0.5, six classes without names. */
const path = fileURLToPath(
  new URL(
    join(
      ..."../../../../test/fixtures/checkpoints/transformers-vitforimageclassification-plain/checkpoint".split(
        "/",
      ),
    ),
    import.meta.url,
  ),
);
const model = await openModel(path, { threads: 1 });
await model.close();
const { preprocessing, facts } = model;
const request: TeacherRequest = {
  path,
  labels: facts.labels,
  preprocessing,
  dims: [3, 16, 16],
  open: { threads: 1 },
};

const next = uniform(3);
/** Two pictures and one of padding. */
const batch: TrainingBatch = {
  pixels: Float32Array.from({ length: 3 * 768 }, (_, i) => (i < 2 * 768 ? 2 * next() - 1 : 0)),
  targets: new Float32Array(18),
  sampleWeights: Float32Array.of(0.5, 0.5, 0),
  indices: [0, 1],
  size: 2,
};

async function logitsOf(given: TeacherRequest, of: TrainingBatch): Promise<Float32Array> {
  const teacher = await openTeacher(given);
  try {
    return (await teacher.teach(of)).teacherLogits ?? new Float32Array();
  } finally {
    await teacher.close();
  }
}

describe("a teacher", () => {
  it("gives its logits of the student's pictures, and zeros for padding", async () => {
    const teaching = await logitsOf(request, batch);
    const opened = await openModel(path, { threads: 1 });
    const data = batch.pixels.slice(768, 2 * 768);
    const image = await opened.fromTensor({ data, channels: 3, height: 16, width: 16 });
    for await (const { logits } of opened.predictAll([image]))
      for (const [k, v] of logits.entries()) expect(teaching[6 + k]).toBeCloseTo(v, 5);
    await opened.close();
    expect([...teaching.subarray(12)]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it("sees them normalised its own way", async () => {
    const [mean, std] = [
      [0.4, 0.3, 0.2],
      [0.2, 0.3, 0.4],
    ];
    const pixels = batch.pixels.map((v, i) => {
      const c = Math.floor(i / 256) % 3;
      return (v * 0.5 + 0.5 - (mean[c] ?? 0)) / (std[c] ?? 1);
    });
    const [plain, other] = [
      await logitsOf(request, batch),
      await logitsOf({ ...request, preprocessing: { ...preprocessing, mean, std } }, { ...batch, pixels }),
    ];
    for (const [i, v] of other.entries()) expect(v).toBeCloseTo(plain[i] ?? Number.NaN, 4);
  });

  it("is refused where it is of other classes or pictures of another size", async () => {
    await expect(openTeacher({ ...request, labels: ["dark", "light"] })).rejects.toThrow(
      /cannot be the teacher: its classes are .*, not dark, light; fine-tune it/,
    );
    await expect(openTeacher({ ...request, dims: [3, 32, 32] })).rejects.toThrow(
      "takes images of 16×16, not 32×32",
    );
  });
});
