import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ChildCommand } from './child-command.ts';

test('ChildCommand tells how a program ended, once it has', async () => {
  let endCount = 0;
  const count = (): void => void (endCount += 1);
  assert.equal(await new ChildCommand(['true'], count).ended(), undefined);
  assert.equal(await new ChildCommand(['sh', '-c', 'exit 3'], count).ended(), 'ended with status 3');
  assert.equal(await new ChildCommand(['sh', '-c', 'kill -9 $$'], count).ended(), 'was ended by SIGKILL');
  assert.equal(endCount, 3);
});

test('ChildCommand says what it could not start, and that this is an end too', async () => {
  let endCount = 0;
  const child = new ChildCommand(['/no/such', 'word'], () => void (endCount += 1));
  await assert.rejects(child.ended(), {
    name: 'CommandFailure',
    message: 'Cannot run /no/such as there is no such program',
  });
  assert.equal(endCount, 1);
  child.terminate();
});

test('ChildCommand ends a program that is asked to, and leaves one alone that has ended', async () => {
  const child = new ChildCommand(['sleep', '1000'], () => {});
  child.terminate();
  assert.equal(await child.ended(), 'was ended by SIGTERM');
  child.terminate();
});
