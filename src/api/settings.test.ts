import { describe, expect, it } from "vitest";
import type { Anatomy } from "../anatomy/anatomy.js";
import { readSettings, type SettingsSources } from "./settings.js";

/** The parts of an anatomy that settings look at. */
const anatomy = (more: Partial<Anatomy["input"]> = {}): Anatomy =>
  ({
    image: [32, 32],
    input: { name: "x", layout: "NCHW", channels: 3, dtype: "float32", preprocessing: "outside", ...more },
    output: { name: "z", kind: "logits", classes: 2, logits: "z" },
  }) as unknown as Anatomy;

const preprocessing = (mean: number) =>
  JSON.stringify({
    resize: { mode: "exact", height: 32, width: 32, interpolation: "bicubic" },
    mean: [mean, mean, mean],
    std: [1, 1, 1],
  });
const file = (name: string, text: string) => ({ name, text });
const settings = (sources: Partial<SettingsSources>, of: Anatomy = anatomy()) =>
  readSettings({ beside: [], metadata: new Map(), ...sources }, of);

const all: SettingsSources = {
  preprocess: file("p.json", preprocessing(1)),
  labels: file("l.txt", "a\nb"),
  beside: [
    file("preprocessor_config.json", preprocessing(2)),
    file(
      "config.json",
      `{"id2label": {"0": "c", "1": "d"}, "pretrained_cfg": {"input_size": [3, 32, 32], "mean": [3, 3, 3], "std": [1, 1, 1]}}`,
    ),
  ],
  metadata: new Map([
    ["vitreous.preprocessing", preprocessing(4)],
    ["vitreous.labels", '["e", "f"]'],
  ]),
};

describe("how images are prepared", () => {
  it("is what the user says, else what lies beside the model, else its metadata, else ImageNet's default with a warning", () => {
    const mean = (sources: Partial<SettingsSources>): number | undefined =>
      settings(sources).preprocessing.mean[0];
    expect(mean(all)).toBe(1);
    expect(mean({ ...all, preprocess: undefined })).toBe(2);
    expect(mean({ beside: all.beside.slice(1), metadata: all.metadata })).toBe(3);
    expect(mean({ metadata: all.metadata })).toBe(4);
    expect(mean({})).toBe(0.485);
    expect(settings({}).warnings).toHaveLength(1);
    expect(settings({ metadata: all.metadata }).warnings).toEqual([]);
  });

  it("passes over files beside the model that say nothing of it", () => {
    const beside = [file("config.json", '{"model_type": "vit"}')];
    expect(settings({ beside, metadata: all.metadata }).preprocessing.mean[0]).toBe(4);
  });

  it("must give what the model takes", () => {
    const small = preprocessing(0).replaceAll("32", "16");
    expect(() => settings({ preprocess: file("p.json", small) })).toThrow(
      /p\.json prepares images of 16×16, but the model takes 32×32/,
    );
    expect(() =>
      settings({ preprocess: file("p.json", preprocessing(0)) }, anatomy({ channels: 4 })),
    ).toThrow(/3 channels, but the model takes 4/);
    expect(() => settings({ preprocess: file("p.json", "{}") })).toThrow(/p\.json does not say/);
    expect(() => settings({ preprocess: file("p.json", "no JSON") })).toThrow(/p\.json is no valid JSON/);
  });

  it("is scaled to another size where the user asked for it, and says so", () => {
    const config = { pretrained_cfg: { input_size: [3, 28, 28], crop_pct: 0.9 } };
    const beside = [file("config.json", JSON.stringify(config))];
    expect(() => settings({ beside })).toThrow(/prepares images of 28×28, but the model takes 32×32/);
    const { preprocessing: made, warnings } = settings({ beside, imageSize: [32, 32] });
    expect(made).toMatchObject({ resize: { mode: "shortest-edge", size: 35 }, crop: { height: 32 } });
    expect(warnings).toEqual([
      "config.json prepares images of 28×28; for 32×32, as asked for: shorter side to 35 (bicubic), centre 32×32",
    ]);
    const fits = [file("p.json", preprocessing(0))];
    expect(settings({ beside: fits, imageSize: [32, 32] }).warnings).toEqual([]);
  });

  it("is the metadata's where a file beside the model is of another size than the model, and says so", () => {
    const { metadata } = all;
    const beside = [file("config.json", preprocessing(0).replaceAll("32", "16"))];
    const { preprocessing: found, warnings } = settings({ beside, metadata });
    expect(found.mean[0]).toBe(4);
    expect(warnings).toEqual([
      "config.json prepares images of 16×16; for the model's 32×32: stretched to 32×32 (bicubic)",
    ]);
    const other = new Map([["vitreous.preprocessing", preprocessing(4).replaceAll("32", "64")]]);
    expect(() => settings({ beside, metadata: other })).toThrow(/config\.json prepares images of 16×16/);
  });

  it("is that of a grey picture for a model of one channel, where all channels are treated alike", () => {
    const grey = anatomy({ channels: 1 });
    const beside = (mean: string) => [
      file("config.json", preprocessing(0).replace('"mean":[0,0,0]', `"mean":${mean}`)),
    ];
    expect(settings({ beside: beside("[0.5,0.5,0.5]") }, grey).preprocessing).toMatchObject({
      channels: 1,
      mean: [0.5],
      std: [1],
    });
    expect(() => settings({ beside: beside("[0.4,0.5,0.6]") }, grey)).toThrow(/images of 3 channels/);
  });

  it("is that of the model's type where a file does not name its image processor", () => {
    const beside = [
      file("preprocessor_config.json", '{"do_normalize": true, "crop_size": 32}'),
      file("config.json", '{"model_type": "dinov2"}'),
    ];
    expect(settings({ beside }).preprocessing.resize).toMatchObject({ mode: "shortest-edge", size: 224 });
  });

  it("is left to tensors where nothing says it and no picture has the model's channels", () => {
    const { preprocessing: found, warnings } = settings({}, anatomy({ channels: 4 }));
    expect(found).toMatchObject({ channels: 4, mean: [0, 0, 0, 0], std: [1, 1, 1, 1] });
    expect(warnings.join()).toMatch(/4 channels, which pictures do not have: give them as \.npy/);
  });

  it("is known of tensors too, where a file says it", () => {
    const config = { input_size: [4, 32, 32], crop_pct: 1, mean: [0.1, 0.2, 0.3, 0.4], std: [0.5] };
    const beside = [file("config.json", JSON.stringify(config))];
    const { preprocessing: found, warnings } = settings({ beside }, anatomy({ channels: 4 }));
    expect(found).toMatchObject({ channels: 4, mean: [0.1, 0.2, 0.3, 0.4], std: [0.5, 0.5, 0.5, 0.5] });
    expect(warnings.join()).toMatch(/4 channels, which pictures do not have/);
    const pictures = [file("config.json", preprocessing(1))];
    expect(settings({ beside: pictures }, anatomy({ channels: 4 })).preprocessing.mean).toEqual([0, 0, 0, 0]);
  });

  it("warns only of the size where the graph normalises by itself", () => {
    const { warnings } = settings({}, anatomy({ preprocessing: "inside" }));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/brought to 32×32/);
  });
});

describe("what classes are called", () => {
  it("is what the user says, else what lies beside the model, else its metadata, else numbers", () => {
    const names = (sources: Partial<SettingsSources>): string => settings(sources).labels.join("");
    expect(names(all)).toBe("ab");
    expect(names({ ...all, labels: undefined })).toBe("cd");
    expect(names({ metadata: all.metadata })).toBe("ef");
    expect(names({})).toBe("01");
  });

  it("is not what lies beside a model whose classifier is another one", () => {
    expect(settings({ ...all, labels: undefined, metadata: new Map(), ownClassifier: false }).labels).toEqual(
      ["0", "1"],
    );
    expect(settings({ ...all, ownClassifier: false }).labels).toEqual(["a", "b"]);
  });

  it("is nothing in a model that gives features, and cannot be given", () => {
    const features = {
      ...anatomy(),
      output: { name: "f", kind: "features", classes: 0, features: 8, logits: "f" },
    } as const;
    expect(settings({ ...all, labels: undefined }, features).labels).toEqual([]);
    expect(() => settings(all, features)).toThrow(/l\.txt names classes, but the model gives features/);
  });

  it("must be as many as there are classes, and says which file is wrong", () => {
    expect(() => settings({ labels: file("l.txt", "a\nb\nc") })).toThrow(
      /l\.txt names 3 classes, but the model has 2/,
    );
    const beside = [file("config.json", '{"id2label": {"0": "a"}}')];
    expect(() => settings({ beside })).toThrow(/config\.json names 1 class,/);
  });

  it("ignores metadata of other tools that only look alike", () => {
    const metadata = new Map([["names", "{0: 'person', 1: 'car'}"]]);
    expect(settings({ metadata }).labels).toEqual(["0", "1"]);
  });
});
