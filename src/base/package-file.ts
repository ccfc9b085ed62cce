import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The path of a file of this package, such as `native/linux-x64/border.node`. Looks for the package
 * upwards from the calling module, whose depth depends on the build.
 *
 * @param moduleUrl `import.meta.url` of the calling module; undefined in a bundle for CommonJS
 * @returns undefined where that module lies in no copy of this package: a bundler has moved it
 * @throws what `readFileSync` throws for a package.json that may not be read
 */
export function packageFile(path: string, moduleUrl: string | undefined): string | undefined {
  if (typeof moduleUrl !== 'string' || !moduleUrl.startsWith('file:')) return undefined;
  let folder = dirname(fileURLToPath(moduleUrl));
  while (!isOwnPackage(folder)) {
    const parent = dirname(folder);
    if (parent === folder) return undefined;
    folder = parent;
  }
  return join(folder, path);
}

function isOwnPackage(folder: string): boolean {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      readonly name?: unknown;
    } | null;
    return manifest?.name === 'dmabuf';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
