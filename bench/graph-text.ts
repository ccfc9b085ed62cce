/** Text of function_graph, as a recording of a kernel that maps now and then. */

import { closeSync, openSync, writeSync } from 'node:fs';

import { SeededRandom } from '../src/base/seeded-random.ts';

/** Written at once. Each piece has other times, and the same number of mappings. */
const PIECE_BYTES = 1_048_576;
const SEED = 612;
/** Functions that a graph around a commit or a queue of buffers is full of. */
const FILLERS = [
  '__cond_resched',
  '_raw_spin_lock_irqsave',
  '_raw_spin_unlock_irqrestore',
  'drm_mode_object_get',
  'kfree',
  'mutex_unlock',
  'rcu_read_unlock_strict',
  'update_curr',
];
const DEPTH_MAX = 8;
const PARTS = ['mutex_lock', 'vmalloc_noprof', 'vmap', 'vfree', 'mutex_unlock'];

/** What the text has in it. */
export interface GraphText {
  readonly byteLength: number;
  readonly mappingCount: number;
}

/** Writes at least so many bytes. */
export function writeGraphText(path: string, bytesMin: number): GraphText {
  const fd = openSync(path, 'w');
  try {
    let byteLength = 0;
    let mappingCount = 0;
    for (let piece = 0; byteLength < bytesMin; piece++) {
      const { text, mappings } = pieceOf(SEED + piece);
      byteLength += writeSync(fd, text);
      mappingCount += mappings;
    }
    return { byteLength, mappingCount };
  } finally {
    closeSync(fd);
  }
}

function pieceOf(seed: number): { text: string; mappings: number } {
  const piece = new GraphPiece(seed);
  let mappings = 0;
  while (piece.byteLength < PIECE_BYTES) {
    for (let count = 0; count < 20; count++) piece.fill(0);
    piece.map();
    mappings += 1;
  }
  return { text: piece.text, mappings };
}

/** Text that grows call by call. */
class GraphPiece {
  readonly #random: SeededRandom;
  readonly #lines: string[] = [];
  #byteLength = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  get text(): string {
    return this.#lines.join('');
  }

  /** A call of a function that has nothing to do with mappings, and some inside it. */
  fill(depth: number): void {
    const name = FILLERS[this.#random.below(FILLERS.length)] ?? '';
    if (depth >= DEPTH_MAX || this.#random.below(10) >= 3) {
      this.#add(depth, `${name}();`, this.#upTo(5));
      return;
    }
    this.#call(depth, name, () => {
      for (let count = 0; count < 4; count++) this.fill(depth + 1);
    });
  }

  map(): void {
    this.#call(0, 'dma_buf_vmap_unlocked', () => {
      this.#call(1, 'dma_buf_vmap', () => {
        this.#call(2, 'system_heap_vmap', () => {
          for (const part of PARTS) this.#add(3, `${part}();`, this.#upTo(200));
        });
      });
    });
  }

  #call(depth: number, name: string, body: () => void): void {
    this.#add(depth, `${name}() {`);
    body();
    this.#add(depth, '}', 1 + this.#upTo(2000));
  }

  #add(depth: number, text: string, us?: number): void {
    const line = ` 0) ${formatTime(us)} |  ${'  '.repeat(depth)}${text}\n`;
    this.#lines.push(line);
    this.#byteLength += line.length;
  }

  #upTo(us: number): number {
    return this.#random.below(us * 1000) / 1000;
  }
}

/** As kernel/trace/trace_functions_graph.c has it, print_graph_duration. */
function formatTime(us: number | undefined): string {
  if (us === undefined) return ' '.repeat(14);
  const sign = us > 1000 ? '#' : us > 100 ? '!' : us > 10 ? '+' : ' ';
  return `${sign} ${us.toFixed(3)} us`.padEnd(14);
}
