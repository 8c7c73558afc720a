import { expect, test } from "vitest";
import { SOCKET_AGAIN_MS, Ways } from "../../src/wall/ways.js";

test("one failed opening changes nothing, two in a row change the way", () => {
  const ways = new Ways();
  ways.failed();
  expect(ways.way).toBe("socket");
  ways.failed();
  expect(ways.way).toBe("stream");
});

test("failures count in a row only", () => {
  const ways = new Ways();
  ways.failed();
  ways.worked("socket", 0);
  ways.failed();
  expect(ways.way).toBe("socket");
});

test("the WebSocket is due some minutes after the stream began to work, once each time", () => {
  const ways = new Ways();
  expect(ways.socketDue(Number.MAX_SAFE_INTEGER)).toBe(false);
  ways.worked("stream", 1_000);
  expect(ways.socketDue(SOCKET_AGAIN_MS)).toBe(false);
  expect(ways.socketDue(SOCKET_AGAIN_MS + 1_000)).toBe(true);
  expect(ways.socketDue(SOCKET_AGAIN_MS + 2_000)).toBe(false);
  ways.worked("socket", SOCKET_AGAIN_MS);
  expect(ways.socketDue(Number.MAX_SAFE_INTEGER)).toBe(false);
});
