import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { BackendKind, HeapListing } from '../../backend/contract.ts';
import { chooseBackend } from './choose-backend.ts';

function listing(backend: BackendKind, name: string, available: boolean): HeapListing {
  return { backend, name, available, reason: `${backend} ${name}` };
}

const EMBEDDED = listing('embedded', 'system', true);

test('chooseBackend() takes the kernel before udmabuf, and udmabuf before the embedded heap', () => {
  const kernel = listing('kernel', 'system', true);
  const udmabuf = listing('udmabuf', 'udmabuf', true);
  const taken = (listings: HeapListing[]): unknown => {
    const { backend, reason, passedOver } = chooseBackend('system', listings);
    return { backend, reason, before: passedOver.map(({ reason }) => reason) };
  };
  assert.deepEqual(taken([EMBEDDED, udmabuf, kernel]), { backend: 'kernel', reason: 'kernel system', before: [] });
  assert.deepEqual(taken([{ ...kernel, available: false }, udmabuf, EMBEDDED]), {
    backend: 'udmabuf',
    reason: 'udmabuf udmabuf',
    before: ['kernel system'],
  });
  assert.deepEqual(taken([{ ...kernel, available: false }, { ...udmabuf, available: false }, EMBEDDED]), {
    backend: 'embedded',
    reason: 'embedded system',
    before: ['kernel system', 'udmabuf udmabuf'],
  });
});

test('chooseBackend() does not take a heap of the kernel with another name', () => {
  const { backend, passedOver } = chooseBackend('system', [listing('kernel', 'linux,cma', true), EMBEDDED]);
  assert.equal(backend, 'embedded');
  assert.deepEqual(
    passedOver.map(({ name }) => name),
    ['linux,cma'],
  );
});

test('chooseBackend() takes none where none is available', () => {
  const { backend, passedOver } = chooseBackend('system', [{ ...EMBEDDED, available: false }]);
  assert.equal(backend, undefined);
  assert.equal(passedOver.length, 1);
});
