/** The environment variable that says that the machine's clock counts instructions. */
const VARIABLE = 'DMABUF_INSTRUCTION_NS';

/**
 * How many nanoseconds of this machine's clock one instruction takes, if the clock counts
 * instructions rather than time; otherwise undefined. A program cannot find that out, so the
 * emulator's user says it (qemu's `-icount shift=1` is 2).
 */
export function readInstructionNs(env: NodeJS.ProcessEnv = process.env): number | undefined {
  const ns = Number(env[VARIABLE]);
  return Number.isFinite(ns) && ns > 0 ? ns : undefined;
}
