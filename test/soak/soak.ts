/**
 * A soak of any length: `npm run soak -- [--seconds N] [--seed N] [--backends
 * kernel,udmabuf,embedded]`. Exit status 1 for a leak.
 */

import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

import type { BackendKind } from '../../src/index.ts';
import { runSoak } from './soak-run.ts';
import { soakableBackends } from './soakable-backends.ts';

const SECONDS_DEFAULT = 240;

const { values } = parseArgs({
  options: { seconds: { type: 'string' }, seed: { type: 'string' }, backends: { type: 'string' } },
});
const seconds = Number(values.seconds ?? SECONDS_DEFAULT);
const seed = Number(values.seed ?? randomInt(2 ** 32 - 1));
const backends = (values.backends?.split(',') as BackendKind[] | undefined) ?? soakableBackends();

process.stdout.write(`soak: ${seconds} s on ${backends.join(', ')}; again with --seed ${seed}\n`);
const { stepCounts, leaks } = await runSoak({ seconds, seed, backends });
for (const [name, count] of Object.entries(stepCounts)) process.stdout.write(`${String(count).padStart(9)}  ${name}\n`);
process.stdout.write(leaks.length === 0 ? 'Nothing is left behind.\n' : `Left behind:\n  ${leaks.join('\n  ')}\n`);
process.exitCode = leaks.length === 0 ? 0 : 1;
