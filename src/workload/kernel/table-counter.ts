import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { SgTable } from '../../sg/sg-table.ts';

/** What the tables of buffers consist of. */
export interface TableCount {
  /** Buffers whose table was seen. */
  readonly bufferCount: number;
  readonly entryCount: number;
  /** Entries that lie together count as one. */
  readonly runCount: number;
  /** Entries by the order that is just within them, largest first. */
  readonly orders: readonly { readonly order: number; readonly entryCount: number }[];
  /** Buffers whose table cannot be seen here. */
  readonly unseenCount: number;
}

/** Adds up the tables of buffers, each buffer once. */
export class TableCounter {
  readonly #counted = new WeakSet<DmaBuf>();
  readonly #orders = new Map<number, number>();
  #bufferCount = 0;
  #runCount = 0;
  #unseenCount = 0;

  /** @param table undefined where it cannot be seen */
  add(buffer: DmaBuf, table: SgTable | undefined): void {
    if (this.#counted.has(buffer)) return;
    this.#counted.add(buffer);
    if (table === undefined) {
      this.#unseenCount += 1;
      return;
    }
    this.#bufferCount += 1;
    this.#runCount += table.runs().count;
    for (const [order, count] of table.orders()) this.#orders.set(order, (this.#orders.get(order) ?? 0) + count);
  }

  read(): TableCount {
    const orders = [...this.#orders].map(([order, entryCount]) => ({ order, entryCount }));
    return {
      bufferCount: this.#bufferCount,
      entryCount: orders.reduce((sum, { entryCount }) => sum + entryCount, 0),
      runCount: this.#runCount,
      orders: orders.toSorted((a, b) => b.order - a.order),
      unseenCount: this.#unseenCount,
    };
  }
}
