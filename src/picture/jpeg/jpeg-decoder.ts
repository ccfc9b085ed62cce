import { fileURLToPath } from 'node:url';
import { types } from 'node:util';
import { Worker } from 'node:worker_threads';

import { assert } from '../../base/assert.ts';
import type { WaitOptions } from '../../base/abort.ts';
import { wrongType, wrongValue } from '../../base/argument-error.ts';
import { readWaitOptions } from '../../base/check.ts';
import { DmaBufError } from '../../base/errors.ts';
import { placeOf } from '../../base/typed-array.ts';
import { refuseMissingPackage } from '../../base/optional-package.ts';
import { DRM_FORMAT_ABGR8888, DRM_FORMAT_XBGR8888 } from '../../uapi/drm-fourcc.ts';
import { V4L2_PIX_FMT_JPEG, V4L2_PIX_FMT_MJPEG } from '../../uapi/videodev2-formats.ts';
import { FrameLayout } from '../frame-layout.ts';
import type { JpegAnswer, JpegCodecFiles, JpegTask } from './jpeg-messages.ts';

const ACTION = 'decode a JPEG';
/** Beside this file when compiled, and beside what uses it when bundled. */
const THREAD = new URL('jpeg-thread.js', import.meta.url);

/** How a thread ended that nobody told to. */
const ENDED = 'its thread ended';

interface WaitingTask {
  readonly resolve: (answer: JpegAnswer) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Decodes JPEG files, such as the frames of a camera that gives MJPG, in a thread of its own: from
 * buffer to buffer, with the codec of MozJPEG in WebAssembly (the package `@jsquash/jpeg`). Made by
 * {@link createJpegDecoder}.
 */
export class JpegDecoder {
  readonly #files: JpegCodecFiles;
  #worker: Worker | undefined;
  /** In the order in which the thread has them. */
  #waiting: WaitingTask[] = [];
  #isClosed = false;

  /** @internal */
  constructor(files: JpegCodecFiles) {
    this.#files = files;
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#isClosed;
  }

  /**
   * Decodes a file into a picture of the same size. Both are held between begin and end of CPU
   * access meanwhile. Several may be asked for at a time: they are decoded one after another.
   *
   * @param file a camera's compressed frame, without a copy of it; or bytes, which are copied
   * @param picture of format ABGR8888 or XBGR8888, which is red, green, blue and alpha in this
   *   order in memory; a blit (`dmabuf/blit`) makes others of it
   * @throws {TypeError} for what is none of these, or of another format
   * @throws {DmaBufError} `EBADMSG` for a damaged file, `EINVAL` for a picture of another size,
   *   with `values.width` and `values.height` of the file; `ERR_DMABUF_CLOSED` after `close()`;
   *   what `FrameLayout.access` throws
   */
  async decode(file: FrameLayout | Uint8Array, picture: FrameLayout, options: WaitOptions = {}): Promise<void> {
    const waiting = readWaitOptions(options, ACTION);
    checkFile(file);
    checkPicture(picture);
    this.#refuseClosed();
    const { width, height } = picture;
    const decodeBytes = async (bytes: Uint8Array<SharedArrayBuffer>): Promise<JpegAnswer> =>
      await picture.access(
        'write',
        async ([to]) => {
          assert(to !== undefined, 'a picture of these formats has one plane');
          return await this.#run({ file: bytes, picture: to.bytes, stride: to.stride, width, height });
        },
        waiting,
      );
    const answer = FrameLayout.isLayout(file)
      ? await file.access('read', async ([from]) => await decodeBytes(from?.bytes ?? shared(new Uint8Array())), waiting)
      : await decodeBytes(shared(file));
    if (answer.outcome === 'damaged')
      throw new DmaBufError(`Cannot ${ACTION} as it is damaged: ${answer.reason}`, { code: 'EBADMSG' });
    if (answer.outcome === 'other-size') throw otherSize(answer, picture);
  }

  /** Ends the thread. What is being decoded is refused. */
  close(): void {
    this.#isClosed = true;
    this.#end(closedError());
    void this.#worker?.terminate();
    this.#worker = undefined;
  }

  /** As {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  async #run(task: JpegTask): Promise<JpegAnswer> {
    this.#refuseClosed();
    const worker = (this.#worker ??= this.#start());
    worker.ref();
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      worker.postMessage(task);
    });
  }

  #start(): Worker {
    // Flags of the process, such as --input-type, may forbid a thread to have a file.
    const worker = new Worker(THREAD, { workerData: this.#files, execArgv: [] });
    worker.on('message', (answer: JpegAnswer) => {
      this.#waiting.shift()?.resolve(answer);
      if (this.#waiting.length === 0) worker.unref();
    });
    const lose = (reason: string): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#end(new DmaBufError(`Cannot ${ACTION} as ${reason}`, { code: 'EIO' }));
    };
    worker.on('error', (error) => lose(`${ENDED}: ${error instanceof Error ? error.message : String(error)}`));
    worker.on('exit', () => lose(ENDED));
    return worker;
  }

  #end(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #refuseClosed(): void {
    if (this.#isClosed) throw closedError();
  }
}

/**
 * A decoder of JPEG files, as cameras that give MJPG send them. Its thread is started by the first
 * decode, and does not keep the process alive. Needs the package `@jsquash/jpeg`, installed beside
 * this one.
 *
 * @throws {DmaBufError} `ENOENT` where that package is missing, with the command that installs it
 *
 * @example
 * ```ts
 * import { isDmaBufError } from 'dmabuf';
 * import { createJpegDecoder } from 'dmabuf/picture';
 *
 * try {
 *   using decoder = createJpegDecoder();
 *   console.error(decoder.closed); // await decoder.decode(cameraFrame.layout, picture)
 * } catch (error) {
 *   if (!isDmaBufError(error)) throw error;
 *   console.error(error.message); // Cannot decode a JPEG as the package @jsquash/jpeg is not installed …
 * }
 * ```
 */
export function createJpegDecoder(): JpegDecoder {
  try {
    return new JpegDecoder({
      module: import.meta.resolve('@jsquash/jpeg/decode.js'),
      wasm: fileURLToPath(import.meta.resolve('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm')),
    });
  } catch (cause) {
    throw refuseMissingPackage({ name: '@jsquash/jpeg', action: ACTION }, cause);
  }
}

function checkFile(file: unknown): asserts file is FrameLayout | Uint8Array {
  const argument = { action: ACTION, name: 'file' };
  if (types.isUint8Array(file)) return;
  if (!FrameLayout.isLayout(file))
    throw wrongType(argument, { must: 'be a FrameLayout or a Uint8Array', received: file });
  const fourcc: number = file.fourcc;
  if (fourcc !== V4L2_PIX_FMT_MJPEG && fourcc !== V4L2_PIX_FMT_JPEG)
    throw wrongValue(argument, { must: 'be of format MJPEG or JPEG', received: file });
}

/** A copy that the thread can read. */
function shared(bytes: Uint8Array): Uint8Array<SharedArrayBuffer> {
  const copy = new Uint8Array(new SharedArrayBuffer(placeOf(bytes).length));
  copy.set(bytes);
  return copy;
}

function checkPicture(picture: unknown): asserts picture is FrameLayout {
  const argument = { action: ACTION, name: 'picture' };
  if (!FrameLayout.isLayout(picture)) throw wrongType(argument, { must: 'be a FrameLayout', received: picture });
  if (picture.fourcc !== DRM_FORMAT_ABGR8888 && picture.fourcc !== DRM_FORMAT_XBGR8888)
    throw wrongValue(argument, {
      must: 'be of format ABGR8888 or XBGR8888, of which a blit makes others',
      received: picture,
    });
}

function otherSize(found: { readonly width: number; readonly height: number }, picture: FrameLayout): DmaBufError {
  const { width, height } = found;
  const wanted = `${picture.width}x${picture.height}`;
  return new DmaBufError(`Cannot ${ACTION} of ${width}x${height} into a picture of ${wanted}: give one of its size`, {
    code: 'EINVAL',
    values: { width, height },
  });
}

function closedError(): DmaBufError {
  return new DmaBufError(`Cannot ${ACTION} after the decoder was closed`, { code: 'ERR_DMABUF_CLOSED' });
}
