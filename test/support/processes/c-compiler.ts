import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Why C programs cannot be compiled here; undefined when they can. */
export function missingCompiler(): string | undefined {
  const found = spawnSync('cc', ['--version']).status === 0;
  return found ? undefined : 'there is no C compiler: install one that answers to "cc"';
}

/**
 * Compiles a C program in `folder`, and gives its path. Throws what the compiler said when it
 * refuses.
 */
export function buildC(folder: string, source: string): string {
  const program = join(folder, 'program');
  writeFileSync(`${program}.c`, source);
  const compiled = spawnSync('cc', ['-w', '-o', program, `${program}.c`], { encoding: 'utf8' });
  if (compiled.status !== 0) throw new Error(`The C program does not compile:\n${compiled.stderr}`);
  return program;
}

/**
 * Compiles a C program in `folder`, runs it, and gives what it printed. Throws what the compiler
 * said when it refuses.
 */
export function runC(folder: string, source: string): string {
  const ran = spawnSync(buildC(folder, source), { encoding: 'utf8' });
  if (ran.status !== 0) throw new Error(`The C program ended with ${ran.status ?? ran.signal}: ${ran.stderr}`);
  return ran.stdout;
}
