/** With FRIEZE_TEST_SEED every run tries the same examples, as `.ci/run` wants it; without it each tries new ones. */
import fc from "fast-check";

// Node is there, its types are not.
declare const process: { env: Record<string, string | undefined> };

const seed = process.env.FRIEZE_TEST_SEED;
if (seed !== undefined) fc.configureGlobal({ seed: Number(seed) });
