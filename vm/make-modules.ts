import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

import type { Architecture } from './architectures.ts';
import { cached, cacheKey } from './cache.ts';
import { GuestError } from './guest-error.ts';
import { fetchKernel, takesHeaders } from './kernel.ts';
import { INSTALL_COMMAND, findOnPath } from './requirements.ts';
import { runProgram } from './run-program.ts';

/** The built modules, or why there are none. */
export type GuestModules = { readonly paths: readonly string[] } | { readonly missing: string };

/** What modules are built of. */
interface ModuleSources {
  /** Of the folder in the cache. */
  readonly name: string;
  /** Whatever the modules depend on: other sources are another build. */
  readonly sources: unknown;
  /** Puts them, with a Kbuild file, into an empty folder. */
  readonly copy: (folder: string) => void;
}

/** A kernel's headers: the folder of its own ones, and the one that those of all kinds share. */
interface Headers {
  readonly own: string;
  readonly shared: string;
  /** The compiler that built the kernel. */
  readonly compiler: string;
}

/**
 * BTF needs a program that is seldom installed. Without -g0, a module is twenty times larger.
 */
const OPTIONS = ['CONFIG_DEBUG_INFO_BTF_MODULES=', 'KCFLAGS=-g0'];

/**
 * Builds modules against the headers of a guest's kernel, unless the cache has them.
 *
 * @throws GuestError when the guest's kernel cannot be fetched
 */
export function makeModules(architecture: Architecture, { name, sources, copy }: ModuleSources): GuestModules {
  const headersFolder = takesHeaders(architecture) ? fetchKernel(architecture).headersFolder : undefined;
  if (headersFolder === undefined) {
    return { missing: 'modules are built for kernels with heaps, on a machine of the same architecture: on x64' };
  }
  const headers = findHeaders(headersFolder);
  const lacking = ['make', headers.compiler].filter((program) => findOnPath(program) === undefined);
  if (lacking.length > 0) return lack(lacking.join(', '));
  try {
    const key = cacheKey({ sources, own: headers.own, options: OPTIONS });
    const folder = cached(`${name}-${architecture.guestName}-${key}`, (target) => build(headers, copy, target));
    return { paths: readdirSync(folder).map((file) => join(folder, file)) };
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

/** Leaves nothing but the modules in `target`. The build writes beside the sources. */
function build({ own, shared }: Headers, copy: (folder: string) => void, target: string): void {
  const work = join(target, 'build');
  mkdirSync(work);
  copy(work);
  // The Makefile of `own` includes that of `shared` by a path at which it is only when installed.
  runProgram('make', ['-C', own, '-f', join(shared, 'Makefile'), `M=${work}`, ...OPTIONS, 'modules']);
  for (const name of readdirSync(work, { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith('.ko')) cpSync(join(work, name), join(target, basename(name)));
  }
  rmSync(work, { recursive: true });
}
