/**
 * @file Runs a study: everything that its declaration asks for and its store does not hold.
 */
import { VitreousError } from "../../onnx/errors.js";
import type { RunStudyOptions, StudyRunSummary, StudyWork } from "../run/types.js";

/**
 * Computes what the store does not hold. A failure of one image, method or model costs the others nothing.
 *
 * @throws VitreousError when results cannot be kept (no permission, a full disk), or options make no sense
 */
export async function runStudy(_work: StudyWork, _options: RunStudyOptions): Promise<StudyRunSummary> {
  throw new VitreousError("studies cannot be run yet");
}
