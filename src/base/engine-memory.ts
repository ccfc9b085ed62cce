/**
 * Whether the engine gives the address range of a collected SharedArrayBuffer to the next one, as
 * it is: JavaScriptCore, in Bun, takes them from its own allocator (Source/bmalloc). V8 gets each
 * from the kernel, and unmaps it. What is still mapped there would have two owners.
 */
export const REUSES_COLLECTED_RANGES: boolean = 'bun' in process.versions;
