import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readTraceFixture, readTraceText } from '../../../../test/support/traces/read-text.ts';
import type { MappingEvent, TraceSummary } from '../../mapping-event.ts';
import { HtmlReport } from './html-report.ts';

const SUMMARY: TraceSummary = { kind: 'summary', mappings: 0, unmappings: 0, unreadableLines: [], lostEvents: 0 };
const MB = 1e6;

function pageOf(events: Iterable<MappingEvent>, files: readonly string[] = ['trace.txt']): string {
  const report = new HtmlReport();
  for (const event of events) report.add(event);
  report.add(SUMMARY);
  return report.page(files);
}

test('HtmlReport gives the same page for the same trace, in ASCII alone', () => {
  const { mappings } = readTraceText(readTraceFixture('events-fprobe.txt'));
  const page = pageOf(mappings, ['Aufnahme für später.txt']);
  assert.equal(pageOf(mappings, ['Aufnahme für später.txt']), page);
  assert.match(page, /^[\n -~]+$/u);
  assert.ok(page.includes('Aufnahme f&#252;r sp&#228;ter.txt'));
  assert.ok(page.includes('exporter: system; 4 buffers, 0 mapped again'));
});

test('HtmlReport says what a source leaves out: times, sizes, parts', () => {
  const page = pageOf(readTraceText(readTraceFixture('function-graph-bare.txt')).mappings);
  for (const text of [
    'The source has no durations: the width is the number of calls, not time.',
    'The source has no times.',
    'The source does not tell: it has neither sizes, nor durations with parts',
  ])
    assert.ok(page.includes(text), text);
  assert.ok(pageOf([]).includes('No mapping of a dma-buf was found.'));
});

test('HtmlReport says which lines could not be read, and what the source lost', () => {
  const report = new HtmlReport();
  const unreadableLines = Array.from({ length: 30 }, (_, index) => ({ file: 'a<b.txt', line: index + 1 }));
  report.add({ ...SUMMARY, unreadableLines, unreadableLineCount: 31, lostEvents: 2 });
  const page = report.page(['a<b.txt']);
  assert.ok(page.includes('31 lines could not be read: a&#60;b.txt:1, a&#60;b.txt:2, '));
  assert.ok(page.includes('a&#60;b.txt:20, &#8230;.</li><li>The source lost 2 events.</li>'));
});

test('HtmlReport shows sampled stacks by samples', () => {
  const [event] = readTraceText(readTraceFixture('events-fprobe.txt')).mappings;
  assert.ok(event !== undefined);
  assert.ok(pageOf([{ ...event, marks: ['sample'] }]).includes('the width is the number of samples'));
});

/** Everything is different each time: paths, consumers, parts, files, buffers. */
function* hostileEvents(count: number): Generator<MappingEvent> {
  for (let index = 0; index < count; index += 1) {
    const name = `<${index}>${'"'.repeat(300)}`;
    yield {
      kind: 'mapping',
      form: 'event',
      file: `${index % 100}${name}`,
      line: 1,
      time: index / 1000,
      durationNs: 1e6 + index,
      path: ['dma_buf_vmap', ...Array.from({ length: 60 }, (_, depth) => `${name} ${depth % 7}`)],
      parts: [
        { name, depth: 1, ns: 5 },
        { name: 'vmap', depth: 1, ns: 1000 },
      ],
      modules: [{ name, functions: [name], buildId: name }],
      buffer: name,
      exporter: name,
      sizeBytes: index,
      result: -(index % 133),
    };
  }
}

test('HtmlReport stays small where every mapping of a trace is different, and hostile', () => {
  const length = pageOf(hostileEvents(3000)).length;
  assert.ok(length < 8 * MB, `${length} bytes`);
});

test('HtmlReport is as long for a hundred thousand mappings as for a thousand', () => {
  function* steady(count: number): Generator<MappingEvent> {
    for (let index = 0; index < count; index += 1)
      yield {
        kind: 'mapping',
        form: 'event',
        line: 1,
        time: index / 60,
        durationNs: 200_000,
        path: ['dma_buf_vmap', 'npu'],
      };
  }
  const [short, long] = [pageOf(steady(1000)).length, pageOf(steady(100_000)).length];
  assert.ok(long < short * 1.5, `${long} bytes, and ${short}`);
});
