/** A short soak. `node dist/test/soak/soak.js --seconds 240` is a long one. */

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { env } from 'node:process';
import { test } from 'node:test';

import { runSoak } from './soak-run.ts';
import { soakableBackends } from './soakable-backends.ts';

const SECONDS = 10;
const seed = Number(env['DMABUF_FUZZ_SEED'] ?? randomInt(2 ** 32 - 1));
const backends = soakableBackends();

test(`a soak of ${SECONDS} s on ${backends.join(', ')} leaves nothing behind; DMABUF_FUZZ_SEED=${seed}`, async (t) => {
  const { stepCounts, leaks } = await runSoak({ seconds: SECONDS, seed, backends });
  t.diagnostic(JSON.stringify(stepCounts));
  assert.deepEqual(leaks, []);
});
