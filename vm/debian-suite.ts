/** Another Debian than this machine's, from the archive that this machine's own comes from. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Architecture } from './architectures.ts';
import { separateLists } from './debian-packages.ts';
import { GuestError } from './guest-error.ts';
import { runProgram } from './run-program.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const OS_RELEASE = '/etc/os-release';

/** Whatever this machine's configuration says: a package that Debian has not signed is refused. */
const SIGNED_ONLY = [
  '-oAcquire::AllowInsecureRepositories=false',
  '-oAcquire::AllowWeakRepositories=false',
  '-oAPT::Get::AllowUnauthenticated=false',
];
/** Preferences of this machine are about its own Debian. */
const WITHOUT_PREFERENCES = ['-oDir::Etc::preferences=/dev/null', '-oDir::Etc::preferencesparts=/dev/null'];

/**
 * Downloads the package lists of `suite`, such as `trixie`, into `folder`.
 *
 * @returns options by which apt-get works with these lists alone
 * @throws GuestError where no archive that this machine uses can be reached, or none has the suite,
 *   signed with a key that this machine's Debian trusts
 */
export function openSuite(suite: string, architecture: Architecture, folder: string): string[] {
  if (!existsSync(KEYRING)) {
    throw new GuestError(`Cannot check who signed Debian's ${suite} as there is no ${KEYRING}`);
  }
  const separate = separateLists(architecture, folder);
  const addresses = archiveAddresses(runProgram('apt-get', [...separate, 'update', '--print-uris']), ownSuite());
  const failures: string[] = [];
  for (const address of addresses) {
    try {
      return fetchLists(suite, address, [...separate, ...optionsOf(folder)], folder);
    } catch (error) {
      if (!(error instanceof GuestError)) throw error;
      failures.push(error.message);
    }
  }
  throw new GuestError(describeFailures(suite, failures));
}

/**
 * Where this machine's own Debian comes from, by what `apt-get update --print-uris` would download.
 * Archives of others may use the same name for their suite: the signature tells.
 */
export function archiveAddresses(uris: string, suite: string | undefined): string[] {
  const listed = [...uris.matchAll(/^'(?<address>[^']+)\/dists\/(?<suite>[^'/]+)\/InRelease'/gmu)];
  const own = listed.filter(({ groups }) => groups?.['suite'] === suite);
  return [...new Set(own.map(({ groups }) => groups?.['address'] ?? ''))];
}

function ownSuite(): string | undefined {
  if (!existsSync(OS_RELEASE)) return undefined;
  return /^VERSION_CODENAME=(?<name>\w+)$/mu.exec(readFileSync(OS_RELEASE, 'utf8'))?.groups?.['name'];
}

function optionsOf(folder: string): string[] {
  const sources = [`-oDir::Etc::sourcelist=${sourcesPath(folder)}`, '-oDir::Etc::sourceparts=/dev/null'];
  return [...sources, ...SIGNED_ONLY, ...WITHOUT_PREFERENCES];
}

function sourcesPath(folder: string): string {
  return join(folder, 'suite.sources');
}

function fetchLists(suite: string, address: string, options: string[], folder: string): string[] {
  const fields = { Types: 'deb', URIs: address, Suites: suite, Components: 'main', 'Signed-By': KEYRING };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\n`);
  writeFileSync(sourcesPath(folder), lines.join(''));
  // Otherwise apt-get succeeds even if it reached no server.
  runProgram('apt-get', [...options, '-oAPT::Update::Error-Mode=any', '-oAcquire::Languages=none', 'update']);
  return options;
}

/** Apt's own words for what stopped it, without its account of the way there. */
function describeFailures(suite: string, failures: readonly string[]): string {
  if (failures.length === 0)
    return `Cannot find Debian's ${suite} as /etc/apt names no source of this machine's Debian`;
  const said = failures.join('\n');
  const errors = [...said.matchAll(/^E: (?<error>.+)$/gmu)].map(({ groups }) => groups?.['error'] ?? '');
  const because = errors.length === 0 ? said : errors.join(' ');
  if (!said.includes('NO_PUBKEY')) return `Cannot fetch the list of Debian's ${suite} packages: ${because}`;
  return `Cannot trust Debian's ${suite} as ${KEYRING} lacks its key, which a newer debian-archive-keyring may have: ${because}`;
}
