import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

import { buildC, missingCompiler } from '../../../test/support/processes/c-compiler.ts';
import { temporaryFolder } from '../../../test/support/runner/temporary-folder.ts';
import { KcmpCalls } from './kcmp-calls.ts';

/**
 * Ends when its stdin ends. Prints the process ids of children: one that shares its descriptors,
 * one that shares its memory, and one that shares neither.
 */
const PROGRAM = `
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static int wait_for_end(void *unused) { (void)unused; for (;;) pause(); }
static int start(int flags) {
  char *stack = malloc(65536);
  return clone(wait_for_end, stack + 65536, flags | SIGCHLD, NULL);
}
int main(void) {
  int pids[3] = { start(CLONE_FILES), start(CLONE_VM), start(0) };
  printf("%d %d %d\\n", pids[0], pids[1], pids[2]);
  fflush(stdout);
  char byte;
  if (read(0, &byte, 1) < 0) return 1;
  for (int i = 0; i < 3; i++) { kill(pids[i], SIGKILL); waitpid(pids[i], NULL, 0); }
  return 0;
}
`;

function whyNot(): string | false {
  const compilerMissing = missingCompiler();
  if (compilerMissing !== undefined) return compilerMissing;
  const answers = new KcmpCalls().compare(process.pid, process.pid, 'descriptors') === 0;
  return answers ? false : 'the kernel does not compare processes (kcmp) for us';
}

test('KcmpCalls tells which processes share descriptors, and which memory', { skip: whyNot() }, async (t) => {
  const child = spawn(buildC(temporaryFolder(t), PROGRAM));
  const ended = once(child, 'exit');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const [withFiles = 0, withMemory = 0, withNeither = 0] = line.split(' ').map(Number);
  const calls = new KcmpCalls();
  const sharing = (pid: number): boolean[] =>
    (['descriptors', 'memory'] as const).map((resource) => calls.compare(child.pid ?? 0, pid, resource) === 0);
  assert.deepEqual([withFiles, withMemory, withNeither].map(sharing), [
    [true, false],
    [false, true],
    [false, false],
  ]);
  const order = calls.compare(withFiles, withNeither, 'descriptors');
  assert.equal(calls.compare(withNeither, withFiles, 'descriptors'), -(order ?? 0));
  child.stdin.end();
  await ended;
  assert.equal(calls.compare(process.pid, withFiles, 'descriptors'), undefined);
});
