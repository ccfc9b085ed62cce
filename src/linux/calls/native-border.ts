import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';

import { DmaBufError } from '../../base/errors.ts';
import type { ErrnoName } from '../../base/errors.ts';
import { packageFile } from '../../base/package-file.ts';

/** The processors that `native/border.c` is built for. */
const ARCHITECTURES: readonly string[] = ['x64', 'arm64'];

/** The inputs of loading. Tests pass values of their own. */
export interface LoadingEnvironment {
  readonly platform: string;
  readonly arch: string;
  /** `import.meta.url` of this file; a bundle for CommonJS has none. */
  readonly moduleUrl: string | undefined;
  /** Loads an addon by its path. */
  readonly load: (path: string) => unknown;
}

const THIS_ENVIRONMENT: LoadingEnvironment = {
  platform: process.platform,
  arch: process.arch,
  moduleUrl: import.meta.url,
  // By require, not import: there is no other way to load an addon, and each failure can be
  // reported with its remedy.
  load: (path) => createRequire(path)(path) as unknown,
};

/**
 * Loads the addon that calls the kernel (`native/border.c`).
 *
 * @throws {DmaBufError} with the cause and its remedy: `ENOSYS` for an unsupported machine,
 *   `ENOENT` where the addon's file is missing or this package was bundled, `EPERM` where the
 *   runtime forbids addons, `ENOEXEC` where the file cannot be loaded
 */
export function loadNativeBorder(environment: LoadingEnvironment = THIS_ENVIRONMENT): unknown {
  const { platform, arch, load } = environment;
  if (platform !== 'linux' || !ARCHITECTURES.includes(arch)) {
    throw refusal('ENOSYS', environment, `it is built for Linux on ${ARCHITECTURES.join(' and ')}`);
  }
  const path = findAddon(environment);
  if (path === undefined) {
    const why =
      'this package was bundled, and cannot find its own files: keep "dmabuf" external in the bundler\'s settings';
    throw refusal('ENOENT', environment, why);
  }
  try {
    return load(path);
  } catch (cause) {
    throw explain(environment, path, cause);
  }
}

function findAddon(environment: LoadingEnvironment): string | undefined {
  const path = `native/linux-${environment.arch}/border.node`;
  try {
    return packageFile(path, environment.moduleUrl);
  } catch (cause) {
    throw explain(environment, path, cause);
  }
}

/** Codes of Node's and Deno's: addons are switched off. */
const FORBIDDEN: Readonly<Record<string, string>> = {
  ERR_DLOPEN_DISABLED:
    'this process may not load addons: start it without --no-addons, or, under --permission, with --allow-addons',
  ERR_ACCESS_DENIED: 'this process may not read it: start it with --allow-fs-read for the folder of this package',
  EACCES: "this user may not read it: give its folder back the permissions that the package's archive has",
};

function explain(environment: LoadingEnvironment, path: string, cause: unknown): DmaBufError {
  const { code = '', name = '', message = '' } = cause as { code?: string; name?: string; message?: string };
  const forbidden = FORBIDDEN[code];
  if (forbidden !== undefined) return refusal('EPERM', environment, forbidden, { path, cause });
  if (name === 'NotCapable' || name === 'PermissionDenied') {
    const why = 'this process may not load addons: start Deno with --allow-ffi';
    return refusal('EPERM', environment, why, { path, cause });
  }
  if (!existsSync(path)) {
    return refusal('ENOENT', environment, `its file ${path} is missing: install the package anew`, { path, cause });
  }
  const why = `${path} cannot be loaded (${message}): install the package anew, into a folder that is not mounted noexec`;
  return refusal('ENOEXEC', environment, why, { path, cause });
}

function refusal(
  code: ErrnoName,
  { platform, arch }: LoadingEnvironment,
  why: string,
  details: { readonly path?: string; readonly cause?: unknown } = {},
): DmaBufError {
  const { path, cause } = details;
  const values = path === undefined ? { platform, arch } : { platform, arch, path };
  return new DmaBufError(`Cannot load the addon through which Linux is called as ${why}`, { code, values, cause });
}
