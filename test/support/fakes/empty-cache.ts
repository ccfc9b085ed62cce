import type { TestContext } from 'node:test';

import { temporaryFolder } from '../runner/temporary-folder.ts';

/** A cache of vm/ that is the test's own: its folder. */
export function emptyCache(t: TestContext): string {
  const folder = temporaryFolder(t);
  const before = process.env['DMABUF_VM_CACHE'];
  process.env['DMABUF_VM_CACHE'] = folder;
  t.after(() => {
    if (before === undefined) delete process.env['DMABUF_VM_CACHE'];
    else process.env['DMABUF_VM_CACHE'] = before;
  });
  return folder;
}
