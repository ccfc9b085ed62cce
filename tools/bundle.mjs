// Builds dist/bundle/, from which the package runs: one file for each entry of package.json, and
// the parts that entries share. A program that imports the package then loads a few files instead
// of two hundred. The types stay as the compiler wrote them.

import { chmodSync, existsSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

const BUNDLE = 'dist/bundle';
const PROGRAM = 'dist/src/cli/main.js';
/**
 * The program that the command starts as a process of its own, and finds beside itself
 * (src/measure/way-through-process.ts).
 */
const STAMPING_PROCESS = 'dist/src/measure/stamping-process.js';
/** The thread that decodes JPEG files, likewise (src/picture/jpeg/jpeg-decoder.ts). */
const JPEG_THREAD = 'dist/src/picture/jpeg/jpeg-thread.js';

/** The threads and processes of workloads, likewise (src/workload/contention/party-start.ts). */
const PARTY_THREAD = 'dist/src/workload/contention/party-thread.js';
const PARTY_PROCESS = 'dist/src/workload/contention/party-process.js';
/** The threads of the lab's jobs, likewise (src/lab/lab-jobs.ts). */
const CONVERT_THREAD = 'dist/src/lab/convert-thread.js';
const WORKLOAD_THREAD = 'dist/src/lab/workload-thread.js';

/** For each file of dist/bundle/ that package.json names, the built source of that entry. */
function entries(root) {
  const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const modules = Object.values(exports).filter((entry) => entry.types !== undefined);
  const pairs = modules.map((entry) => [entry.default, entry.types.replace(/\.d\.ts$/u, '.js')]);
  pairs.push(['stamping-process.js', STAMPING_PROCESS], ['jpeg-thread.js', JPEG_THREAD]);
  pairs.push(['party-thread.js', PARTY_THREAD], ['party-process.js', PARTY_PROCESS]);
  pairs.push(['convert-thread.js', CONVERT_THREAD], ['workload-thread.js', WORKLOAD_THREAD]);
  // The last: it is made executable.
  pairs.push([bin.dmabuf, PROGRAM]);
  return pairs.map(([output, input]) => [output.replace(/^(?:\.\/)?dist\/bundle\//u, ''), join(root, input)]);
}

function newestChange(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) =>
    file.name.endsWith('.js'),
  );
  return Math.max(...files.map((file) => statSync(join(file.parentPath, file.name)).mtimeMs));
}

function isUpToDate(root, outputs) {
  const changed = Math.max(newestChange(join(root, 'dist/src')), statSync(join(root, 'package.json')).mtimeMs);
  return outputs.every((output) => {
    const path = join(root, BUNDLE, output);
    return existsSync(path) && statSync(path).mtimeMs > changed;
  });
}

export async function bundle(root) {
  const pairs = entries(root);
  if (isUpToDate(root, pairs.map(([output]) => output))) return; // prettier-ignore
  // Loaded on demand: loading it takes longer than finding that nothing has changed.
  const { rollup } = await import('rollup');
  rmSync(join(root, BUNDLE), { recursive: true, force: true });
  const built = await rollup({
    input: Object.fromEntries(pairs.map(([output, input]) => [output.replace(/\.js$/u, ''), input])),
    external: /^node:/u,
    treeshake: { moduleSideEffects: false },
    onwarn: refuse,
  });
  const chunks = new SharedChunks(pairs);
  await built.write({
    dir: join(root, BUNDLE),
    format: 'es',
    chunkFileNames: 'shared/[name].js',
    manualChunks: (id, graph) => chunks.nameFor(id, graph),
  });
  await built.close();
  chmodSync(join(root, BUNDLE, pairs.at(-1)[0]), 0o755);
}

/**
 * Puts modules that several entries need into the chunk of the smallest of them: few files, and
 * hardly a module that an entry loads without need. By default rollup makes a file for each set of
 * entries, and every file costs a millisecond.
 */
class SharedChunks {
  #pairs;
  /** By the module's path: the names of the entries that reach it, the smallest first. */
  #entriesOf;

  constructor(pairs) {
    this.#pairs = pairs;
  }

  nameFor(id, { getModuleInfo }) {
    this.#entriesOf ??= this.#findEntries(getModuleInfo);
    const [smallest, ...others] = this.#entriesOf.get(id) ?? [];
    return others.length === 0 ? undefined : smallest;
  }

  #findEntries(getModuleInfo) {
    const closures = this.#pairs.map(([output, input]) => [
      output.replace(/\.js$/u, ''),
      closureOf(input, getModuleInfo),
    ]);
    const entriesOf = new Map();
    for (const [name, modules] of closures.toSorted(([, a], [, b]) => a.size - b.size)) {
      for (const id of modules) entriesOf.set(id, [...(entriesOf.get(id) ?? []), name]);
    }
    return entriesOf;
  }
}

/** Every module that `id` reaches. */
function closureOf(id, getModuleInfo, found = new Set()) {
  if (found.has(id) || getModuleInfo(id)?.isExternal !== false) return found;
  found.add(id);
  for (const imported of getModuleInfo(id).importedIds) closureOf(imported, getModuleInfo, found);
  return found;
}

/**
 * The code that `using` compiles to reads `this`, which is undefined in a module. It handles that.
 */
function refuse(warning) {
  if (warning.code !== 'THIS_IS_UNDEFINED') throw new Error(`Cannot bundle: ${warning.message}`);
}
