/**
 * Predictions for a kernel's mappings against the same kernel's: a 6.12 whose clock counts
 * instructions, 2 ns each. The stand-in camera mapped buffers of six sizes (vm/modules/standin)
 * while `dmabuf trace --jsonl` recorded.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { MappingEvent } from '../../src/trace/mapping-event.ts';
import { readTraceFile } from '../../src/trace/read-trace.ts';
import { costsOfMappings } from '../../src/workload/costs/costs-of-mappings.ts';
import { predictMappings } from '../../src/workload/costs/predict-mappings.ts';

const RECORDED = 'test/fixtures/trace/instructions-6.12.jsonl';
/** Pages of the buffers whose mappings tell the costs, and of those that are predicted. */
const KNOWN = [16, 256, 3840, 8192];
const PREDICTED = [1013, 2025];

async function readMappings(): Promise<readonly MappingEvent[]> {
  const mappings: MappingEvent[] = [];
  for await (const record of readTraceFile(RECORDED)) if (record.kind === 'mapping') mappings.push(record);
  return mappings;
}

const ofPages =
  (...counts: readonly number[]) =>
  ({ sizeBytes = 0 }: MappingEvent): boolean =>
    counts.includes(sizeBytes / 4096);

test('what a kernel takes to map is within what is predicted by its mappings of other sizes', async (t) => {
  const mappings = await readMappings();
  const costs = costsOfMappings({ page: mappings.filter(ofPages(...KNOWN)) }, 'instructions of 6.12');
  assert.ok(costs !== undefined);
  for (const pageCount of PREDICTED) {
    const step = { callCount: 1, mappingCount: 1, pages: [{ order: 0, pageCount }] };
    const [byPage] = predictMappings([{ load: { consumer: 'mtk-aov', stepsPerSecond: 1 }, start: step, step }], costs);
    assert.ok(byPage !== undefined && byPage.conversion === 'page');
    const { lowNs, likelyNs, highNs } = byPage.stepNs;
    const took = mappings.filter(ofPages(pageCount)).filter(({ marks = [] }) => marks.length === 0);
    assert.ok(took.length >= 3);
    for (const { durationNs } of took) {
      const figures = `${pageCount} pages: ${durationNs} ns, predicted ${lowNs} to ${highNs}, likely ${likelyNs}`;
      t.diagnostic(figures);
      assert.ok((durationNs ?? 0) >= lowNs && (durationNs ?? 0) <= highNs, figures);
    }
  }
});

test('what a recording tells of a page is within 3 % of what a kernel module measured of 1 GiB', async () => {
  const costs = costsOfMappings({ page: await readMappings() }, 'instructions of 6.12');
  // docs/guide/kernel-vmap.md, in instructions of 2 ns: dmabuf_measure times each step by itself.
  for (const [name, likelyNs, instructions] of [
    ['byPage', costs?.byPage?.likelyNs, 36.1],
    ['byEntry', costs?.byEntry?.likelyNs, 6.1],
    ['vmap', costs?.vmap?.[0]?.likelyNs, 81.2],
  ] as const) {
    const ratio = (likelyNs ?? 0) / (2 * instructions);
    assert.ok(ratio > 0.97 && ratio < 1.03, `${name}: ${likelyNs} ns, ${instructions} instructions`);
  }
});
