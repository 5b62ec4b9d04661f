/**
 * @file The teacher of a distillation: any model of the same classes that can be opened, asked about the very pictures
 * that the student is shown, augmented and mixed as they are (Touvron et al. 2021).
 */
import { openModel } from "../../../api/node/open.js";
import type { Preprocessing } from "../../../imaging/preprocessing.js";
import { VitreousError } from "../../../onnx/errors.js";
import type { TrainingBatch } from "../../types.js";
import type { OpenChoices } from "./checkpoint.js";

export interface Teacher {
  readonly sha256: string | undefined;
  /** The batch with the teacher's logits; padding has zeros. */
  readonly teach: (batch: TrainingBatch) => Promise<TrainingBatch>;
  readonly close: () => Promise<void>;
}

export interface TeacherRequest {
  readonly path: string;
  /** The student's classes. */
  readonly labels: readonly string[];
  /** How the student's pictures are prepared, and their [channels, height, width]. */
  readonly preprocessing: Preprocessing;
  readonly dims: readonly [number, number, number];
  readonly open: Pick<OpenChoices, "device" | "threads" | "signal" | "onProgress">;
}

/** @throws VitreousError for a teacher of other classes or pictures of another size, and as `openModel` does */
export async function openTeacher(request: TeacherRequest): Promise<Teacher> {
  const { path, labels, preprocessing: own, dims, open } = request;
  const model = await openModel(path, open);
  const { facts, anatomy, preprocessing } = model;
  const [channels, height, width] = dims;
  const refused = ((): string | undefined => {
    if (facts.labels.join("\n") !== labels.join("\n"))
      return `its classes are ${facts.labels.slice(0, 4).join(", ")}${facts.labels.length > 4 ? ", …" : ""}, not ${labels.join(", ")}; fine-tune it on this data set first`;
    if (anatomy.image.join() !== [height, width].join() || anatomy.input.channels !== channels)
      return `it takes images of ${anatomy.image.join("×")}, not ${height}×${width}`;
    if (anatomy.input.preprocessing === "inside")
      return "it prepares pictures inside of its graph, so that it cannot be shown the student's; export it without";
    return undefined;
  })();
  if (refused !== undefined) {
    await model.close();
    throw new VitreousError(`${path} cannot be the teacher: ${refused}`);
  }
  const toTeacher = between(own, preprocessing, dims);
  const length = channels * height * width;
  return {
    sha256: facts.sha256,
    async teach(batch) {
      const { pixels, size, sampleWeights } = batch;
      const images = await Promise.all(
        Array.from({ length: size }, (_, i) => {
          const data = toTeacher(pixels.slice(i * length, (i + 1) * length));
          return model.fromTensor({ data, channels, height, width });
        }),
      );
      const teacherLogits = new Float32Array(sampleWeights.length * labels.length);
      let at = 0;
      for await (const { logits } of model.predictAll(images, { batch: size })) {
        teacherLogits.set(logits, at);
        at += labels.length;
      }
      return { ...batch, teacherLogits };
    },
    close: () => model.close(),
  };
}

/** Numbers normalised one way into the other way's, in place. */
function between(
  from: Preprocessing,
  to: Preprocessing,
  [channels, height, width]: readonly [number, number, number],
): (data: Float32Array) => Float32Array {
  const area = height * width;
  const factors = Array.from({ length: channels }, (_, c) => {
    const [m, s, n, t] = [from.mean[c] ?? 0, from.std[c] ?? 1, to.mean[c] ?? 0, to.std[c] ?? 1];
    const ratio = to.rescale / from.rescale;
    return { scale: (s * ratio) / t, shift: (m * ratio - n) / t };
  });
  if (factors.every(({ scale, shift }) => scale === 1 && shift === 0)) return (data) => data;
  return (data) => {
    factors.forEach(({ scale, shift }, c) => {
      for (let i = c * area; i < (c + 1) * area; i++) data[i] = (data[i] ?? 0) * scale + shift;
    });
    return data;
  };
}
