/** The thread of a JpegDecoder: decodes one file after another. */

import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';

import { assert } from '../../base/assert.ts';
import type { JpegAnswer, JpegCodecFiles, JpegTask } from './jpeg-messages.ts';

/** The part of the language's global that is used here: the types of Node have none of it. */
declare const WebAssembly: { compile(bytes: Uint8Array): Promise<CompiledModule> };
/** A WebAssembly.Module. */
type CompiledModule = object;

const BYTES_PER_PIXEL = 4;

/** Of `@jsquash/jpeg`'s decode.js. */
interface Codec {
  readonly init: (module: CompiledModule, overrides: { printErr: (line: string) => void }) => Promise<void>;
  readonly default: (file: ArrayBuffer) => Promise<DecodedPicture>;
}

interface DecodedPicture {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** The codec, which is made anew after a failure: what that leaves in its memory is unknown. */
class JpegCodec {
  readonly #codec: Codec;
  readonly #compiled: CompiledModule;
  /** What it said last of a file. */
  #complaint = '';

  private constructor(codec: Codec, compiled: CompiledModule) {
    this.#codec = codec;
    this.#compiled = compiled;
  }

  static async load({ module, wasm }: JpegCodecFiles): Promise<JpegCodec> {
    const codec = (await import(module)) as Codec;
    const loaded = new JpegCodec(codec, await WebAssembly.compile(await readFile(wasm)));
    await loaded.#start();
    return loaded;
  }

  async decode(task: JpegTask): Promise<JpegAnswer> {
    let picture: DecodedPicture;
    this.#complaint = '';
    try {
      // The codec takes no shared memory.
      picture = await this.#codec.default(new Uint8Array(task.file).buffer);
    } catch (error) {
      await this.#start();
      return { outcome: 'damaged', reason: this.#complaint === '' ? String(error) : this.#complaint };
    }
    const { width, height } = picture;
    if (width !== task.width || height !== task.height) return { outcome: 'other-size', width, height };
    copyRows(picture, task);
    return { outcome: 'decoded' };
  }

  /** Without this, it would print what it finds wrong. */
  async #start(): Promise<void> {
    await this.#codec.init(this.#compiled, { printErr: (line) => (this.#complaint = line) });
  }
}

function copyRows({ data, width, height }: DecodedPicture, { picture, stride }: JpegTask): void {
  const rowBytes = width * BYTES_PER_PIXEL;
  for (let row = 0; row < height; row++) picture.set(data.subarray(row * rowBytes, (row + 1) * rowBytes), row * stride);
}

const codec = await JpegCodec.load(workerData as JpegCodecFiles);
const port = parentPort;
assert(port !== null, 'it runs as a thread');
port.on('message', (task: JpegTask) => {
  void codec.decode(task).then((answer) => port.postMessage(answer));
});
