/**
 * The page of the lab, in a real browser: drawing a heap of a million pages beside handing the
 * browser such a picture, its first picture, and what a page that hardly reads takes from the
 * program.
 */

import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';

import { openEmbeddedHeap } from '../src/backend/embedded/embedded-heap.ts';
import type { EmbeddedHeap } from '../src/backend/embedded/embedded-heap.ts';
import { GiB, MiB } from '../src/base/sizes.ts';
import { serveLab } from '../src/lab/serve-lab.ts';
import type { Lab } from '../src/lab/serve-lab.ts';
import { admitted } from '../test/lab/ask-lab.ts';
import { Browser, missingBrowser } from '../test/support/pages/browser.ts';
import type { BrowserPage, WatchedPage } from '../test/support/pages/browser.ts';
import type { JudgedRow } from './judged-row.ts';
import { toBenchRow } from './row.ts';
import { medianOrNull, takeTurns } from './take-turns.ts';
import type { Turns } from './take-turns.ts';

interface LabBenchOptions {
  /** Of the heap, in bytes. Default: 1,048,576 pages of 4 KiB. */
  readonly capacity?: number;
  /** How often the whole picture is drawn. */
  readonly drawingCount?: number;
  readonly turns?: Turns;
  /** Of buffers, in a round of the producer: default some seconds. */
  readonly lifeCount?: number;
}

/** The arena has twice as many pages as may be used at a time. */
const CAPACITY_DEFAULT = 2 * GiB;
const DRAWINGS_DEFAULT = 40;
const TURNS_DEFAULT: Turns = { turns: 5, roundsPerTurn: 1, warmupRounds: 0 };
const LIVES_DEFAULT = 100_000;
const WHOLE_NS_MAX = 8e6;
const CHANGE_NS_MAX = 1e6;
const FIRST_NS_MAX = 300e6;
/** A tenth of the producer's rate at most. */
const PRODUCER_RATIO_MIN = 0.9;
const NS_PER_MS = 1e6;
const BUFFERS_KEPT = 64;
const READ_INTERVAL_MS = 1000;
const PAUSE_MS = 20;
const PATIENCE_MS = 180_000;
/** Of the browser's clock: what takes less is told as nothing. */
const CLOCK_STEP_MS = 0.1;
/** Of a block of the picture. */
const BLOCK_SIDE = 32;

export async function* labRows(options: LabBenchOptions = {}): AsyncGenerator<JudgedRow, void, undefined> {
  const { capacity = CAPACITY_DEFAULT, drawingCount = DRAWINGS_DEFAULT } = options;
  const { turns = TURNS_DEFAULT, lifeCount = LIVES_DEFAULT } = options;
  using heap = openEmbeddedHeap({ capacity });
  const lab = await serveLab({ heap, port: 0, mayControl: false, version: 'bench', onFailure: raise });
  try {
    yield* pageRows(heap, lab, drawingCount);
    yield await producerRow(heap, lab, { turns, lifeCount });
  } finally {
    await lab.close();
  }
}

function raise(error: unknown): never {
  throw error;
}

async function* pageRows(
  heap: EmbeddedHeap,
  lab: Lab,
  drawingCount: number,
): AsyncGenerator<JudgedRow, void, undefined> {
  const missing = missingBrowser();
  const browser = new Browser();
  const producer = new Producer(heap);
  try {
    const times = missing === false ? await measurePage(browser, lab, { producer, drawingCount }) : undefined;
    const describe = (ours: string): string => (missing === false ? ours : `n/a: ${missing}`);
    const pages = `${heap.arena.pageCount.toLocaleString('en')} pages`;
    yield toBenchRow({
      subject: `a heap's picture, of ${pages}`,
      ours: describe('all of it drawn'),
      oursNs: times?.wholeNs ?? null,
      peer: 'putImageData() of as many pixels',
      peerNs: times?.wholePeerNs ?? null,
      oursNsMax: WHOLE_NS_MAX,
    });
    yield toBenchRow({
      subject: `a heap's picture, of ${pages}, when buffers come and go`,
      ours: describe('the blocks that changed are drawn'),
      oursNs: times?.changeNs ?? null,
      peer: 'putImageData() of a block',
      peerNs: times?.changePeerNs ?? null,
      oursNsMax: CHANGE_NS_MAX,
    });
    yield toBenchRow({
      subject: `the lab's first picture, of ${pages}: processor time of the page`,
      ours: describe('dmabuf lab'),
      oursNs: times?.firstNs ?? null,
      peer: 'an empty page',
      peerNs: times?.emptyNs ?? null,
      oursNsMax: FIRST_NS_MAX,
    });
  } finally {
    producer.close();
    await browser.close();
  }
}

interface PageTimes {
  readonly wholeNs: number | null;
  readonly wholePeerNs: number;
  readonly changeNs: number | null;
  readonly changePeerNs: number;
  readonly firstNs: number;
  readonly emptyNs: number;
}

async function measurePage(
  browser: Browser,
  lab: Lab,
  { producer, drawingCount }: { readonly producer: Producer; readonly drawingCount: number },
): Promise<PageTimes> {
  producer.fill();
  const empty = await browser.open();
  await empty.page.goto('data:text/html,<title>empty</title>');
  const emptyNs = (await empty.processorMs()) * NS_PER_MS;
  const opened = await browser.open();
  await opened.page.goto(lab.newAddress());
  const deadline = performance.now() + PATIENCE_MS;
  // Not waitForFunction(), as the page's policy forbids what that does.
  while ((await timesOf(opened.page))[0] === null) {
    if (performance.now() > deadline) throw new Error('The page tells no time of its picture');
    await sleep(PAUSE_MS);
  }
  const firstNs = (await opened.processorMs()) * NS_PER_MS;
  await drawAgain(opened, producer, drawingCount);
  const [wholeNs, changeNs] = await timesOf(opened.page);
  const [wholePeerNs, changePeerNs] = await measurePixels(opened.page, drawingCount);
  return { wholeNs, wholePeerNs, changeNs, changePeerNs, firstNs, emptyNs };
}

/** The whole picture: by pointing at one buffer after the other. Changes: by buffers that come. */
async function drawAgain({ page }: WatchedPage, producer: Producer, drawingCount: number): Promise<void> {
  for (let drawing = 0; drawing < drawingCount; drawing += 1) {
    const at = 4 + ((drawing * BLOCK_SIDE) % 256);
    await page.hover('canvas', { position: { x: at, y: 4 } });
    producer.exchange();
    await sleep(PAUSE_MS);
  }
}

/** The medians that the page tells, in ns. Null for what was not drawn yet. */
async function timesOf(page: BrowserPage): Promise<[whole: number | null, change: number | null]> {
  const told = await page.evaluate(`document.querySelector('figcaption')?.textContent`);
  const [, whole, change] = /Drawn in ([\d.]+) ms, a change in (?:([\d.]+) ms)?/u.exec(String(told)) ?? [];
  const inNs = (ms: string | undefined): number | null =>
    ms === undefined ? null : Math.max(Number(ms), CLOCK_STEP_MS) * NS_PER_MS;
  return [inNs(whole), inNs(change)];
}

/** In the same page: what the browser itself needs for so many pixels, and for those of a block. */
async function measurePixels(page: BrowserPage, count: number): Promise<[whole: number, block: number]> {
  const script = `(() => {
    const { width, height } = document.querySelector('canvas');
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const context = canvas.getContext('2d');
    const image = context.createImageData(width, height);
    const median = (putCount, put) => {
      const times = Array.from({ length: ${count} }, () => {
        const since = performance.now();
        for (let time = 0; time < putCount; time += 1) put();
        return (performance.now() - since) / putCount;
      });
      return times.sort((one, other) => one - other)[times.length >> 1];
    };
    return [
      median(10, () => context.putImageData(image, 0, 0)),
      median(1000, () => context.putImageData(image, 0, 0, 0, 0, ${BLOCK_SIDE}, ${BLOCK_SIDE})),
    ];
  })()`;
  const [whole = Number.NaN, block = Number.NaN] = (await page.evaluate(script)) as number[];
  return [whole * NS_PER_MS, block * NS_PER_MS];
}

/** A program whose buffers come and go. */
class Producer {
  readonly #heap: EmbeddedHeap;
  readonly #buffers: ReturnType<EmbeddedHeap['allocate']>[] = [];

  constructor(heap: EmbeddedHeap) {
    this.#heap = heap;
  }

  fill(): void {
    while (this.#buffers.length < BUFFERS_KEPT) this.#buffers.push(this.#heap.allocate(MiB));
  }

  /** The oldest goes, and a new one comes. */
  exchange(): void {
    this.#buffers.shift()?.close();
    this.#buffers.push(this.#heap.allocate(MiB));
  }

  close(): void {
    for (const buffer of this.#buffers.splice(0)) buffer.close();
  }
}

async function producerRow(
  heap: EmbeddedHeap,
  lab: Lab,
  { turns, lifeCount }: { readonly turns: Turns; readonly lifeCount: number },
): Promise<JudgedRow> {
  const producer = new Producer(heap);
  producer.fill();
  const live = async (): Promise<number> => {
    const since = process.hrtime.bigint();
    for (let life = 0; life < lifeCount; life += 1) {
      producer.exchange();
      // As a program that does something else as well: the lab has its turn.
      await turn();
    }
    return Number(process.hrtime.bigint() - since) / lifeCount;
  };
  const watched = async (): Promise<number> => {
    const response = await watchHeap(lab);
    const reading = setInterval(() => response.read(), READ_INTERVAL_MS);
    try {
      return await live();
    } finally {
      clearInterval(reading);
      response.destroy();
    }
  };
  try {
    const [alone, slowly] = await takeTurns([live, watched], turns);
    return toBenchRow({
      subject: 'a buffer that comes and goes in the heap of the lab',
      ours: 'a page reads a message a second',
      oursNs: medianOrNull(slowly),
      peer: 'nobody looks',
      peerNs: medianOrNull(alone),
      target: PRODUCER_RATIO_MIN,
    });
  } finally {
    producer.close();
  }
}

/** As a page does, which reads only when it is told to. */
async function watchHeap(lab: Lab): Promise<IncomingMessage> {
  const address = lab.newAddress();
  const { hostname, port } = new URL(address);
  const headers = await admitted(address);
  const asked = request({ host: hostname, port, path: '/api/stream?view=heap', headers, agent: false });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.pause();
  return response;
}
