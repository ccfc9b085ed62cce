/**
 * The kernel modules of vm/modules/, built here against the headers of a guest's kernel. A guest
 * has no compiler.
 */

import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

import type { Architecture } from './architectures.ts';
import type { GuestCommand } from './boot-archive.ts';
import { cached, cacheKey } from './cache.ts';
import { GuestError } from './guest-error.ts';
import { fetchKernel, takesHeaders } from './kernel.ts';
import { packageRoot } from './package-archive.ts';
import { INSTALL_COMMAND, findOnPath } from './requirements.ts';
import { runProgram } from './run-program.ts';

/** Where a guest has them: `insmod /lib/dmabuf/dmabuf_measure.ko`. */
const FOLDER = '/lib/dmabuf';
/** Tells a guest's tests why it has none. */
const MISSING_VARIABLE = 'DMABUF_MODULES_MISSING';
const SOURCE_FOLDER = join(packageRoot, 'vm/modules');
/**
 * BTF needs a program that is seldom installed. Without -g0, a module is twenty times larger.
 */
const OPTIONS = ['CONFIG_DEBUG_INFO_BTF_MODULES=', 'KCFLAGS=-g0'];

/** The built modules, or why there are none. */
export type GuestModules = { readonly paths: readonly string[] } | { readonly missing: string };

/** A kernel's headers: the folder of its own ones, and the one that those of all kinds share. */
interface Headers {
  readonly own: string;
  readonly shared: string;
  /** The compiler that built the kernel. */
  readonly compiler: string;
}

/** The files that give a guest the modules, or the reason why it has none. */
export function modulesForGuest(architecture: Architecture): Required<Pick<GuestCommand, 'environment' | 'files'>> {
  const modules = buildModules(architecture);
  if ('missing' in modules) return { environment: { [MISSING_VARIABLE]: modules.missing }, files: [] };
  return { environment: {}, files: filesOfModules(modules.paths) };
}

/** Built modules as files of a guest. */
export function filesOfModules(paths: readonly string[]): Required<GuestCommand>['files'] {
  return paths.map((source) => ({ source, path: `${FOLDER}/${basename(source)}` }));
}

/**
 * Builds the modules, unless the cache has them. Takes 3 s of processor time.
 *
 * @throws GuestError when the guest's kernel cannot be fetched
 */
export function buildModules(architecture: Architecture): GuestModules {
  const headersFolder = takesHeaders(architecture) ? fetchKernel(architecture).headersFolder : undefined;
  if (headersFolder === undefined) {
    return { missing: 'modules are built for kernels with heaps, on a machine of the same architecture: on x64' };
  }
  const headers = findHeaders(headersFolder);
  const lacking = ['make', headers.compiler].filter((program) => findOnPath(program) === undefined);
  if (lacking.length > 0) return lack(lacking.join(', '));
  try {
    const key = cacheKey({ sources: readSources(), own: headers.own, options: OPTIONS });
    const folder = cached(`modules-${architecture.guestName}-${key}`, (target) => build(headers, target));
    return { paths: readdirSync(folder).map((name) => join(folder, name)) };
  } catch (error) {
    if (!(error instanceof GuestError)) throw error;
    // The kernel's own programs are linked to libelf.
    const library = /error while loading shared libraries: (?<name>[^:\s]+)/u.exec(error.message)?.groups?.['name'];
    return library === undefined ? { missing: error.message } : lack(library);
  }
}

function lack(what: string): GuestModules {
  return { missing: `there is no ${what}: run "${INSTALL_COMMAND}" as root` };
}

function findHeaders(folder: string): Headers {
  const sources = join(folder, 'usr/src');
  const names = readdirSync(sources).filter((name) => name.startsWith('linux-headers-'));
  const shared = names.find((name) => name.endsWith('-common'));
  const own = names.find((name) => name !== shared);
  if (own === undefined || shared === undefined)
    throw new GuestError(`Cannot build modules as ${sources} has no headers`);
  const variables = readFileSync(join(sources, own, '.kernelvariables'), 'utf8');
  // Such as "override CROSS_COMPILE = x86_64-linux-gnu-" and "CC = … $(CROSS_COMPILE)gcc-12".
  const prefix = /CROSS_COMPILE = (?<prefix>\S+)$/mu.exec(variables)?.groups?.['prefix'] ?? '';
  const compiler = /\$\(CROSS_COMPILE\)(?<name>\S+)$/mu.exec(variables)?.groups?.['name'] ?? 'gcc';
  return { own: join(sources, own), shared: join(sources, shared), compiler: `${prefix}${compiler}` };
}

function readSources(): [string, string][] {
  const files = readdirSync(SOURCE_FOLDER, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files
    .map(({ parentPath, name }) => join(parentPath, name))
    .toSorted()
    .map((path) => [path.slice(SOURCE_FOLDER.length), readFileSync(path, 'utf8')]);
}

/** Leaves nothing but the modules in `target`. The build writes beside the sources. */
function build({ own, shared }: Headers, target: string): void {
  const work = join(target, 'build');
  cpSync(SOURCE_FOLDER, work, { recursive: true });
  // The Makefile of `own` includes that of `shared` by a path at which it is only when installed.
  runProgram('make', ['-C', own, '-f', join(shared, 'Makefile'), `M=${work}`, ...OPTIONS, 'modules']);
  for (const name of readdirSync(work, { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith('.ko')) cpSync(join(work, name), join(target, basename(name)));
  }
  rmSync(work, { recursive: true });
}
