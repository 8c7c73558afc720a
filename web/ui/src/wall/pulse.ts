/**
 * A clock that keeps time in a hidden page: browsers slow a hidden page's timers down to one a minute, a worker's not.
 */

import script from "./pulse.worker.ts?worker&url";

interface ScriptPolicy {
  createScriptURL(url: string): unknown;
}

interface PolicyFactory {
  createPolicy(name: string, rules: ScriptPolicy): ScriptPolicy;
}

let policy: ScriptPolicy | undefined;

/** Calls `beat` every `interval` milliseconds until the function it returns is called. */
export function startPulse(interval: number, beat: () => void): () => void {
  const worker = new Worker(scriptAddress(), { type: "module" });
  worker.onmessage = beat;
  worker.postMessage(interval);
  return () => worker.terminate();
}

/** The worker's address as Trusted Types want it; other browsers take it as it is. */
function scriptAddress(): URL {
  const url = new URL(script, location.href);
  const factory = (globalThis as { trustedTypes?: PolicyFactory }).trustedTypes;
  if (factory === undefined) return url;
  policy ??= factory.createPolicy("frieze", {
    createScriptURL(candidate) {
      if (candidate !== url.href) throw new TypeError("not a script of this page");
      return candidate;
    },
  });
  return policy.createScriptURL(url.href) as URL;
}
