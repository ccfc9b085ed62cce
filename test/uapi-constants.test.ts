/**
 * The kernel's numbers and structs in src/uapi/, against the headers of the system that this runs
 * on.
 */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { missingCompiler, runC } from './support/processes/c-compiler.ts';
import { repositoryRoot } from './support/runner/source-files.ts';
import { temporaryFolder } from './support/runner/temporary-folder.ts';

const UAPI = new URL('../src/uapi/', import.meta.url);

/**
 * Beside the header of the file's own name, for every file. `linux/fcntl.h`, which
 * `linux/eventpoll.h` includes, cannot be included after `fcntl.h`, nor `linux/resource.h` after
 * `sys/resource.h`.
 */
const HEADERS = [
  'sys/epoll.h',
  'sys/mman.h',
  'sys/resource.h',
  'sys/stat.h',
  'sys/vfs.h',
  'sys/socket.h',
  'sys/syscall.h',
  'fcntl.h',
  'unistd.h',
  'linux/falloc.h',
  'linux/memfd.h',
  'linux/mman.h',
  'linux/videodev2.h',
  'drm/drm_fourcc.h',
  'libdrm/drm_fourcc.h',
];
/** Whose constants are, or may be, enumerators, which no preprocessor sees. */
const ENUM_FILES: readonly RegExp[] = [/^kcmp$/u, /^videodev2-(?!formats)/u];
/** Headers that are too large for one file. */
const FILES_OF_HEADER: readonly (readonly [string, RegExp])[] = [['linux/videodev2.h', /^videodev2-/u]];
/** Of the kernel module that this repository builds. */
const OWN_MODULES = join(repositoryRoot, 'vm/modules/measure');
const HEADERS_IN_CONFLICT = new Set(['linux/fcntl.h', 'linux/eventpoll.h', 'linux/resource.h']);

/** Something that C can say, and what src/uapi/ says. */
interface KernelFact {
  readonly file: string;
  /** The C expression. */
  readonly expression: string;
  /** What the preprocessor must find true for the expression to mean anything. */
  readonly condition: string;
  readonly value: number | bigint;
}

interface StructLayout {
  readonly size: number;
  readonly offsets: Readonly<Record<string, number>>;
}

function isLayout(value: unknown): value is StructLayout {
  return typeof value === 'object' && value !== null && 'size' in value && 'offsets' in value;
}

/**
 * The kernel writes some of its headers' names with hyphens, and some with underscores. libdrm has
 * those of the display side in a folder of its own.
 */
function headersOf(file: string): string[] {
  const shared = FILES_OF_HEADER.find(([, files]) => files.test(file));
  if (shared !== undefined) return [shared[0]];
  const names = [...new Set([`${file}.h`, `${file.replaceAll('-', '_')}.h`])];
  const folders = ['linux', 'drm', 'libdrm', OWN_MODULES];
  return folders.flatMap((folder) => names.map((name) => `${folder}/${name}`));
}

/** A constant has its C name; a struct has it in the spelling of TypeScript. */
function factsOfExport(file: string, name: string, value: unknown): KernelFact[] {
  const hasHeader = headersOf(file)
    .map((header) => `__has_include(<${header}>)`)
    .join(' || ');
  if (typeof value === 'number' || typeof value === 'bigint') {
    const condition = ENUM_FILES.some((files) => files.test(file)) ? hasHeader : `defined(${name})`;
    return [{ file, expression: name, condition, value }];
  }
  if (!isLayout(value)) return [];
  const struct = `struct ${snakeCase(name)}`;
  const condition = hasHeader;
  const fields = Object.entries(value.offsets).map(([field, offset]) => ({
    file,
    expression: `offsetof(${struct}, ${snakeCase(field)})`,
    condition,
    value: offset,
  }));
  return [{ file, expression: `sizeof(${struct})`, condition, value: value.size }, ...fields];
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`);
}

async function factsOfFile(output: string): Promise<KernelFact[]> {
  const exports = (await import(new URL(output, UAPI).href)) as Record<string, unknown>;
  const file = output.replace('.js', '');
  return Object.entries(exports).flatMap(([name, value]) => factsOfExport(file, name, value));
}

/** A program that prints a line for each fact: its value, or `missing`. */
function programFor(facts: readonly KernelFact[]): string {
  const own = facts.flatMap(({ file }) => headersOf(file)).filter((header) => !HEADERS_IN_CONFLICT.has(header));
  const includes = [...new Set([...HEADERS, ...own])].map(
    (header) => `#if __has_include(<${header}>)\n#include <${header}>\n#endif`,
  );
  const prints = facts.map(
    ({ condition, expression }) =>
      `#if ${condition}\nprintf("%lld\\n", (long long)(${expression}));\n#else\nputs("missing");\n#endif`,
  );
  const head = ['#define _GNU_SOURCE', '#include <stddef.h>', '#include <stdio.h>', ...includes];
  return [...head, 'int main(void) {', ...prints, 'return 0;', '}', ''].join('\n');
}

const compilerMissing = missingCompiler();
const outputs = readdirSync(UAPI).filter((name) => name.endsWith('.js') && !name.includes('.test.'));
const facts = (await Promise.all(outputs.map(factsOfFile))).flat();

test('src/uapi exports constants from fcntl.ts, memfd.ts and mman.ts', () => {
  const withFacts = new Set(facts.map(({ file }) => file));
  for (const file of ['fcntl', 'memfd', 'mman']) assert.ok(withFacts.has(file), file);
});

test('src/uapi says what the system headers say', { skip: compilerMissing ?? false }, async (t) => {
  const printed = runC(temporaryFolder(t), programFor(facts)).trim().split('\n');
  assert.equal(printed.length, facts.length);
  for (const [index, { file, expression, value }] of facts.entries()) {
    const inHeader = printed[index];
    const skip = inHeader === 'missing' ? `the headers of this system lack ${expression}` : false;
    await t.test(`${expression} of src/uapi/${file}.ts`, { skip }, () => assert.equal(String(value), inHeader));
  }
});
