/** @file The tables of a study, in the order in which a paper has them. */
import type { StudyAnalysis } from "../../analysis/types.js";
import { accuracyTable } from "./accuracy.js";
import { agreementTable } from "./agreement.js";
import { comparisonTable } from "./comparisons.js";
import { faithfulnessTable } from "./faithfulness.js";
import { rankingTable } from "./rankings.js";
import type { Table } from "./table.js";

export const studyTables = (analysis: StudyAnalysis): readonly Table[] => [
  faithfulnessTable(analysis),
  accuracyTable(analysis),
  comparisonTable(analysis),
  rankingTable(analysis),
  agreementTable(analysis),
];
