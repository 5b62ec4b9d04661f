/**
 * @file Reads what a study has computed, in the order of its declaration, for the tables and the report.
 */
import { VitreousError } from "../../onnx/errors.js";
import type { StoredStudy } from "../run/types.js";

/**
 * @param folder the study's, as was given to runStudy as `out`
 * @throws VitreousError where there is no study, or what it keeps is damaged
 */
export function readStudy(folder: string): StoredStudy {
  throw new VitreousError(`${folder} cannot be read yet`);
}
