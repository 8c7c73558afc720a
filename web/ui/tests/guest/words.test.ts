import { describe, expect, test } from "vitest";
import { acceptOf, kindsOf, refusalOf, sizeWord, typeOf } from "../../src/guest/files.js";
import { WHEN } from "../../src/guest/queue.js";
import {
  closedWords,
  countWords,
  inSeconds,
  nextWords,
  progressWords,
  stepWords,
} from "../../src/guest/words.js";
import { addPath, isOpen, readUploads } from "../../src/uploads.js";
import { entry, MB, uploads, waitingStep } from "./samples.js";

const picture = { name: "a.jpg", type: "image/jpeg", size: MB };

describe("files", () => {
  test("what a browser does not know is told by its ending", () => {
    expect(typeOf({ name: "IMG_1.HEIC", type: "", size: 1 })).toBe("image/heic");
    expect(typeOf({ name: "clip.MOV", type: "", size: 1 })).toBe("video/quicktime");
    expect(typeOf({ name: "notes", type: "", size: 1 })).toBe("");
  });

  test("a usual picture is taken, an unknown one is left to the server", () => {
    expect(refusalOf(picture, uploads())).toBeNull();
    expect(refusalOf({ ...picture, name: "notes", type: "" }, uploads())).toBeNull();
    expect(refusalOf({ ...picture, type: "image/jpg" }, uploads())).toBeNull();
  });

  test.each([
    [{ ...picture, size: 0 }, "empty"],
    [{ ...picture, size: 101 * MB }, "101 MB"],
    [{ ...picture, type: "application/pdf" }, "JPEG, PNG, HEIC, MP4 and MOV"],
  ])("what can't be had says why (%#)", (file, word) => {
    expect(refusalOf(file, uploads())).toContain(word);
  });

  test("a wall without videos says so", () => {
    expect(refusalOf({ name: "a.mp4", type: "video/mp4", size: 1 }, uploads({ video: false }))).toContain(
      "no videos",
    );
    expect(acceptOf(uploads({ video: false }))).not.toContain("video");
    expect(kindsOf(uploads({ video: false }))).toBe("JPEG, PNG and HEIC");
  });

  test.each([
    [0, "0 B"],
    [840 * 1024, "840 KB"],
    [3.14 * MB, "3.1 MB"],
    [100 * MB, "100 MB"],
    [4096 * MB, "4 GB"],
  ])("%f bytes are %s", (bytes, word) => {
    expect(sizeWord(bytes)).toBe(word);
  });
});

describe("sentences", () => {
  test("a waiting row counts the seconds down", () => {
    const row = entry(1, waitingStep(9_000, { sentence: `It goes on ${WHEN}.` }));
    expect(stepWords(row, 1_000)).toBe("It goes on in 8 s.");
    expect(stepWords(row, 9_000)).toBe("It goes on now.");
  });

  test.each([
    [0, "now"],
    [8_400, "in 8 s"],
    [150_000, "in 3 min"],
  ])("%i ms are %s", (ms, word) => {
    expect(inSeconds(ms)).toBe(word);
  });

  test("what is counted is called what it is", () => {
    expect(countWords(1, 0)).toBe("1 picture");
    expect(countWords(2, 2)).toBe("2 videos");
    expect(countWords(3, 1)).toBe("3 files");
  });

  test("progress says which one it is at, then what came of all", () => {
    const none = { chosen: 0, open: 0, added: 0, refused: 0, part: 0 };
    expect(progressWords({ ...none, open: 3, added: 2 })).toBe("Adding 3 of 5");
    expect(progressWords({ ...none, added: 1 })).toBe("1 file was added.");
    expect(progressWords({ ...none, added: 4, refused: 1 })).toBe("4 files were added. 1 file could not.");
    expect(progressWords(none)).toBe("");
  });

  test("what happens next depends on the wall", () => {
    expect(nextWords(["waiting", "shown"], uploads())).toContain("Waiting for approval");
    expect(nextWords(["shown"], uploads())).toBe("On the wall now.");
    expect(nextWords(["waiting"], uploads({ revealAt: Date.UTC(2026, 10, 21, 20) }), "en-GB")).toContain(
      "21 November",
    );
  });
});

describe("opening hours", () => {
  const hours = uploads({ open: false, opens: 1_000, closes: 2_000 });

  test("go by the server's clock, not by what it said when it was asked", () => {
    expect([999, 1_000, 1_999, 2_000].map((now) => isOpen(hours, now))).toEqual([false, true, true, false]);
    expect(isOpen(uploads(), 0)).toBe(true);
  });

  test("are said in words", () => {
    expect(closedWords(hours, 500, "en-GB")).toMatch(/^This wall takes pictures from .* on\.$/);
    expect(closedWords(hours, 2_500, "en-GB")).toMatch(/^This wall took pictures until /);
    expect(closedWords(hours, 1_500)).toBeNull();
    expect(closedWords(null, 0)).not.toBeNull();
  });
});

describe("what a wall takes", () => {
  test("is read from the wire", () => {
    const wire = {
      open: true,
      opens: null,
      closes: "2026-11-22T02:00:00Z",
      consent: " Mine. ",
      name_required: false,
      video: true,
      image_bytes: 104_857_600,
      video_bytes: 4_294_967_296,
      only: false,
      reveal_at: null,
      types: ["image/jpeg", 7],
    };
    expect(readUploads(wire)).toMatchObject({
      closes: Date.UTC(2026, 10, 22, 2),
      consent: "Mine.",
      types: ["image/jpeg"],
      link: null,
    });
    expect(readUploads(null)).toBeNull();
    expect(readUploads({ open: true })).toBeNull();
  });

  test("leads to the page of its own link, and never away from here", () => {
    expect(addPath("party", uploads(), null)).toBe("/w/party/add");
    expect(addPath("party", uploads(), "k")).toBe("/w/party/add#key=k");
    expect(addPath("party", uploads({ link: "/w/party/add#key=other" }), "k")).toBe("/w/party/add#key=other");
    expect(readUploads({ image_bytes: 1, video_bytes: 1, link: "//evil.example/" })?.link).toBeNull();
  });
});
