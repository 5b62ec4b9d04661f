import { describe, expect, it } from "vitest";
import { sheetImage, sheetSample } from "./testing/sample-sheet.js";

describe("the contact sheet", () => {
  it("shows each image with its maps, its curves, what the model said and the scores", () => {
    const page = sheetSample([sheetImage()]);
    expect(page.match(/<img /g)).toHaveLength(2);
    expect(page).toContain("70.0%");
    expect(page).toContain("0.457");
    expect(page).toContain("0.400 to 0.500");
    // One figure for the image, one for the mean.
    expect(page.match(/<svg /g)).toHaveLength(2);
    expect(page).toContain("Mind the controls.");
  });

  it("is one file: it fetches nothing and runs nothing", () => {
    const page = sheetSample([sheetImage()]);
    expect(page).not.toMatch(/<script|<link|@import|url\(|(src|href)="(?!data:)/);
    expect(page).toContain("default-src 'none'");
  });

  it("says nothing about a true class that is not known, and shows it where a prediction is wrong", () => {
    expect(sheetSample([sheetImage()])).not.toMatch(/true class|predicted</);
    expect(sheetSample([sheetImage({ label: "cat" })])).toContain("rightly predicted");
    const wrong = sheetSample([sheetImage({ label: "dog", target: "dog" })]);
    expect(wrong).toMatch(/true class <b>dog<\/b>, <b class="wrong">taken for cat<\/b>/);
    expect(wrong).toContain("explained: <b>dog</b>");
  });

  it("is safe with any file name and label", () => {
    const nasty = `<img src=x onerror="alert(1)">'&`;
    const page = sheetSample(
      [sheetImage({ name: nasty, label: nasty, predictions: [{ label: nasty, probability: 1 }] })],
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
