// Builds native/border.c for both processors with Debian's compilers: `npm run native`. The same
// source gives the same bytes. `npm run native -- --check` compares them with the committed files.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const NATIVE_SOURCE = 'native/border.c';

/** The compiler of the committed files: another one gives other bytes. */
export const COMPILER_VERSION = '12.2.0';

const FLAGS = [
  '-std=c11', '-O2', '-Wall', '-Wextra', '-Werror',
  // No C library is linked, so that one file serves glibc and musl.
  '-ffreestanding', '-fno-stack-protector', '-fno-tree-loop-distribute-patterns', '-nostdlib', '-shared', '-fPIC',
  '-fvisibility=hidden', '-fno-asynchronous-unwind-tables',
  // Node unloads an addon that only workers loaded when the last of them ends, while its threads
  // may still run.
  '-Wl,-z,nodelete', '-Wl,-z,lazy', '-Wl,-z,norelro', '-Wl,-z,noseparate-code', '-Wl,--build-id=none', '-Wl,--hash-style=gnu', '-s',
]; // prettier-ignore

export const TARGETS = [
  { arch: 'x64', compilers: ['x86_64-linux-gnu-gcc'], flags: [] },
  // Atomics from libgcc would stay undefined, and the linker would not report it.
  {
    arch: 'arm64',
    compilers: ['aarch64-linux-gnu-gcc'],
    flags: ['-mno-outline-atomics', '-Wl,-z,max-page-size=65536'],
  },
];

export function nativePath(arch) {
  return `native/linux-${arch}/border.node`;
}

function versionOf(compiler) {
  const { stdout, status } = spawnSync(compiler, ['-dumpfullversion'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** Why this machine cannot build for `target`; undefined when it can. */
export function obstacleFor({ compilers }) {
  const [compiler] = compilers;
  const version = versionOf(compiler);
  if (version === undefined) return `${compiler} is not installed`;
  if (version !== COMPILER_VERSION) return `${compiler} is ${version}: the committed files are of ${COMPILER_VERSION}`;
  return undefined;
}

/** Compiles to `output`. Throws the compiler's own output. */
export function compileNative(root, target, output) {
  mkdirSync(dirname(output), { recursive: true });
  const args = [
    ...FLAGS, ...target.flags, `-ffile-prefix-map=${root}=.`, '-isystem', join(root, 'node_modules/node-api-headers/include'),
    '-o', output, join(root, NATIVE_SOURCE),
  ]; // prettier-ignore
  const { status, stderr } = spawnSync(target.compilers[0], args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Cannot compile ${NATIVE_SOURCE} for ${target.arch}:\n${stderr}`);
}

/** Whether a new build gives the committed bytes. */
export function isReproduced(root, target) {
  const folder = mkdtempSync(join(tmpdir(), 'dmabuf-native-'));
  try {
    const output = join(folder, 'border.node');
    compileNative(root, target, output);
    return readFileSync(output).equals(readFileSync(join(root, nativePath(target.arch))));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param args `--check`: compares instead of writing */
export function buildNative(root, args) {
  for (const target of TARGETS) {
    const obstacle = obstacleFor(target);
    if (obstacle !== undefined) {
      process.stderr.write(`Cannot build for ${target.arch} as ${obstacle}\n`);
      process.exitCode = 1;
      continue;
    }
    const path = nativePath(target.arch);
    if (args.includes('--check')) {
      const same = isReproduced(root, target);
      process.stdout.write(
        `${path}: ${same ? 'as its source says' : 'differs from its source: run "npm run native"'}\n`,
      );
      if (!same) process.exitCode = 1;
      continue;
    }
    compileNative(root, target, join(root, path));
    process.stdout.write(`${path}: ${statSync(join(root, path)).size} bytes\n`);
  }
}
