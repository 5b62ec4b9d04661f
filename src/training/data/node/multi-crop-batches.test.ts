import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeImage } from "../../../imaging/node/decode.js";
import { torchvisionPreprocessing } from "../../../imaging/preprocessing.js";
import type { DinoBatch } from "../../dino/types.js";
import { type MultiCropPlan, multiCropBatches } from "../multi-crop-batches.js";
import { multiCropOptions } from "../multi-crop-options.js";
import type { ImagePool } from "../pool.js";
import { prepareImage } from "../prepare.js";
import { imagePool } from "./pool.js";

const preprocessing = torchvisionPreprocessing(20, [16, 16]);
const crops = multiCropOptions({ locals: 3, localSize: [8, 8], rightAngles: true });
const names = ["cell.png", "lesion.png", "baseline-420.jpg", "plain.tif", "rgb24.bmp"];

let folder = "";
let items: { path: string }[] = [];
let pool: ImagePool;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vitreous-crops-"));
  items = names.flatMap((name) =>
    [0, 1].map((copy) => {
      const path = join(folder, `${copy}-${name}`);
      copyFileSync(
        fileURLToPath(new URL(`../../../../test/fixtures/imaging/${name}`, import.meta.url)),
        path,
      );
      return { path };
    }),
  );
  pool = imagePool({ workers: 1 });
});
afterAll(async () => {
  await pool.close();
  rmSync(folder, { recursive: true });
});

const plan = (more: Partial<MultiCropPlan> = {}): MultiCropPlan => ({
  items,
  preprocessing,
  crops,
  pool,
  batch: 4,
  seed: 7,
  ...more,
});

async function collect(batches: AsyncIterable<DinoBatch>): Promise<DinoBatch[]> {
  const all: DinoBatch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

describe("batches of crops", () => {
  it("hold the crops of each image in its place", async () => {
    const batches = multiCropBatches(plan());
    expect(batches.count).toBe(2);
    const [, second] = await collect(batches(1));
    expect(second?.globals.map((g) => g.length)).toEqual([4 * 768, 4 * 768]);
    expect(second?.locals.map((l) => l.length)).toEqual([4 * 192, 4 * 192, 4 * 192]);
    for (const [i, index] of (second?.indices ?? []).entries()) {
      const image = await decodeImage(items[index]?.path ?? "");
      const random = { options: crops, seed: 7, epoch: 1, place: 4 + i };
      const expected = prepareImage(image, { preprocessing, crops: random });
      expect(second?.globals[1].subarray(i * 768, (i + 1) * 768)).toEqual(expected.subarray(768, 1536));
      expect(second?.locals[2]?.subarray(i * 192, (i + 1) * 192)).toEqual(expected.subarray(1920, 2112));
    }
  });

  it("are the same bits with any number of workers, and from any batch on", async () => {
    const whole = await collect(multiCropBatches(plan())(3));
    const three = imagePool({ workers: 3 });
    expect(await collect(multiCropBatches(plan({ pool: three }))(3))).toEqual(whole);
    await three.close();
    expect(await collect(multiCropBatches(plan())(3, 1))).toEqual(whole.slice(1));
    expect(await collect(multiCropBatches(plan({ seed: 8 }))(3))).not.toEqual(whole);
    const seen = whole.flatMap(({ indices }) => [...indices]);
    expect(new Set(seen).size).toBe(8);
  });

  it("have another image in the place of one that cannot be read, and say so once", async () => {
    const damaged = join(folder, "damaged.jpg");
    writeFileSync(damaged, "no picture");
    const told: number[] = [];
    const batches = multiCropBatches(
      plan({ items: [...items, { path: damaged }], batch: 11, onSetAside: (index) => told.push(index) }),
    );
    const [first] = await collect(batches(0));
    expect(first?.indices).toHaveLength(11);
    expect(first?.indices).not.toContain(10);
    await collect(batches(1));
    expect(told).toEqual([10]);
  });

  it("are refused where there are fewer images than a batch holds, and end where none can be read", async () => {
    expect(() => multiCropBatches(plan({ batch: 64 }))).toThrow(
      /batch of 64 .* there are 10 .*smaller batch/,
    );
    const gone = [{ path: join(folder, "gone.png") }];
    await expect(collect(multiCropBatches(plan({ items: gone, batch: 1 }))(0))).rejects.toThrow(
      /No image can be read; the first: .*gone\.png does not exist/,
    );
  });
});
