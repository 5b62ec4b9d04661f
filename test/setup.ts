/** @file One seed for all property tests, so that a run can be repeated; set FAST_CHECK_SEED for another. */
import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env.FAST_CHECK_SEED ?? 20251012) });
