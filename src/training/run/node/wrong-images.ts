/** @file The test images that were taken for another class, with small pictures for the report. */
import sharp from "sharp";
import { decodeImage } from "../../../imaging/node/decode.js";
import { judge, type Outcomes } from "../../metrics/scores.js";
import type { WrongImage } from "../report-data.js";

/** Side that a picture fits in, pixels. */
const SIDE = 160;
/** Of all pictures together, before they are written as text: more makes a page that no browser likes. */
const MOST_BYTES = 3_000_000;

export interface NamedPicture {
  readonly name: string;
  readonly path: string;
}

/** The surest mistakes first. Pictures beyond the page's size are left out, their names are not. */
export async function wrongImages(
  outcomes: Outcomes,
  images: readonly NamedPicture[],
  labels: readonly string[],
): Promise<readonly WrongImage[]> {
  const { predicted, confidence } = judge(outcomes, labels.length);
  const wrong = outcomes.truth
    .flatMap((truth, i) => {
      const [image, taken, probability = 0] = [images[i], predicted[i], confidence[i]];
      return image === undefined || taken === undefined || taken === truth
        ? []
        : [{ image, probability, label: labels[truth] ?? "", predicted: labels[taken] ?? "" }];
    })
    .sort((a, b) => b.probability - a.probability);
  let bytes = 0;
  const result: WrongImage[] = [];
  for (const { image, ...facts } of wrong) {
    const jpeg = bytes < MOST_BYTES ? await thumbnail(image.path) : undefined;
    bytes += jpeg?.length ?? 0;
    result.push({
      name: image.name,
      ...facts,
      ...(jpeg && { picture: `data:image/jpeg;base64,${jpeg.toString("base64")}` }),
    });
  }
  return result;
}

async function thumbnail(path: string): Promise<Buffer> {
  const { data, width, height } = await decodeImage(path);
  return sharp(data, { raw: { width, height, channels: 3 } })
    .resize({ width: SIDE, height: SIDE, fit: "inside", withoutEnlargement: true })
    .jpeg({ quality: 80 })
    .toBuffer();
}
