import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const CANDIDATES = [
  { parent: '/sys/fs/cgroup/memory', limitFile: 'memory.limit_in_bytes' },
  { parent: '/sys/fs/cgroup', limitFile: 'memory.max' },
];

/**
 * A memory control group of our own with a limit, of version 1 or 2, gone when the test is;
 * undefined where none can be made.
 */
export function makeMemoryGroup(t: TestContext, limitBytes: number): string | undefined {
  for (const { parent, limitFile } of CANDIDATES) {
    const folder = join(parent, `dmabuf-test-${process.pid}`);
    try {
      mkdirSync(folder);
      t.after(() => rmdirSync(folder));
      writeFileSync(join(folder, limitFile), String(limitBytes));
      if (existsSync(join(folder, limitFile))) return folder;
    } catch {
      continue;
    }
  }
  return undefined;
}
