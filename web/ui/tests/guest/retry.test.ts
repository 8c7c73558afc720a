import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { START, WHEN } from "../../src/guest/queue.js";
import {
  type During,
  type Failure,
  FIRST_PAUSE_MS,
  judge,
  LONGEST_PAUSE_MS,
  MOST_ATTEMPTS,
  MOST_DIRECT,
} from "../../src/guest/retry.js";
import { lease } from "./samples.js";

const LEASE = lease("a");
const DIRECT = lease("a", {
  mode: "direct",
  url: "https://store.example/k",
  complete: "/api/uploads/a/complete",
});

function answer(during: During, status: number, fields: Partial<Failure & { kind: "answer" }> = {}): Failure {
  return {
    kind: "answer",
    during,
    lease: during === "ask" ? null : LEASE,
    status,
    code: "",
    sentence: "",
    upload: null,
    retryAfter: null,
    ...fields,
  };
}

const broken = (during: During, fields: Partial<Failure & { kind: "broken" }> = {}): Failure => ({
  kind: "broken",
  during,
  lease: during === "ask" ? null : LEASE,
  online: true,
  ...fields,
});

describe("pauses", () => {
  test("double from one second to a minute, half of each by chance", () => {
    const pauses = [0, 1, 2, 3, 10].map((attempts) => {
      const verdict = judge(broken("ask"), attempts, 1);
      return verdict.do === "wait" ? verdict.ms : -1;
    });
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 60_000]);
    expect(judge(broken("ask"), 0, 0)).toMatchObject({ ms: 500 });
  });

  test("no pause is outside its bounds, and every wait says why", () => {
    const statuses = fc.constantFrom(
      400,
      403,
      404,
      408,
      409,
      410,
      411,
      413,
      415,
      418,
      429,
      500,
      502,
      503,
      504,
    );
    const during = fc.constantFrom<During>("ask", "send", "complete", "look");
    const codes = fc.constantFrom(
      "",
      "busy",
      "store",
      "used",
      "lease",
      "already",
      "length",
      "hash",
      "missing",
    );
    fc.assert(
      fc.property(
        statuses,
        during,
        codes,
        fc.nat(30),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (s, d, code, n, r) => {
          const verdict = judge(answer(d, s, { code, retryAfter: 3_600_000 }), n, r);
          expect(verdict.sentence).not.toBe("");
          if (verdict.do === "wait") {
            expect(verdict.ms).toBeGreaterThanOrEqual(0);
            expect(verdict.ms).toBeLessThanOrEqual(160_000);
          }
        },
      ),
    );
    expect(LONGEST_PAUSE_MS).toBeGreaterThan(FIRST_PAUSE_MS);
  });

  test("a server that is full says for how long, and is never asked sooner", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (random) => {
        const verdict = judge(answer("ask", 503, { code: "busy", retryAfter: 8_000 }), 0, random);
        expect(verdict).toMatchObject({ do: "wait", from: START, counted: false, asked: true });
        if (verdict.do === "wait") expect(verdict.ms).toBeGreaterThanOrEqual(8_000);
      }),
    );
  });

  test("waiting for a full server never ends in giving up", () => {
    expect(judge(answer("ask", 503, { code: "busy", retryAfter: 1_000 }), 10_000, 0).do).toBe("wait");
  });

  test("its sentence leaves room for the time that is left", () => {
    expect(judge(answer("ask", 503, { retryAfter: 8_000 }), 0, 0).sentence).toContain(WHEN);
  });
});

describe("a broken connection", () => {
  test("without a network it waits for one, which is nobody's failure", () => {
    expect(judge(broken("send", { online: false }), 3, 0.5)).toMatchObject({
      do: "wait",
      counted: false,
      asked: false,
    });
  });

  test("before there is an address it asks again", () => {
    expect(judge(broken("ask"), 0, 0)).toMatchObject({ from: START });
  });

  test("while bytes went out it looks first whether they arrived", () => {
    expect(judge(broken("send"), 0, 0)).toMatchObject({ from: { at: "look", id: "a" } });
  });

  test("on the way to the store itself it is sent again to the same address, of which a guest has two", () => {
    const from = { at: "send", lease: DIRECT };
    expect(judge(broken("send", { lease: DIRECT }), 0, 0)).toMatchObject({ from });
    expect(judge(answer("send", 503, { lease: DIRECT }), 0, 0)).toMatchObject({ from });
    expect(judge(answer("send", 403, { lease: DIRECT }), 0, 0)).toMatchObject({ from: START });
  });

  test("a store that is never reached is left aside", () => {
    const verdicts = [0, MOST_DIRECT - 1, MOST_DIRECT].map((attempts) =>
      judge(broken("send", { lease: DIRECT }), attempts, 0),
    );
    expect(verdicts.map(({ around }) => around ?? false)).toEqual([false, false, true]);
    expect(verdicts[2]).toMatchObject({ do: "wait", from: START });
  });

  test("what is being completed is looked at until that is over", () => {
    const failure = answer("complete", 409, { code: "used", lease: DIRECT });
    const from = { at: "look", id: "a", till: "done" } as const;
    expect(judge(failure, 0, 0)).toMatchObject({ from });
    expect(judge({ kind: "working", from }, 0, 0)).toMatchObject({ do: "wait", from, counted: true });
  });

  test("when saying that all is there, it says it again", () => {
    const failure = broken("complete", { lease: DIRECT });
    expect(judge(failure, 0, 0)).toMatchObject({ from: { at: "complete", lease: DIRECT } });
  });

  test("after many tries the guest decides", () => {
    expect(judge(broken("send"), MOST_ATTEMPTS, 0)).toMatchObject({ do: "stop", again: true });
  });
});

describe("an answer", () => {
  test("the same address is good again where only the slot was missing", () => {
    const failure = answer("send", 503, { code: "busy", retryAfter: 2_000 });
    expect(judge(failure, 0, 0)).toMatchObject({ from: { at: "send", lease: LEASE } });
  });

  test("a store in trouble needs a new address", () => {
    expect(judge(answer("send", 503, { code: "store", retryAfter: 2_000 }), 0, 0)).toMatchObject({
      from: START,
    });
  });

  test.each([
    [404, "not-found"],
    [410, "lease"],
    [408, "slow"],
  ])("%i %s while sending begins anew", (status, code) => {
    expect(judge(answer("send", status, { code }), 0, 0)).toMatchObject({
      do: "wait",
      from: START,
      counted: true,
    });
  });

  test("an address that was used: perhaps by us", () => {
    expect(judge(answer("send", 409, { code: "used" }), 0, 0)).toMatchObject({
      from: { at: "look", id: "a" },
    });
  });

  test("a picture of this guest's own that is there already counts as added", () => {
    const failure = answer("ask", 409, { code: "already", upload: "b" });
    expect(judge(failure, 0, 0)).toMatchObject({ do: "wait", ms: 0, from: { at: "look", id: "b" } });
  });

  test.each([
    [403, "over", true],
    [409, "already", false],
    [413, "size", false],
    [415, "type", false],
  ])("%i %s ends it with the server's sentence", (status, code, again) => {
    const verdict = judge(answer("ask", status, { code, sentence: "So it is." }), 0, 0);
    expect(verdict).toEqual({ do: "stop", sentence: "So it is.", again });
  });

  test.each([403, 404, 409, 413, 415])("%i without words gets ours", (status) => {
    expect(judge(answer("ask", status), 0, 0).sentence).toMatch(/^[A-Z].*\.$/);
  });

  test("a file that never arrives whole is given up after some tries", () => {
    expect(judge(answer("send", 400, { code: "hash" }), 0, 0).do).toBe("wait");
    expect(judge(answer("send", 400, { code: "hash" }), 2, 0)).toMatchObject({ do: "stop", again: false });
  });

  test("a file that can't be read must be chosen again", () => {
    expect(judge({ kind: "unreadable" }, 0, 0)).toMatchObject({ do: "stop", again: false });
  });
});
