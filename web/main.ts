/**
 * @file The page: explains a model in the browser. Its functions are on `window.vitreous`, for the console and for
 * the test that drives the page.
 */
import { methodFromSpec, type OpenWebOptions, openModel, type WebCheckpoint } from "../src/web.js";

/** An image in the model's own input space, [channels, height, width] float32, as raw bytes behind a URL. */
interface TensorSource {
  readonly url: string;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** What can cross from the page to whoever drives it. */
interface PlainExplanation {
  readonly logits: readonly number[];
  readonly maps: readonly {
    readonly method: string;
    readonly grid: readonly number[];
    readonly values: number[];
  }[];
}

/** Where a checkpoint is: its weights, and its config.json. */
interface CheckpointSource {
  readonly weights: string;
  readonly config: string;
}

/** Explains one image, with methods as the command line writes them ("grad-cam", "gradient-rollout:discard=0.5"). */
async function explain(
  source: string | CheckpointSource,
  { url, channels, height, width }: TensorSource,
  methods: readonly string[],
  options: OpenWebOptions = {},
): Promise<PlainExplanation> {
  const name = typeof source === "string" ? source : source.weights;
  const model = await openModel(await contentOf(source), { name, ...options });
  try {
    const data = new Float32Array((await bytes(url)).buffer);
    const image = await model.fromTensor({ channels, height, width, data });
    const { logits, maps } = await model.explain(image, methods.map(methodFromSpec));
    return {
      logits: [...logits],
      maps: maps.map(({ method, grid, values }) => ({ method, grid, values: [...values] })),
    };
  } finally {
    await model.close();
  }
}

async function contentOf(source: string | CheckpointSource): Promise<Uint8Array | WebCheckpoint> {
  if (typeof source === "string") return bytes(source);
  const config = new TextDecoder().decode(await bytes(source.config));
  return { weights: await bytes(source.weights), config };
}

async function bytes(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

declare global {
  interface Window {
    vitreous: { readonly explain: typeof explain };
  }
}

window.vitreous = { explain };
