import assert from 'node:assert/strict';
import { test } from 'node:test';

import { machineHoldings } from '../../../bench/large-machine.ts';
import { listHoldingProcesses } from './holding-processes.ts';
import { joinBuffers } from './join-buffers.ts';

test('a machine of 5,000 processes, 200,000 descriptors and 150,000 buffers is joined in far less than 10 seconds', () => {
  const { before, processes } = machineHoldings({ processCount: 5000, descriptorCount: 200_000, bufferCount: 150_000 });
  // Processor time rather than elapsed time: other processes may use the machine.
  const begin = process.cpuUsage();
  const buffers = joinBuffers({ before, processes, ownPid: 1, after: before });
  const holding = listHoldingProcesses(buffers, processes);
  // Pair by pair it took minutes. One map per process takes half a second.
  assert.ok(process.cpuUsage(begin).user / 1000 < 10_000);
  assert.equal(buffers.length, 150_000);
  assert.equal(holding.length, 5000);
  const [first] = holding;
  assert.deepEqual(
    [first?.pid, first?.bufferCount, first?.fdCount, first?.bytes, first?.shareBytes],
    // The first 1,250 processes share each of their buffers with another.
    [1, 40, 40, 40 * 4096, 20 * 4096],
  );
  const whole = holding.reduce((sum, { shareBytes }) => sum + shareBytes, 0);
  assert.equal(whole, 150_000 * 4096);
});
