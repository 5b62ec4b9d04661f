/** @file What is stored of a unit, where it is what is written of its kind today: the rest counts as damaged. */
import { isWellFormed } from "../run/results.js";
import { type Found, type Store, unitHash } from "../store/node/store.js";
import type { UnitKey } from "../types.js";

/** @throws VitreousError where its file cannot be read */
export function storedUnit(store: Store, key: UnitKey): Found {
  const found = store.read(unitHash(key));
  return typeof found === "string" || isWellFormed(key, found) ? found : "damaged";
}
