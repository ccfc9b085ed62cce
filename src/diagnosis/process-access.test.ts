import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { otherMachine } from '../../test/support/fakes/other-machine.ts';
import { temporaryTree } from '../../test/support/runner/temporary-folder.ts';
import type { Machine } from '../linux/machine.ts';
import { explainRefusedDescriptor, mayTraceProcesses, processAccessRemedy } from './process-access.ts';

/** Process 7: its table has 64 descriptors, and number 3 is open. */
function machineOf(t: TestContext, own: { uid: number; capabilities: string; scope?: string }): Machine {
  const { uid, capabilities, scope } = own;
  return otherMachine({
    root: temporaryTree(t, {
      'proc/self/status': `Uid:\t${uid}\t${uid}\t${uid}\t${uid}\nCapEff:\t${capabilities}\n`,
      'proc/7/status': 'Name:\tcamera\nFDSize:\t64\nGroups:\t\n',
      'proc/7/fd/3': '',
      ...(scope === undefined ? {} : { 'proc/sys/kernel/yama/ptrace_scope': `${scope}\n` }),
    }),
  });
}

const ALL = '000001ffffffffff';
const NONE = '0000000000000000';
/** Without bit 19. */
const NO_PTRACE = '000001fffff7ffff';

test('mayTraceProcesses goes by CAP_SYS_PTRACE', (t) => {
  assert.equal(mayTraceProcesses(machineOf(t, { uid: 0, capabilities: ALL })), true);
  assert.equal(mayTraceProcesses(machineOf(t, { uid: 0, capabilities: NO_PTRACE })), false);
  assert.equal(mayTraceProcesses(machineOf(t, { uid: 1000, capabilities: '0000000000080000' })), true);
});

test('processAccessRemedy does not tell root to become root', (t) => {
  assert.equal(processAccessRemedy(machineOf(t, { uid: 1000, capabilities: NONE })), 'run as root');
  assert.match(processAccessRemedy(machineOf(t, { uid: 0, capabilities: NO_PTRACE })), /--cap-add SYS_PTRACE/u);
  assert.match(processAccessRemedy(machineOf(t, { uid: 0, capabilities: ALL })), /^none is known for root/u);
});

test('explainRefusedDescriptor says that a number past the table, or not in the folder, does not exist', (t) => {
  for (const uid of [0, 1000]) {
    const machine = machineOf(t, { uid, capabilities: NONE });
    assert.deepEqual(explainRefusedDescriptor({ pid: 7, fd: 64 }, machine), {
      code: 'EBADF',
      reason: 'it has no such descriptor: all of its numbers are below 64',
    });
    assert.deepEqual(explainRefusedDescriptor({ pid: 7, fd: 63 }, machine), {
      code: 'EBADF',
      reason: 'it has no such descriptor: "ls /proc/7/fd" lists those it has',
    });
  }
});

test('explainRefusedDescriptor has a remedy that fits the caller', (t) => {
  const remedyFor = (own: Parameters<typeof machineOf>[1]): string => {
    const { code, reason } = explainRefusedDescriptor({ pid: 7, fd: 3 }, machineOf(t, own));
    assert.equal(code, 'EPERM');
    return reason;
  };
  assert.match(remedyFor({ uid: 1000, capabilities: NONE }), /: run this as root, or as the user of that process$/u);
  assert.match(
    remedyFor({ uid: 1000, capabilities: NONE, scope: '1' }),
    /user of that process where .*ptrace_scope is 0$/u,
  );
  assert.match(remedyFor({ uid: 0, capabilities: NO_PTRACE }), /--cap-add SYS_PTRACE/u);
  assert.match(
    remedyFor({ uid: 0, capabilities: ALL }),
    /none is known for root: a user namespace or a security module/u,
  );
  assert.match(remedyFor({ uid: 0, capabilities: ALL, scope: '3' }), /until a restart/u);
});
