/// <reference types="node" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />

/** `dmabuf/wasm`: buffers inside the memory of a WebAssembly module. */

export { createWasmSpace } from './wasm-space.ts';
export type { WasmMapping, WasmMemory, WasmSpace, WasmSpaceOptions } from './wasm-space.ts';
