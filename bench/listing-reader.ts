/**
 * Reads the machine whose files are below the given folder, prints its listing to /dev/null, and
 * reports the time.
 */

import { closeSync, openSync, writeSync } from 'node:fs';

import { snapshotLines } from '../src/cli/ls/report.ts';
import { readBufferSnapshot } from '../src/machine/buffers/read-snapshot.ts';
import { Machine } from '../src/linux/machine.ts';
import { nsSince } from './take-turns.ts';

const begin = process.hrtime.bigint();
const snapshot = readBufferSnapshot({ machine: new Machine({ root: process.argv[2] ?? '/' }) });
const sink = openSync('/dev/null', 'w');
for (const line of snapshotLines(snapshot, 'buffer', 80)) writeSync(sink, line);
closeSync(sink);
const tookNs = nsSince(begin);
const peakBytes = process.resourceUsage().maxRSS * 1024;
process.stdout.write(JSON.stringify({ tookNs, peakBytes, bufferCount: snapshot.totals.bufferCount }));
