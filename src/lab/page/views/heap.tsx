import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { JSX } from 'preact';

import { formatAmount, formatCount } from '../../../base/number-format.ts';
import { sizeText } from '../../../base/size-text.ts';
import type { BufferFacts, HeapFactsMessage, HeapShapeMessage } from '../../protocol/messages.ts';
import { BUFFERS_TOLD_MAX } from '../../protocol/messages.ts';
import type { Frame } from '../../protocol/frames.ts';
import { decodeBlocks } from '../../protocol/block-runs.ts';
import { DataTable } from '../data-table.tsx';
import { Facts } from '../facts.tsx';
import { HeapCanvas } from '../heap-canvas.ts';
import { ownerColor, ownerPixels } from '../owner-colors.ts';
import { SaveButtons } from '../save-buttons.tsx';
import { useDarkness } from '../use-darkness.ts';
import { messageOf, watchView } from '../watch-view.ts';

/** The arena, page by page, and whose each is. */
export function HeapView(): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const shape = useSignal<HeapShapeMessage | undefined>(undefined);
  const facts = useSignal<HeapFactsMessage | undefined>(undefined);
  const pointed = useSignal<number | undefined>(undefined);
  const picture = useMemo(() => new HeapPictureView(), []);
  const isDark = useDarkness();
  const pixels = useMemo(() => ownerPixels(isDark), [isDark]);
  picture.useColors(pixels);

  useEffect(() => {
    const stop = new AbortController();
    const take = (frame: Frame): void => {
      if (frame.kind === 'blocks') {
        picture.takeBlocks(frame.body);
        return;
      }
      const message = messageOf(frame);
      if (message.type === 'heap-facts') facts.value = message;
      else if (message.type === 'heap-shape' && canvas.current !== null) {
        shape.value = message;
        picture.begin(canvas.current, message);
      }
    };
    void watchView('heap', take, stop.signal);
    return () => stop.abort();
  }, []);

  const point = (owner: number | undefined): void => {
    if (owner === pointed.value) return;
    pointed.value = owner;
    picture.pointOut(owner);
  };
  const buffers = facts.value?.buffers ?? [];
  return (
    <>
      <h1>Heap</h1>
      {facts.value !== undefined && shape.value !== undefined ? (
        <HeapFacts facts={facts.value} shape={shape.value} />
      ) : (
        <p>Waiting for the heap…</p>
      )}
      <div class="heap">
        <figure>
          <canvas
            ref={canvas}
            role="img"
            aria-label={describe(shape.value, facts.value)}
            onPointerMove={(event) => point(picture.ownerAt(event))}
            onPointerLeave={() => point(undefined)}
          />
          <figcaption>
            One pixel is one page{shape.value === undefined ? '' : ` of ${sizeText(shape.value.pageSize)}`}, a square of
            32 by 32 is 1024 of them; one colour is one buffer. Drawn in {milliseconds(picture.wholeMs)}, a change in{' '}
            {milliseconds(picture.changeMs)}.
          </figcaption>
        </figure>
        <PointedBuffer buffer={buffers.find(({ owner }) => owner === pointed.value)} pointed={pointed.value} />
      </div>
      <FreeBlocks counts={facts.value?.freeBlockCounts ?? []} pageSize={shape.value?.pageSize ?? 0} />
      <BufferTable buffers={buffers} total={facts.value?.bufferCount ?? 0} pixels={pixels} onPoint={point} />
      <SaveButtons name="dmabuf-heap" json={() => facts.value ?? {}} canvas={() => canvas.current} />
    </>
  );
}

/** The picture itself, outside of what is drawn again for each message. */
class HeapPictureView {
  #owners = new Uint16Array(0);
  #drawn: HeapCanvas | undefined;
  #pixels = new Uint32Array(0);
  #pointed: number | undefined;

  get wholeMs(): number | undefined {
    return this.#drawn?.wholeTimes.medianMs;
  }

  get changeMs(): number | undefined {
    return this.#drawn?.changeTimes.medianMs;
  }

  useColors(pixels: Uint32Array<ArrayBuffer>): void {
    if (this.#pixels[0] === pixels[0]) return;
    this.#pixels = pixels;
    this.#drawn?.setPixels(pixels);
    if (this.#pointed !== undefined) this.pointOut(this.#pointed);
  }

  begin(canvas: HTMLCanvasElement, { pageCount }: HeapShapeMessage): void {
    this.#owners = new Uint16Array(pageCount);
    this.#drawn = new HeapCanvas(canvas, this.#owners, this.#pixels);
    if (this.#pointed !== undefined) this.pointOut(this.#pointed);
  }

  takeBlocks(bytes: Uint8Array): void {
    this.#drawn?.drawBlocks(decodeBlocks(bytes, this.#owners));
  }

  pointOut(owner: number | undefined): void {
    this.#pointed = owner;
    this.#drawn?.pointOut(owner);
  }

  /** Undefined over a free page. */
  ownerAt({ offsetX, offsetY, currentTarget }: PointerEvent): number | undefined {
    const { width, height, clientWidth, clientHeight } = currentTarget as HTMLCanvasElement;
    const [x = 0, y = 0] = [(offsetX * width) / clientWidth, (offsetY * height) / clientHeight].map(Math.floor);
    const owner = this.#drawn?.ownerAt(x, y) ?? 0;
    return owner === 0 ? undefined : owner;
  }
}

function describe(shape: HeapShapeMessage | undefined, facts: HeapFactsMessage | undefined): string {
  if (shape === undefined || facts === undefined) return 'The pages of the heap';
  const used = `${sizeText(facts.usedBytes)} of ${sizeText(facts.capacityBytes)} used`;
  return `The ${formatCount(shape.pageCount)} pages of heap ${shape.name}: ${used} by ${formatAmount(facts.bufferCount, 'buffer', 'buffers')}`;
}

function milliseconds(ms: number | undefined): string {
  return ms === undefined ? 'no time yet' : `${ms.toFixed(2)} ms`;
}

function HeapFacts({ facts, shape }: { facts: HeapFactsMessage; shape: HeapShapeMessage }): JSX.Element {
  const { capacityBytes, usedBytes, committedBytes, cachedBytes, bufferCount, hugePages } = facts;
  return (
    <>
      <Facts
        facts={[
          ['Used', sizeText(usedBytes)],
          ['Capacity', sizeText(capacityBytes)],
          ['Committed', sizeText(committedBytes)],
          ['Cached', sizeText(cachedBytes)],
          ['Buffers', formatCount(bufferCount)],
          ['Pages', formatCount(shape.pageCount)],
        ]}
      />
      <p>Huge pages: {hugePages}.</p>
    </>
  );
}

function PointedBuffer({
  buffer,
  pointed,
}: {
  buffer: BufferFacts | undefined;
  pointed: number | undefined;
}): JSX.Element {
  if (pointed === undefined)
    return (
      <p class="pointed">
        Point at the picture, or at a row of the table below, with the pointer or by Tab and arrows.
      </p>
    );
  if (buffer === undefined)
    return <p class="pointed">A buffer that is gone, or not among the {BUFFERS_TOLD_MAX} largest.</p>;
  const orders = Object.entries(buffer.orders).map(([order, count]) => `${formatCount(count)} of order ${order}`);
  return (
    <div class="pointed">
      <h2>{buffer.label}</h2>
      <Facts
        facts={[
          ['Size', sizeText(buffer.bytes)],
          ['Entries', formatCount(buffer.entryCount)],
          ['Runs', formatCount(buffer.runCount)],
          ['Window', buffer.isMapped ? 'mapped' : 'not mapped'],
          ['Views', formatCount(buffer.viewCount)],
          ['Importers and waits', formatCount(buffer.importerCount)],
          ['Handles of threads', formatCount(buffer.handleCount)],
          ['State', buffer.isClosed ? 'closed, still held' : 'open'],
        ]}
      />
      <p>Entries: {orders.join(', ')}.</p>
    </div>
  );
}

function FreeBlocks({ counts, pageSize }: { counts: readonly number[]; pageSize: number }): JSX.Element {
  const rows = counts.map((count, order) => ({ order, count, bytes: count * pageSize * 2 ** order }));
  return (
    <DataTable
      caption="Free blocks by order"
      name="free-blocks"
      columns={[
        { heading: 'Order', cell: ({ order }) => order },
        { heading: 'Blocks', cell: ({ count }) => count, show: ({ count }) => formatCount(count) },
        { heading: 'Bytes', cell: ({ bytes }) => bytes, show: ({ bytes }) => sizeText(bytes) },
      ]}
      rows={rows}
    />
  );
}

interface BufferTableProps {
  readonly buffers: readonly BufferFacts[];
  readonly total: number;
  /** By owner. */
  readonly pixels: Uint32Array;
  readonly onPoint: (owner: number | undefined) => void;
}

function BufferTable({ buffers, total, pixels, onPoint }: BufferTableProps): JSX.Element {
  return (
    <DataTable
      caption={`The largest ${formatCount(buffers.length)} of ${formatAmount(total, 'buffer', 'buffers')}`}
      name="buffers"
      rows={buffers}
      onPoint={(buffer) => onPoint(buffer?.owner)}
      columns={[
        {
          heading: 'Buffer',
          cell: ({ label }) => label,
          show: ({ label, owner }) => (
            <>
              <svg class="key" aria-hidden="true" viewBox="0 0 1 1">
                <rect width="1" height="1" fill={ownerColor(pixels, owner)} />
              </svg>{' '}
              {label}
            </>
          ),
        },
        { heading: 'Bytes', cell: ({ bytes }) => bytes, show: ({ bytes }) => sizeText(bytes) },
        { heading: 'Entries', cell: ({ entryCount }) => entryCount },
        { heading: 'Runs', cell: ({ runCount }) => runCount },
        { heading: 'Views', cell: ({ viewCount }) => viewCount },
        { heading: 'State', cell: ({ isClosed }) => (isClosed ? 'closed, still held' : 'open') },
      ]}
    />
  );
}
