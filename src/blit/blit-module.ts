import { DmaBufError } from '../base/errors.ts';
import type { WasmMemory } from '../heap/wasm/wasm-space.ts';
import { BLIT_WASM_BASE64 } from './blit-wasm.generated.ts';

/** A global that the module exports. */
interface WasmGlobal {
  readonly value: number;
}

/** The functions of assembly/blit.ts. Places are offsets into the memory. */
export interface BlitExports {
  readonly jobOffset: WasmGlobal;
  readonly xIndexOffset: WasmGlobal;
  readonly xWeightOffset: WasmGlobal;
  readonly yIndexOffset: WasmGlobal;
  readonly yWeightOffset: WasmGlobal;
  readonly scratchLength: WasmGlobal;
  readonly linePixelsMax: WasmGlobal;
  /** Does the job that stands at `jobOffset`. */
  blit(): void;
  // oxlint-disable-next-line max-params -- the calling convention of the module
  copyRows(from: number, fromStride: number, to: number, toStride: number, bytes: number, rows: number): void;
}

declare const WebAssembly:
  | {
      validate(bytes: Uint8Array): boolean;
      readonly Module: new (bytes: Uint8Array) => object;
      readonly Instance: new (module: object, imports: object) => { readonly exports: object };
    }
  | undefined;

/** Below the buffers, the module's own: at least what it says in `scratchLength`. */
export const BLIT_SCRATCH_BYTES = 0x19_0000;

/** `linePixelsMax` of the module: the longest side of a rectangle. */
export const BLIT_SIDE_MAX = 16_384;

/**
 * The module, working on a memory.
 *
 * @throws {DmaBufError} `ENOSYS` where WebAssembly has no SIMD: processors without SSE4.1
 */
export function instantiateBlitModule(memory: WasmMemory): BlitExports {
  const code = Buffer.from(BLIT_WASM_BASE64, 'base64');
  if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(code)) {
    throw new DmaBufError('Cannot make a blitter as WebAssembly has no SIMD here: it takes SSE4.1, or NEON', {
      code: 'ENOSYS',
    });
  }
  return new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } }).exports as BlitExports;
}
