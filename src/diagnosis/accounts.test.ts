import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

import { temporaryTree } from '../../test/support/runner/temporary-folder.ts';
import { readGroups, readIdentity } from './accounts.ts';
import { otherMachine } from '../../test/support/fakes/other-machine.ts';

const PASSWD = [
  'root:x:0:0:root:/root:/bin/bash',
  '# a comment: not a user',
  'alice:x:1000:1000:Alice,,,:/home/alice:/bin/bash',
  'camera:x:998:44::/:/usr/sbin/nologin',
  '',
].join('\n');
const GROUP = ['root:x:0:', 'video:x:44:alice,bob', 'alice:x:1000:', 'broken', 'wheel:x:ten:alice', ''].join('\n');
const STATUS = [
  'Name:\tnode',
  'Uid:\t1000\t1000\t1000\t1000',
  'Gid:\t1000\t1000\t1000\t1000',
  'Groups:\t44 1000 ',
  'CapEff:\t0000000000000000',
  '',
].join('\n');

test('readIdentity() gives the user by name, and each group of the session once', (t) => {
  const root = temporaryTree(t, { 'proc/self/status': STATUS, 'etc/passwd': PASSWD });
  assert.deepEqual(readIdentity(otherMachine({ root })), {
    userId: 1000,
    userName: 'alice',
    groupIds: [1000, 44],
    overridesPermissions: false,
  });
});

test('readIdentity() gives the ids that file permissions use, the last of four', (t) => {
  const status = STATUS.replace(/Uid:.*/u, 'Uid:\t0\t0\t0\t1000').replace(/Gid:.*/u, 'Gid:\t0\t0\t0\t44');
  const identity = readIdentity(
    otherMachine({ root: temporaryTree(t, { 'proc/self/status': status, 'etc/passwd': PASSWD }) }),
  );
  assert.deepEqual([identity.userId, identity.userName, identity.groupIds], [1000, 'alice', [44, 1000]]);
});

test('readIdentity() tells by CAP_DAC_OVERRIDE, not by user 0, that permissions do not apply', (t) => {
  const overrides = (uid: number, capabilities: string): boolean => {
    const status = `Uid:\t${uid}\t${uid}\t${uid}\t${uid}\nCapEff:\t${capabilities}\n`;
    return readIdentity(otherMachine({ root: temporaryTree(t, { 'proc/self/status': status }) })).overridesPermissions;
  };
  assert.equal(overrides(0, '000001ffffffffff'), true);
  assert.equal(overrides(0, '000001fffffffffd'), false);
  assert.equal(overrides(1000, '0000000000000002'), true);
});

test('readIdentity() has no name for a user that /etc/passwd does not know', (t) => {
  const root = temporaryTree(t, { 'proc/self/status': STATUS.replaceAll('1000', '4242'), 'etc/passwd': PASSWD });
  assert.deepEqual(
    [readIdentity(otherMachine({ root })).userId, readIdentity(otherMachine({ root })).userName],
    [4242, undefined],
  );
});

test('readIdentity() gives this process the ids that the system command "id" prints', () => {
  const { userId, groupIds } = readIdentity();
  const id = (option: string): string => execFileSync('id', [option], { encoding: 'utf8' }).trim();
  assert.equal(userId, Number(id('-u')));
  assert.deepEqual([...groupIds].toSorted(), [...new Set(id('-G').split(' ').map(Number))].toSorted());
});

test('readGroups() includes users whose primary group it is, and skips broken lines', (t) => {
  const root = temporaryTree(t, { 'etc/group': GROUP, 'etc/passwd': PASSWD });
  assert.deepEqual(readGroups(otherMachine({ root })), [
    { id: 0, name: 'root', members: ['root'] },
    { id: 44, name: 'video', members: ['camera', 'alice', 'bob'] },
    { id: 1000, name: 'alice', members: ['alice'] },
  ]);
});

test('readGroups() gives none where there is no /etc/group', (t) => {
  assert.deepEqual(readGroups(otherMachine({ root: temporaryTree(t, {}) })), []);
});

test('readIdentity() asks the kernel where there is no /proc/self/status', (t) => {
  const { userId, groupIds, overridesPermissions } = readIdentity(
    otherMachine({ root: temporaryTree(t, { 'etc/passwd': PASSWD }) }),
  );
  assert.equal(userId, Number(execFileSync('id', ['-u'], { encoding: 'utf8' })));
  const groups = execFileSync('id', ['-G'], { encoding: 'utf8' }).trim().split(' ').map(Number);
  assert.deepEqual([...groupIds].toSorted(), [...new Set(groups)].toSorted());
  assert.equal(overridesPermissions, userId === 0);
});
