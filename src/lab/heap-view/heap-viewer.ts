import type { EmbeddedHeap } from '../../backend/embedded/embedded-heap.ts';
import type { BufferCore } from '../../heap/buffer-core.ts';
import type { SgTable } from '../../sg/sg-table.ts';
import { BUFFERS_TOLD_MAX } from '../protocol/messages.ts';
import type { BufferFacts, HeapFactsMessage, HeapShapeMessage } from '../protocol/messages.ts';
import type { Frame } from '../protocol/frames.ts';
import { encodeBlocks } from '../protocol/block-runs.ts';
import { jsonFrame } from '../server/json-frame.ts';
import type { Viewer } from '../server/viewer.ts';
import { OwnerMap } from './owner-map.ts';
import type { ChangedBlocks, Painted } from './owner-map.ts';

const FACTS_INTERVAL_MS = 250;

/** A heap as a picture of its pages. */
export class HeapPicture {
  readonly heap: EmbeddedHeap;
  readonly map: OwnerMap;
  /** Tables do not change, and counting walks every entry. */
  readonly #orders = new WeakMap<SgTable, BufferFacts['orders']>();

  constructor(heap: EmbeddedHeap) {
    this.heap = heap;
    this.map = new OwnerMap(heap.arena.pageCount);
  }

  /** The state of now. */
  update(): void {
    this.map.update(this.heap.buffers);
  }

  facts(): HeapFactsMessage {
    const { capacityBytes = 0, usedBytes, committedBytes, cachedBytes, bufferCount, ...stats } = this.heap.stats();
    const largest = [...this.map.painted].toSorted(([one], [other]) => other.length - one.length);
    return {
      type: 'heap-facts',
      capacityBytes,
      usedBytes,
      committedBytes,
      cachedBytes,
      bufferCount,
      freeBlockCounts: stats.freeBlockCounts,
      hugePages: stats.hugePages.reason,
      buffers: largest.slice(0, BUFFERS_TOLD_MAX).map(([buffer, painted]) => this.#factsOf(buffer, painted)),
    };
  }

  #factsOf(buffer: BufferCore, { owner, table }: Painted): BufferFacts {
    return {
      owner,
      label: buffer.label,
      bytes: buffer.length,
      entryCount: table.entryCount,
      runCount: table.runs().count,
      orders: this.#ordersOf(table),
      viewCount: buffer.viewCount,
      importerCount: buffer.importerCount,
      handleCount: buffer.handleCount,
      isMapped: buffer.isMapped('main') || buffer.isMapped('readOnly'),
      isClosed: !buffer.open,
    };
  }

  #ordersOf(table: SgTable): BufferFacts['orders'] {
    const orders = this.#orders.get(table) ?? Object.fromEntries(table.orders());
    this.#orders.set(table, orders);
    return orders;
  }
}

/** What one page has seen of a heap. */
export class HeapViewer implements Viewer {
  readonly #picture: HeapPicture;
  readonly #changed: ChangedBlocks;
  #isNew = true;
  #factsAt = Number.NEGATIVE_INFINITY;

  constructor(picture: HeapPicture) {
    this.#picture = picture;
    this.#changed = picture.map.addViewer();
  }

  next(nowMs: number): Frame[] {
    const { map } = this.#picture;
    this.#picture.update();
    const frames: Frame[] = this.#isNew ? [jsonFrame(this.#shape())] : [];
    this.#isNew = false;
    const blocks = this.#changed.take();
    if (blocks.length > 0) frames.push({ kind: 'blocks', body: encodeBlocks(map.owners, blocks) });
    if (nowMs - this.#factsAt >= FACTS_INTERVAL_MS) {
      frames.push(jsonFrame(this.#picture.facts()));
      this.#factsAt = nowMs;
    }
    return frames;
  }

  close(): void {
    this.#picture.map.dropViewer(this.#changed);
  }

  #shape(): HeapShapeMessage {
    const { heap } = this.#picture;
    const { name, pageSize, arena } = heap;
    return { type: 'heap-shape', name, pageSize, pageCount: arena.pageCount };
  }
}
