import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { writeFiles } from '../../../test/support/runner/temporary-folder.ts';
import { isDmaBufError } from '../../base/errors.ts';
import { loadNativeBorder } from './native-border.ts';
import type { LoadingEnvironment } from './native-border.ts';

/** An environment of an installed package, in which loading fails with `cause`. */
function environmentThat(cause: unknown, values: Partial<LoadingEnvironment> = {}): LoadingEnvironment {
  return {
    platform: 'linux',
    arch: 'x64',
    // This path points to the real addon.
    moduleUrl: new URL('native-border.js', import.meta.url).href,
    load: () => {
      throw cause;
    },
    ...values,
  };
}

function errorWith(fields: object): Error {
  return Object.assign(new Error('refused'), fields);
}

const folder = mkdtempSync(join(tmpdir(), 'dmabuf-test-'));
after(() => rmSync(folder, { recursive: true }));

/** A module in a package of that name, which has no addon. */
function inFolderOf(name: string): string {
  writeFiles(join(folder, name), { 'package.json': JSON.stringify({ name }) });
  return pathToFileURL(join(folder, name, 'dist/bundle.js')).href;
}

/** A cause, and its remedy. */
const CAUSES: readonly (readonly [name: string, environment: LoadingEnvironment, code: string, remedy: RegExp])[] = [
  [
    'another platform',
    environmentThat(undefined, { platform: 'darwin' }),
    'ENOSYS',
    /built for Linux on x64 and arm64$/u,
  ],
  [
    'another processor',
    environmentThat(undefined, { arch: 'riscv64' }),
    'ENOSYS',
    /built for Linux on x64 and arm64$/u,
  ],
  [
    'a bundle for CommonJS, which has no import.meta.url',
    environmentThat(undefined, { moduleUrl: undefined }),
    'ENOENT',
    /was bundled.*keep "dmabuf" external/u,
  ],
  [
    'a bundle that is served',
    environmentThat(undefined, { moduleUrl: 'https://example.org/bundle.js' }),
    'ENOENT',
    /was bundled.*keep "dmabuf" external/u,
  ],
  [
    'a file that is missing',
    environmentThat(errorWith({ code: 'MODULE_NOT_FOUND' }), { moduleUrl: inFolderOf('dmabuf') }),
    'ENOENT',
    /file \/.*\/native\/linux-x64\/border\.node is missing: install the package anew$/u,
  ],
  [
    'a bundle in another package',
    environmentThat(undefined, { moduleUrl: inFolderOf('an-app') }),
    'ENOENT',
    /was bundled.*keep "dmabuf" external/u,
  ],
  [
    'addons that are switched off',
    environmentThat(errorWith({ code: 'ERR_DLOPEN_DISABLED' })),
    'EPERM',
    /start it without --no-addons, or, under --permission, with --allow-addons/u,
  ],
  [
    'files that may not be read under --permission',
    environmentThat(errorWith({ code: 'ERR_ACCESS_DENIED' })),
    'EPERM',
    /--allow-fs-read/u,
  ],
  [
    'Deno without the right',
    environmentThat(errorWith({ name: 'NotCapable' })),
    'EPERM',
    /start Deno with --allow-ffi/u,
  ],
  [
    'a file that cannot be loaded',
    environmentThat(errorWith({ code: 'ERR_DLOPEN_FAILED', message: 'failed to map segment' })),
    'ENOEXEC',
    /\(failed to map segment\): install the package anew, into a folder that is not mounted noexec/u,
  ],
];

for (const [name, environment, code, remedy] of CAUSES) {
  test(`loadNativeBorder gives the remedy for ${name}, and no other`, () => {
    assert.throws(
      () => loadNativeBorder(environment),
      (error) => {
        assert.ok(isDmaBufError(error));
        assert.equal(error.code, code);
        assert.match(error.message, /^Cannot load the addon through which Linux is called as /u);
        assert.match(error.message, remedy);
        const others = CAUSES.filter((other) => other[3].source !== remedy.source && other[3].test(error.message));
        assert.deepEqual(
          others.map(([other]) => other),
          [],
        );
        return true;
      },
    );
  });
}
