/** @file A study's report as one page: the question and the answer first, everything that it rests on below. */
import { colorStops } from "../../imaging/colormap.js";
import { html } from "../html.js";
import type { StudyFigures } from "./figures/study-figures.js";
import { studyPage } from "./page.js";
import { accuracySection } from "./sections/accuracy.js";
import { answerSection, headerOf } from "./sections/answer.js";
import { curvesSection, distributionsSection, rankingSection } from "./sections/charts.js";
import { controlsSection } from "./sections/controls.js";
import { failuresSection } from "./sections/failures.js";
import { gallerySection } from "./sections/gallery.js";
import { misclassifiedSection } from "./sections/misclassified.js";
import { originsSection } from "./sections/origins.js";
import { settingsSection } from "./sections/settings.js";
import { tableSection } from "./sections/table.js";
import { testsSection } from "./sections/tests.js";
import type { StudyReport } from "./types.js";

/** HTML that opens from disk; the same for the same study. */
export function studyReport(report: StudyReport, figures: StudyFigures): string {
  const { analysis } = report;
  return studyPage({
    title: analysis.title,
    header: headerOf(report),
    sections: [
      answerSection(report, figures),
      tableSection(report),
      ...curvesSection(report, figures),
      ...distributionsSection(report, figures),
      ...rankingSection(report, figures),
      ...gallerySection(report, scale()),
      ...misclassifiedSection(report),
      ...controlsSection(report),
      accuracySection(report),
      testsSection(report),
      ...failuresSection(report),
      originsSection(report),
      settingsSection(report),
    ],
    footer: html`<p>Insertion and Deletion measure how well a map finds the pixels that the model's own answer hangs on. They do not say that the model is right, that it looks at what a person would look at, or that a disease is there.</p><p>Made by vitreous ${report.version}.</p>`,
  });
}

/** The heat maps' colours, from unimportant to important. */
const scale = () =>
  html`<li class="scale">unimportant <i style="background:linear-gradient(90deg,${colorStops("inferno").join(",")})"></i> important</li>`;
