import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** What each program of examples/ writes, by its name; `execPath` is the runtime that runs it. */
export const EXAMPLE_OUTPUT: Readonly<Record<string, (execPath: string) => RegExp>> = {
  'quick-start.ts': (execPath) => {
    const bytes = readFileSync(execPath).subarray(0, 8 * 2 ** 20);
    const hash = createHash('sha256').update(bytes).digest('hex');
    return new RegExp(`^${bytes.length} bytes, sha256 ${hash}, from the (?:kernel|udmabuf|embedded) heap\\n$`, 'u');
  },
  'two-processes.ts': () => /^the child found 1 in a \w+ of 16777216 bytes, and left 2\n$/u,
  'worker-thread.ts': () => /^0 1 4 9 16\n$/u,
};
