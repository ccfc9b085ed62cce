import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { GuestError } from './guest-error.ts';
import { runProgram } from './run-program.ts';

/** A package of npm's, and what its archive must hash to. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
}

/** Fetches a package and unpacks it into `folder`, without its dependencies and without running anything of its own. */
export function unpackNpmPackage({ name, version, integrity }: NpmPackage, folder: string): void {
  const output = runProgram('npm', ['pack', '--json', '--ignore-scripts', `${name}@${version}`], folder);
  const [packed] = JSON.parse(output) as { filename: string; integrity: string }[];
  if (packed?.integrity !== integrity) {
    throw new GuestError(`Cannot use ${name}@${version} as its hash is not ${integrity}: ${packed?.integrity}`);
  }
  const archive = packed.filename.replace('@', '').replace('/', '-');
  runProgram('tar', ['-xzf', archive, '--strip-components=1', '--no-same-owner'], folder);
  rmSync(join(folder, archive));
}
