/** `scripts/house.mjs` says what is wrong with the rooms, and what to do; these are ours, each with one thing changed. */

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ironclad-house-"));
  await cp("src", join(folder, "src"), { recursive: true });
  await mkdir(join(folder, "demo"));
});
afterEach(() => rm(folder, { recursive: true }));

/** What the check says, line by line, without the folder; it fails where there is anything to say. */
async function complaints(): Promise<string[]> {
  const check = promisify(execFile)("node", ["scripts/house.mjs", join(folder, "src"), join(folder, "demo")]);
  const said = await check.then(
    () => "",
    ({ code, stderr }: { code: number; stderr: string }) => (code === 1 ? stderr : `exit code ${code}: ${stderr}`),
  );
  return said.split("\n").filter(Boolean).map((line) => line.replace(`${folder}/`, "")); // biome-ignore format: one line
}

const write = (name: string, text: string) => writeFile(join(folder, name), text);
const append = async (name: string, text: string) =>
  write(name, `${await readFile(join(folder, name), "utf8")}\n${text}\n`);
/** A function of so many lines. */
const long = (lines: number, name = "long") => `function ${name}() {${"\n  name;".repeat(lines - 2)}\n}\n`;

test("the rooms as they are stand", async () => {
  expect(await complaints()).toEqual([]);
});

test.each(["src/errors.ts", "demo/page.js"])("a module past 180 lines: %s", async (name) => {
  const text = name.startsWith("src/") ? await readFile(join(folder, name), "utf8") : "";
  const lines = text.split("\n").length - 1;
  await write(name, `${text}${"//\n".repeat(180 - lines)}`);
  expect(await complaints()).toEqual([]);
  await append(name, "//");
  expect(await complaints()).toEqual([
    `${name}: 182 lines, 180 at most. It has a second subject: give that a module of its own.`,
  ]);
});

test.each(["src/stepup.ts", "demo/page.js"])("a function past 40 lines: %s", async (name) => {
  if (name.startsWith("demo/")) await write(name, "");
  await append(name, long(40));
  expect(await complaints()).toEqual([]);
  await append(name, `const longer = ${long(41)}`);
  expect(await complaints()).toEqual([
    expect.stringMatching(/^\S+:\d+: a function of 41 lines, 40 at most without those inside it\. Give a part of it/),
  ]);
});

test("the functions inside a function are counted for themselves, and there as a line each", async () => {
  await write(
    "demo/a.js",
    `function outer() {\n${long(39)}${long(39)}return () => {${"\n  name;".repeat(38)}\n};\n}\n`,
  );
  expect(await complaints()).toEqual([]);
  await write("demo/a.js", `function outer() {\n${long(42)}}\n`);
  expect(await complaints()).toEqual([expect.stringContaining("demo/a.js:2: a function of 42 lines")]);
});

const against = (room: string, imported: string) =>
  `src/${room}.ts: imports ${imported}, which is not on a floor below it (FLOORS of scripts/house.mjs). ` +
  "Move what it needs down, or let it be given as an argument.";

test("an import against the floors, however it is written, and of a neighbour", async () => {
  const imports = {
    errors: 'import type { Here } from "./here.js";',
    http: 'export * from "./here.js";',
    kept: 'export type { Here } from "./here.js";',
    session: 'export type There = import("./here.js").Here;',
    state: 'export const there = () => import("./here.js");',
    store: 'import { openHere } from "./here.js";',
    surroundings: 'import { openHere } from "../src/here.ts"; export const hidden = () => import(`./here.js`);',
  };
  for (const [room, line] of Object.entries(imports)) await append(`src/${room}.ts`, line);
  await append("src/hearing.ts", 'export { stepUp } from "./stepup.js";');
  const expected = [...Object.keys(imports), "surroundings"].map((room) => against(room, "here"));
  expected.push(against("hearing", "stepup"));
  expect((await complaints()).sort()).toEqual(expected.sort());
});

test("a circle, of types too, is an error of Biome's", async () => {
  await append("src/store.ts", 'export type { Here } from "./here.js";');
  await cp("biome.json", join(folder, "biome.json"));
  const lint = promisify(execFile)(resolve("node_modules/.bin/biome"), ["lint", "--colors=off", "src"], {
    cwd: folder,
  });
  await expect(lint).rejects.toMatchObject({ stderr: expect.stringContaining("This import is part of a cycle.") });
});

test("a room without a floor, and a floor without its room", async () => {
  await write("src/attic.ts", "export const attic = 1;\n");
  await rm(join(folder, "src/vue.ts"));
  expect(await complaints()).toEqual([
    "src/attic.ts: has no floor. Name it in FLOORS of scripts/house.mjs, as low as its imports let it.",
    "vue: is in FLOORS of scripts/house.mjs, and no module. Take it out.",
  ]);
});
