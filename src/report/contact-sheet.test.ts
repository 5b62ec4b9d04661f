import { describe, expect, it } from "vitest";
import { contactSheet, type Sheet, type SheetImage } from "./contact-sheet.js";

const pixel = "data:image/png;base64,AAAA";

const image = (more: Partial<SheetImage> = {}): SheetImage => ({
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

const sheet = (images: readonly SheetImage[], more: Partial<Sheet> = {}): string =>
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

describe("the contact sheet", () => {
  it("shows each image with its maps, its curves, what the model said and the scores", () => {
    const page = sheet([image()]);
    expect(page.match(/<img /g)).toHaveLength(2);
    expect(page).toContain("70.0%");
    expect(page).toContain("0.457");
    expect(page).toContain("0.400 to 0.500");
    // One figure for the image, one for the mean.
    expect(page.match(/<svg /g)).toHaveLength(2);
    expect(page).toContain("Mind the controls.");
  });

  it("is one file: it fetches nothing and runs nothing", () => {
    const page = sheet([image()]);
    expect(page).not.toMatch(/<script|<link|@import|url\(|(src|href)="(?!data:)/);
    expect(page).toContain("default-src 'none'");
  });

  it("says nothing about a true class that is not known, and shows it where a prediction is wrong", () => {
    expect(sheet([image()])).not.toMatch(/true class|predicted</);
    expect(sheet([image({ label: "cat" })])).toContain("rightly predicted");
    const wrong = sheet([image({ label: "dog", target: "dog" })]);
    expect(wrong).toMatch(/true class <b>dog<\/b>, <b class="wrong">taken for cat<\/b>/);
    expect(wrong).toContain("explained: <b>dog</b>");
  });

  it("is safe with any file name and label", () => {
    const nasty = `<img src=x onerror="alert(1)">'&`;
    const page = sheet(
      [image({ name: nasty, label: nasty, predictions: [{ label: nasty, probability: 1 }] })],
      {
        title: nasty,
        facts: [nasty],
        notes: [nasty],
      },
    );
    expect(page).not.toContain("<img src=x");
    expect(page).not.toMatch(/onerror="/);
  });
});
