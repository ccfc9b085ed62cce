/** The C programs that this package compares itself with: found in bench/peer/, built where it runs. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A C program ready to run, or why there is none. */
export type CPeer = BuiltCPeer | MissingCPeer;

interface BuiltCPeer {
  readonly built: true;
  /** The executable; gone after `close()`. */
  readonly path: string;
  /** How it was built. */
  readonly command: string;
  /** The compiler's own name and version, its first line of `--version`. */
  readonly compiler: string;
  /** Removes what was built. */
  readonly close: () => void;
}

interface MissingCPeer {
  readonly built: false;
  readonly reason: string;
  readonly close: () => void;
}

/** The programs in bench/peer/. */
type CPeerName = 'addon' | 'dma-heap' | 'memfd' | 'sg-to-pages' | 'vmap';

/** Options of {@link buildCPeer}. */
interface BuildOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Besides `-O2`. */
  readonly flags?: readonly string[];
}

const COMPILERS = ['cc', 'gcc', 'clang'];
/** What distributions build with; the numbers to reach are stated for it. */
const FLAGS = ['-O2'];

// Compiled, this file is dist/src/measure/c-peer.js.
const PEER_FOLDER = fileURLToPath(new URL('../../../bench/peer/', import.meta.url));

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

/** Programs that were built elsewhere, for a machine without a compiler: `$DMABUF_PEERS` is the folder that they lie in. */
function findBuilt(name: CPeerName, env: NodeJS.ProcessEnv): CPeer | undefined {
  const path = join(env['DMABUF_PEERS'] ?? '', name);
  if (env['DMABUF_PEERS'] === undefined || !existsSync(path)) return undefined;
  return { built: true, path, command: `${path}, built elsewhere`, compiler: 'of another machine', close: () => {} };
}

/**
 * Builds a program of bench/peer/ in a temporary folder, with the first that works of `$CC`, `cc`, `gcc` and `clang`; or takes it from
 * `$DMABUF_PEERS`, where it lies there.
 *
 * @returns what was built, or the reason why not; never throws for want of a compiler
 */
export function buildCPeer(name: CPeerName, options: BuildOptions = {}): CPeer {
  const { env = process.env, flags = [] } = options;
  const found = findBuilt(name, env);
  if (found !== undefined) return found;
  const compiler = findCompiler(env);
  if (compiler === undefined) {
    return missing(`no C compiler answers: ${['$CC', ...COMPILERS].join(', ')} were tried; install gcc or clang`);
  }
  const folder = mkdtempSync(join(env['TMPDIR'] ?? tmpdir(), 'dmabuf-peer-'));
  const close = (): void => rmSync(folder, { recursive: true, force: true });
  const path = join(folder, name);
  const [command, ...args] = [...compiler.words, ...FLAGS, ...flags, '-o', path, join(PEER_FOLDER, `${name}.c`)];
  const built = spawnSync(command, args, { env, encoding: 'utf8' });
  if (built.status !== 0) {
    close();
    return missing(`${compiler.words.join(' ')} cannot build ${name}.c: ${built.stderr.trim()}`);
  }
  return { built: true, path, command: [command, ...args].join(' '), compiler: compiler.version, close };
}
