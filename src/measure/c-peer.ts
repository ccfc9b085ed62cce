/**
 * The C programs that this package is compared with: their sources are in bench/peer/, and they are
 * built on the machine that runs them.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { assert } from '../base/assert.ts';
import { packageFile } from '../base/package-file.ts';

/** An executable C program, or the reason why there is none. */
export type CPeer = BuiltCPeer | MissingCPeer;

interface BuiltCPeer {
  readonly built: true;
  /** The executable, until `close()`. */
  readonly path: string;
  /** The command that built it. */
  readonly command: string;
  /** The compiler's own name and version, its first line of `--version`. */
  readonly compiler: string;
  /** Removes the built file. */
  readonly close: () => void;
}

interface MissingCPeer {
  readonly built: false;
  readonly reason: string;
  readonly close: () => void;
}

/** The programs in bench/peer/. */
type CPeerName = 'addon' | 'blit' | 'camera' | 'dma-heap' | 'huge-pages' | 'memfd' | 'sg-to-pages' | 'vmap';

/** Options of {@link buildCPeer}. */
interface BuildOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Besides `-O2`. */
  readonly flags?: readonly string[];
}

const COMPILERS = ['cc', 'gcc', 'clang'];
/** The usual options of distributions; target figures assume them. */
const FLAGS = ['-O2'];

interface Compiler {
  readonly words: readonly string[];
  readonly version: string;
}

/** `$CC` may be several words, such as `ccache gcc`. */
function findCompiler(env: NodeJS.ProcessEnv): Compiler | undefined {
  const candidates = [env['CC'] ?? '', ...COMPILERS].map((text) => text.split(/\s+/u).filter((word) => word !== ''));
  for (const words of candidates) {
    const [command, ...rest] = words;
    if (command === undefined) continue;
    const answer = spawnSync(command, [...rest, '--version'], { env, encoding: 'utf8' });
    if (answer.status === 0) return { words, version: answer.stdout.split('\n')[0] ?? '' };
  }
  return undefined;
}

function missing(reason: string): MissingCPeer {
  return { built: false, reason, close: () => {} };
}

/**
 * The folder of programs that were built elsewhere, for a machine without a compiler:
 * `$DMABUF_PEERS`.
 */
function findBuilt(name: CPeerName, env: NodeJS.ProcessEnv): CPeer | undefined {
  const path = join(env['DMABUF_PEERS'] ?? '', name);
  if (env['DMABUF_PEERS'] === undefined || !existsSync(path)) return undefined;
  return { built: true, path, command: `${path}, built elsewhere`, compiler: 'of another machine', close: () => {} };
}

function makeFolder(parent: string): string | undefined {
  try {
    return mkdtempSync(join(parent, 'dmabuf-peer-'));
  } catch {
    return undefined;
  }
}

function sourceOf(name: CPeerName): string {
  const path = packageFile(`bench/peer/${name}.c`, import.meta.url);
  assert(path !== undefined, 'The command runs from its own package');
  return path;
}

/**
 * Builds a program of bench/peer/ in a temporary folder, with the first that works of `$CC`, `cc`,
 * `gcc` and `clang`; or takes it from `$DMABUF_PEERS`, if it is there.
 *
 * @returns the program, or the reason why not; never throws for lack of a compiler or of a folder
 *   to build in
 */
export function buildCPeer(name: CPeerName, options: BuildOptions = {}): CPeer {
  const { env = process.env, flags = [] } = options;
  const found = findBuilt(name, env);
  if (found !== undefined) return found;
  const compiler = findCompiler(env);
  if (compiler === undefined) {
    return missing(`no C compiler answers: ${['$CC', ...COMPILERS].join(', ')} were tried; install gcc or clang`);
  }
  const folder = makeFolder(env['TMPDIR'] ?? tmpdir());
  if (folder === undefined) {
    return missing(`no file can be made in ${env['TMPDIR'] ?? tmpdir()}: set TMPDIR to a folder that can be written`);
  }
  const close = (): void => rmSync(folder, { recursive: true, force: true });
  const path = join(folder, name);
  const [command, ...args] = [...compiler.words, ...FLAGS, ...flags, '-o', path, sourceOf(name)];
  const built = spawnSync(command, args, { env, encoding: 'utf8' });
  if (built.status !== 0) {
    close();
    return missing(`${compiler.words.join(' ')} cannot build ${name}.c: ${built.stderr.trim()}`);
  }
  return { built: true, path, command: [command, ...args].join(' '), compiler: compiler.version, close };
}
