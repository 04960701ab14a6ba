// The rooms of the client stand on floors, and none is long: says what stands in the way of that, and what to do.
// node scripts/house.mjs [rooms] [scripts]: the folders; by default src/ and the demo's own scripts, which have no floors.

import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAst } from "vitest/node";

/** From the roof to the ground: a room imports from the floors below its own, types too, and neighbours know nothing of each other. */
const FLOORS = [
  ["angular", "angularjs", "axios", "react", "sessions", "vue"],
  ["index"],
  ["auth"],
  ["login"],
  ["calls", "waking"],
  ["hearing", "renewal", "stepup", "unheard"],
  ["presence"],
  ["here"],
  ["kept", "tabs"],
  ["refusal", "state"],
  ["http", "replay", "session"],
  ["errors", "store", "surroundings"],
];
const LONGEST_MODULE = 180;
const LONGEST_FUNCTION = 40;

const root = fileURLToPath(new URL("..", import.meta.url));
const [rooms = `${root}src`, scripts = `${root}../demo/campus/static/campus`] = process.argv.slice(2);

/** Each node of the syntax tree below this one; `enter` says whether to go into one. */
function* nodesIn(node, enter = () => true) {
  for (const child of Object.values(node).flat()) {
    if (typeof child?.type !== "string") continue;
    yield child;
    if (enter(child)) yield* nodesIn(child, enter);
  }
}

const isFunction = ({ type }) => /^(Arrow)?Function(Expression|Declaration)$/.test(type);

const roomOf = (path, folder) => relative(folder, path).replace(/\.[jt]s$/, "");

async function read(folder, name) {
  const text = await readFile(join(folder, name), "utf8");
  const lines = text.replace(/\n$/, "").split("\n").length;
  const lineOf = (offset) => text.slice(0, offset).split("\n").length;
  /** How many more lines than one. */
  const height = ({ start, end }) => lineOf(end) - lineOf(start);
  const tree = [...nodesIn(parseAst(text, { lang: name.split(".").at(-1) }))];
  const functions = tree.filter(isFunction).map((node) => {
    // A function inside counts as one line here, and for itself.
    const inside = [...nodesIn(node, (child) => !isFunction(child))].filter(isFunction);
    return { line: lineOf(node.start), lines: 1 + inside.reduce((sum, inner) => sum - height(inner), height(node)) };
  });
  const imported = tree.map(({ source }) => source?.value ?? source?.quasis?.[0].value.cooked);
  // "./x.js", and whatever else leads to that file.
  const imports = imported
    .filter((from) => /^\.\.?\//.test(from))
    .map((from) => roomOf(join(folder, dirname(name), from), folder));
  return { path: join(folder, name), room: roomOf(join(folder, name), folder), lines, functions, imports };
}

const readAll = async (folder) =>
  Promise.all(
    (await readdir(folder, { recursive: true }))
      .filter((name) => /\.[jt]s$/.test(name))
      .map((name) => read(folder, name)),
  );

function* tooLong({ path, lines, functions }) {
  if (lines > LONGEST_MODULE) {
    yield `${path}: ${lines} lines, ${LONGEST_MODULE} at most. It has a second subject: give that a module of its own.`;
  }
  for (const { line, lines } of functions) {
    if (lines <= LONGEST_FUNCTION) continue;
    yield `${path}:${line}: a function of ${lines} lines, ${LONGEST_FUNCTION} at most without those inside it. Give a part of it a name of its own.`;
  }
}

/** With every import going down there is no circle either; Biome's noImportCycles shows one whole. */
function* upward(modules) {
  const floorOf = (room) => FLOORS.findIndex((floor) => floor.includes(room));
  for (const { path, room, imports } of modules) {
    if (floorOf(room) < 0) {
      yield `${path}: has no floor. Name it in FLOORS of scripts/house.mjs, as low as its imports let it.`;
    }
    for (const imported of imports) {
      if (floorOf(imported) > floorOf(room)) continue;
      yield `${path}: imports ${imported}, which is not on a floor below it (FLOORS of scripts/house.mjs). Move what it needs down, or let it be given as an argument.`;
    }
  }
  const gone = FLOORS.flat().filter((room) => !modules.some((module) => module.room === room));
  for (const room of gone) yield `${room}: is in FLOORS of scripts/house.mjs, and no module. Take it out.`;
}

const modules = await readAll(rooms);
const complaints = [...modules, ...(await readAll(scripts))].flatMap((module) => [...tooLong(module)]);
complaints.push(...upward(modules));
for (const complaint of complaints) console.error(complaint);
if (complaints.length) process.exitCode = 1;
else console.log(`${modules.length} rooms on ${FLOORS.length} floors, none past ${LONGEST_MODULE} lines.`);
