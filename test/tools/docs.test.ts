import assert from 'node:assert/strict';
import type { SpawnSyncReturns } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { fetchPackages, lackOf } from '../support/processes/fetched-packages.ts';
import { repositoryRoot } from '../support/runner/source-files.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

/** Of tools/docs.mjs. */
type RunTypedoc = (
  root: string,
  tools: string,
  options: { readonly output: string; readonly stdio: 'pipe' },
) => SpawnSyncReturns<string>;

const manifest = JSON.parse(readFileSync(join(repositoryRoot, 'tools/docs/package.json'), 'utf8')) as {
  devDependencies: Record<string, string>;
};
const fetched = fetchPackages(
  ...Object.entries(manifest.devDependencies).map(([name, version]) => `${name}@${version}`),
);

test(
  'npm run docs makes the API reference without a warning: every public member is documented',
  { skip: lackOf(fetched) },
  async (t) => {
    if ('missing' in fetched) return;
    const { runTypedoc } = (await import(join(repositoryRoot, 'tools/docs.mjs'))) as { runTypedoc: RunTypedoc };
    const output = temporaryFolder(t);
    const { status, stdout, stderr } = runTypedoc(repositoryRoot, fetched.folder, { output, stdio: 'pipe' });
    assert.equal(status, 0, `${stdout}${stderr}`);
    assert.ok(!`${stdout}${stderr}`.includes('[warning]'), `${stdout}${stderr}`);
  },
);
