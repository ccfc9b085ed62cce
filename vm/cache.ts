import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Entries unused for this long belong to kernels and images that are no longer made. */
const UNUSED_DAYS_MAX = 30;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The place of kernels and images: outside the repository, so that every clone on a machine shares
 * them.
 */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const own = environment['DMABUF_VM_CACHE'] ?? '';
  if (own !== '') return own;
  const shared = environment['XDG_CACHE_HOME'] ?? '';
  return join(shared === '' ? join(homedir(), '.cache') : shared, 'dmabuf-vm');
}

/**
 * A short name that depends on everything that a build depends on: another input gives another
 * name.
 */
export function cacheKey(inputs: unknown): string {
  return createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 16);
}

/**
 * The folder `name` in the cache, built first if it is missing. It appears complete or not at all,
 * even when two processes build it at the same time or one is killed.
 */
export function cached(name: string, build: (folder: string) => void): string {
  const folder = join(cacheFolder(), name);
  if (!existsSync(folder)) {
    mkdirSync(cacheFolder(), { recursive: true });
    removeUnused();
    buildAside(folder, build);
  }
  const now = new Date();
  utimesSync(folder, now, now);
  return folder;
}

function buildAside(folder: string, build: (folder: string) => void): void {
  const partial = mkdtempSync(`${folder}.partial-`);
  try {
    build(partial);
    renameSync(partial, folder);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    // Another process was faster, and its folder is equivalent.
    if (!existsSync(folder)) throw error;
  }
}

function removeUnused(): void {
  for (const name of readdirSync(cacheFolder())) {
    const path = join(cacheFolder(), name);
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > UNUSED_DAYS_MAX * DAY_MS) rmSync(path, { recursive: true, force: true });
  }
}
