/** @file The version, which goes into every record. Checked against package.json by a test. */
export const VERSION = "0.1.0";
