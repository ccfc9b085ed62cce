import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';

import { runCli } from '../support/processes/run-cli.ts';

interface Listing {
  readonly name: string;
  readonly backend: string;
  readonly available: boolean;
  readonly reason: string;
  readonly remedy: string | null;
  readonly contiguous: boolean;
  readonly uncached: boolean;
  readonly below4GiB: boolean;
  readonly cpuMappable: boolean;
}

function readListings(): readonly Listing[] {
  return (JSON.parse(runCli('heaps', '--json').stdout) as { readonly heaps: readonly Listing[] }).heaps;
}

test('dmabuf heaps --json has the same keys for every heap, and the help names them', () => {
  const keys = 'name backend available reason remedy contiguous uncached below4GiB cpuMappable'.split(' ');
  const listings = readListings();
  for (const listing of listings) assert.deepEqual(Object.keys(listing), keys);
  const help = runCli('heaps', '--help').stdout;
  for (const key of keys) assert.ok(help.includes(key), key);
});

test('dmabuf heaps --json lists the embedded heap as available', () => {
  const { status, stderr } = runCli('heaps', '--json');
  assert.equal(status, 0);
  assert.equal(stderr, '');
  const listings = readListings();
  const embedded = listings.find(({ backend }) => backend === 'embedded');
  assert.equal(embedded?.name, 'system');
  assert.equal(embedded.available, true);
  assert.equal(embedded.remedy, null);
});

test(
  'dmabuf heaps --json says why a missing heap is missing, and what would help',
  { skip: existsSync('/dev/udmabuf') && 'this machine has /dev/udmabuf: nothing is missing' },
  () => {
    const listings = readListings();
    const udmabuf = listings.find(({ backend }) => backend === 'udmabuf');
    assert.equal(udmabuf?.available, false);
    assert.match(udmabuf.reason, /\/dev\/udmabuf/u);
    assert.match(udmabuf.remedy ?? '', /CONFIG_UDMABUF|modprobe udmabuf/u);
  },
);

test('dmabuf heaps prints a line for each heap, within 80 columns', () => {
  const { status, stdout } = runCli('heaps');
  assert.equal(status, 0);
  const lines = stdout.split('\n');
  assert.equal(lines[0], 'HEAP     BACKEND   AVAILABLE  WHAT IT IS, OR WHY IT IS MISSING');
  assert.ok(lines.some((line) => /^system +embedded +yes +pages of a sealed memfd/u.test(line)));
  assert.deepEqual(
    lines.filter((line) => line.length > 80),
    [],
  );
});
