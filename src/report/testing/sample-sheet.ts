/** @file A contact sheet of little. */
import { contactSheet, type Sheet, type SheetImage } from "../contact-sheet.js";

const pixel = "data:image/png;base64,AAAA";

export const sheetImage = (more: Partial<SheetImage> = {}): SheetImage => ({
  name: "a.png",
  target: "cat",
  predictions: [
    { label: "cat", probability: 0.7 },
    { label: "dog", probability: 0.2 },
  ],
  picture: pixel,
  maps: [{ method: "grad-cam", picture: pixel }],
  scores: [
    { method: "grad-cam", metric: "insertion:step=9", auc: 0.4567, curve: [0.1, 0.5, 0.9], control: false },
    { method: "random", metric: "insertion:step=9", auc: 0.2, curve: [0.1, 0.2, 0.9], control: true },
  ],
  ...more,
});

export const sheetSample = (images: readonly SheetImage[], more: Partial<Sheet> = {}): string =>
  contactSheet({
    title: "Maps",
    facts: ["model.onnx"],
    images,
    summary: [
      {
        method: "grad-cam",
        metric: "insertion:step=9",
        direction: "higher",
        mean: 0.4567,
        ci: [0.4, 0.5],
        n: 1,
        control: false,
      },
      {
        method: "random",
        metric: "insertion:step=9",
        direction: "higher",
        mean: undefined,
        ci: undefined,
        n: 1,
        control: true,
      },
    ],
    notes: ["Mind the controls."],
    colors: ["#000", "#fff"],
    ...more,
  });
