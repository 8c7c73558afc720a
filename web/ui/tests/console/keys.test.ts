import { expect, test } from "vitest";
import { ACTION_KEYS, commandOf, KEY_TABLE, VIEW_KEYS } from "../../src/console/keys.js";

const press = (key: string, more = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, ...more });

test("keys act on letters of either case", () => {
  expect(commandOf(press("a"), false)).toEqual({ do: "act", kind: "approve" });
  expect(commandOf(press("A"), false)).toEqual({ do: "act", kind: "approve" });
});

test("the browser keeps its own shortcuts", () => {
  for (const modifier of ["ctrlKey", "metaKey", "altKey"]) {
    expect(commandOf(press("r", { [modifier]: true }), false)).toBeNull();
  }
});

test("what is typed into a field is text, except Escape", () => {
  expect(commandOf(press("x"), true)).toBeNull();
  expect(commandOf(press("/"), true)).toBeNull();
  expect(commandOf(press("Escape"), true)).toEqual({ do: "close" });
});

test("a key without a meaning does nothing", () => {
  expect(commandOf(press("q"), false)).toBeNull();
  expect(commandOf(press("F5"), false)).toBeNull();
});

test("the keys on the buttons are those that work", () => {
  for (const [kind, key] of Object.entries(ACTION_KEYS)) {
    const expected = kind === "restore" ? { do: "undo" } : { do: "act", kind };
    expect(commandOf(press(key), false)).toEqual(expected);
  }
  for (const [state, key] of Object.entries(VIEW_KEYS)) {
    expect(commandOf(press(key), false)).toEqual({ do: "view", state });
  }
});

test("every key in the table works", () => {
  const names: Record<string, string> = {
    "←": "ArrowLeft",
    "→": "ArrowRight",
    "↑": "ArrowUp",
    "↓": "ArrowDown",
    Esc: "Escape",
  };
  const keys = KEY_TABLE.flatMap((part) => part.rows.flatMap(([row]) => row)).filter((key) => key !== "–");
  for (const key of keys) expect(commandOf(press(names[key] ?? key), false), key).not.toBeNull();
});
