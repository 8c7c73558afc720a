import { expect, test } from "vitest";
import { renditionFor } from "../../src/console/picture.js";
import { filmOf, type Media } from "../../src/media.js";

const rendition = (role: string, width: number, type: string) => ({
  role,
  width,
  height: width * 2,
  type,
  url: `/media/m/${role}`,
});

/** A video as a phone takes it, upright. */
const VIDEO: Media = {
  id: "m",
  kind: "video",
  alt: "",
  width: 1080,
  height: 2160,
  focus: null,
  thumbhash: null,
  duration: 7.5,
  renditions: [
    rendition("thumbnail-320", 160, "image/webp"),
    rendition("poster", 640, "image/webp"),
    rendition("video", 1080, "video/mp4"),
  ],
};

test("a video's still is a picture, also where only the video is wide enough", () => {
  expect(renditionFor(VIDEO, 100)?.role).toBe("thumbnail-320");
  expect(renditionFor(VIDEO, 1280)?.role).toBe("poster");
});

test("what plays is the video, and nothing of a picture", () => {
  expect(filmOf(VIDEO)?.role).toBe("video");
  expect(filmOf({ ...VIDEO, kind: "image" })).toBeNull();
});
