/**
 * A compositor that draws nothing: what it says is put together byte by byte (The Wayland Protocol,
 * "Wire Format"; wayland.xml and xdg-shell.xml), by nothing of the code under test.
 */

import type { TestContext } from 'node:test';

import { OwnedFd } from '../../src/index.ts';
import { ShareContext } from '../../src/share/connection/share-context.ts';
import { listenAt } from '../../src/share/listener/accepting-socket.ts';
import { DescriptorStream } from '../../src/share/stream/descriptor-stream.ts';

/** A request as it came: object, opcode, and the words of its arguments. */
export interface SeenRequest {
  readonly on: string;
  readonly opcode: number;
  readonly words: Buffer;
}

/** What it has, in the order of their numbers. */
export const USUAL_GLOBALS = ['wl_compositor', 'xdg_wm_base', 'wl_shm', 'wl_seat'] as const;
const VERSIONS: Readonly<Record<string, number>> = { wl_compositor: 6, xdg_wm_base: 6, wl_shm: 2, wl_seat: 9 };

/** The requests that make an object, by what they are on: what it is, and where its number is. */
const MAKES: Readonly<Record<string, readonly [made: string, at: number]>> = {
  'wl_display 0': ['wl_callback', 0],
  'wl_display 1': ['wl_registry', 0],
  'wl_compositor 0': ['wl_surface', 0],
  'wl_surface 3': ['wl_callback', 0],
  'xdg_wm_base 2': ['xdg_surface', 0],
  'xdg_surface 1': ['xdg_toplevel', 0],
  'wl_shm 0': ['wl_shm_pool', 0],
  'wl_shm_pool 0': ['wl_buffer', 0],
  'wl_seat 0': ['wl_pointer', 0],
  'wl_seat 1': ['wl_keyboard', 0],
  'weston_capture_v1 1': ['weston_capture_source_v1', 2],
  'zwlr_screencopy_manager_v1 0': ['zwlr_screencopy_frame_v1', 0],
};

export function event(object: number, opcode: number, ...parts: readonly (number | string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map(argument));
  const head = Buffer.alloc(8);
  head.writeUInt32LE(object, 0);
  head.writeUInt32LE(((8 + body.length) << 16) | opcode, 4);
  return Buffer.concat([head, body]);
}

/** A word, a text, or an array. */
function argument(value: number | string | Buffer): Buffer {
  if (typeof value === 'number') {
    const word = Buffer.alloc(4);
    word.writeUInt32LE(value >>> 0);
    return word;
  }
  const content = typeof value === 'string' ? Buffer.from(`${value}\0`) : value;
  return Buffer.concat([argument(content.length), content, Buffer.alloc(-content.length & 3)]);
}

export class NaiveCompositor {
  readonly stream: DescriptorStream;
  readonly seen: SeenRequest[] = [];
  readonly fds: OwnedFd[] = [];
  /** Instead of what it would answer to a request. */
  readonly #answers: Answers;
  readonly #names = new Map<number, string>([[1, 'wl_display']]);
  #bytes = Buffer.alloc(0);
  #attached: number | undefined;
  #shown: number | undefined;
  #frame: number | undefined;

  constructor(t: TestContext, stream: DescriptorStream, answers: Answers) {
    this.stream = stream;
    this.#answers = answers;
    stream.on('fds', (numbers: number[]) => this.fds.push(...numbers.map((number) => OwnedFd.adopt(number))));
    stream.on('data', (bytes: Uint8Array) => this.#receive(bytes));
    stream.on('error', () => {});
    t.after(() => this.end());
  }

  end(): void {
    this.stream.destroy();
    for (const fd of this.fds.splice(0)) fd.close();
  }

  /** The numbers of all objects of an interface, the oldest first. */
  idsOf(name: string): number[] {
    return [...this.#names].filter(([, own]) => own === name).map(([id]) => id);
  }

  /** The number of the newest object of an interface. */
  idOf(name: string): number {
    return this.idsOf(name).at(-1) ?? 0;
  }

  send(...events: readonly Buffer[]): void {
    for (const bytes of events) this.stream.write(bytes);
  }

  #receive(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    while (this.#bytes.length >= 8) {
      const length = this.#bytes.readUInt32LE(4) >>> 16;
      if (this.#bytes.length < length) return;
      const object = this.#bytes.readUInt32LE(0);
      const opcode = this.#bytes.readUInt32LE(4) & 0xffff;
      const words = this.#bytes.subarray(8, length);
      this.#bytes = this.#bytes.subarray(length);
      this.#handle(object, opcode, words);
    }
  }

  #handle(object: number, opcode: number, words: Buffer): void {
    const on = this.#names.get(object) ?? '';
    this.seen.push({ on, opcode, words });
    const made = MAKES[`${on} ${opcode}`];
    if (made !== undefined) this.#names.set(words.readUInt32LE(made[1] * 4), made[0]);
    const answer = this.#answers.at?.[`${on} ${opcode}`];
    if (answer === undefined) this.#answer(`${on} ${opcode}`, words);
    else answer(this);
  }

  #answer(request: string, words: Buffer): void {
    const first = words.length >= 4 ? words.readUInt32LE(0) : 0;
    if (request === 'wl_display 0') this.send(event(first, 0, 1), event(1, 1, first));
    if (request === 'wl_display 1')
      for (const [index, name] of (this.#answers.globals ?? USUAL_GLOBALS).entries())
        this.send(event(first, 0, index + 1, name, this.#answers.versions?.[name] ?? VERSIONS[name] ?? 1));
    if (request === 'wl_registry 0') this.#bind(words);
    if (request === 'wl_surface 1') this.#attached = first;
    if (request === 'wl_surface 3') this.#frame = first;
    if (request === 'wl_surface 6') this.#commit();
  }

  #bind(words: Buffer): void {
    const nameBytes = words.readUInt32LE(4);
    const name = words.subarray(8, 8 + nameBytes - 1).toString();
    const id = words.readUInt32LE(words.length - 4);
    this.#names.set(id, name);
    // Formats ARGB8888 and XRGB8888; a pointer and a keyboard.
    if (name === 'wl_shm') this.send(event(id, 0, 0), event(id, 0, 1));
    if (name === 'wl_seat') this.send(event(id, 0, 3));
  }

  #commit(): void {
    if (this.#attached === undefined) {
      // Sizes of zero: the window's own.
      this.send(event(this.idOf('xdg_toplevel'), 0, 0, 0, Buffer.alloc(0)), event(this.idOf('xdg_surface'), 0, 7));
      return;
    }
    if (this.#frame !== undefined) this.send(event(this.#frame, 0, 16), event(1, 1, this.#frame));
    if (this.#shown !== undefined && this.#shown !== this.#attached) this.send(event(this.#shown, 0));
    this.#shown = this.#attached;
    this.#frame = undefined;
  }
}

/** What it does otherwise than it would. */
export interface Answers {
  readonly globals?: readonly string[];
  /** By interface, instead of the newest. */
  readonly versions?: Readonly<Record<string, number>>;
  /** What to do at a request, by interface and opcode: `wl_surface 6`. */
  readonly at?: Readonly<Record<string, (compositor: NaiveCompositor) => void>>;
}

/** Listens at a path for one client. */
export function listenNaively(
  t: TestContext,
  path: string,
  answers: Answers = {},
): { accept(signal?: AbortSignal): Promise<NaiveCompositor>; close(): void } {
  const context = new ShareContext();
  const { streams, readiness, locks } = context;
  const socket = listenAt({ sockets: streams, readiness, locks }, { path, mode: 0o600, backlog: 4 });
  t.after(() => socket.close());
  return {
    accept: async (signal) =>
      new NaiveCompositor(t, new DescriptorStream(context, await socket.accept(signal)), answers),
    close: () => socket.close(),
  };
}
