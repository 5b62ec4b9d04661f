import { describe, expect, it } from "vitest";
import { pretrainingReport } from "./pretraining-report.js";
import { pretrainingEpoch, pretrainingSample } from "./testing/sample-pretraining.js";

describe("the report of a pretraining", () => {
  it("shows loss, entropy and what the features are worth", () => {
    const html = pretrainingSample();
    expect(html).toContain("vit &#60;tiny&#62;, pretrained");
    expect(html).toMatch(/k-NN, accuracy<\/th><td[^>]*>75\.0%/);
    expect(html).toContain("linear, validation accuracy");
    expect(html.match(/<svg/g)).toHaveLength(3);
    expect(html).toContain("<p>A note.</p>");
    expect(html).not.toMatch(/undefined|NaN|<script/);
  });

  it("leaves out what images without labels cannot tell", () => {
    const html = pretrainingReport({ title: "t", facts: [], curve: [pretrainingEpoch(1)], notes: [] });
    expect(html).not.toMatch(/k-NN|undefined|NaN/);
    expect(html.match(/<svg/g)).toHaveLength(2);
  });
});
