/** Another Debian is taken from where this machine's comes from, and only if Debian signed it. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { debianRoot } from '../../vm/debian-root.ts';
import { archiveAddresses } from '../../vm/debian-suite.ts';
import { emptyCache } from '../support/fakes/empty-cache.ts';
import { temporaryFolder } from '../support/runner/temporary-folder.ts';

const WANTED = { suite: 'trixie', packages: ['hello'] };
const codename = /^VERSION_CODENAME=(?<name>\w+)$/mu.exec(readOsRelease())?.groups?.['name'];
const skip =
  codename !== undefined && existsSync('/usr/share/keyrings/debian-archive-keyring.gpg')
    ? false
    : "this machine has no apt with Debian's keys";

function readOsRelease(): string {
  return existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
}

/** From now on apt-get believes that this machine's Debian comes from the folder. */
function takeDebianFrom(t: TestContext, folder: string, configuration = ''): void {
  const own = temporaryFolder(t);
  writeFileSync(join(own, 'archive.list'), `deb file:${folder} ${codename} main\n`);
  const lines = [`Dir::Etc::sourcelist "${own}/archive.list";`, 'Dir::Etc::sourceparts "/dev/null";', configuration];
  writeFileSync(join(own, 'apt.conf'), lines.join('\n'));
  const before = process.env['APT_CONFIG'];
  process.env['APT_CONFIG'] = join(own, 'apt.conf');
  t.after(() => {
    if (before === undefined) delete process.env['APT_CONFIG'];
    else process.env['APT_CONFIG'] = before;
  });
}

test("archiveAddresses() are those of the machine's own suite, each once", () => {
  const uris = [
    "'http://deb.example/debian/dists/bookworm/InRelease' deb.example_InRelease 0 ",
    "'http://deb.example/debian/dists/bookworm-updates/InRelease' deb.example_updates_InRelease 0 ",
    "'http://deb.example/debian-security/dists/bookworm-security/InRelease' deb.example_security_InRelease 0 ",
    "'http://other.example/dists/bookworm/InRelease' other.example_InRelease 0 ",
    "'http://other.example/node/dists/nodistro/InRelease' other.example_node_InRelease 0 ",
    "'http://deb.example/debian/dists/bookworm/InRelease' deb.example_InRelease 0 ",
    "'http://deb.example/debian/dists/bookworm/main/binary-amd64/Packages.xz' deb.example_Packages 0 ",
  ].join('\n');
  assert.deepEqual(archiveAddresses(uris, 'bookworm'), ['http://deb.example/debian', 'http://other.example']);
  assert.deepEqual(archiveAddresses(uris, 'forky'), []);
  assert.deepEqual(archiveAddresses(uris, undefined), []);
});

test('debianRoot() refuses an archive that nobody signed, whatever the machine allows', { skip }, (t) => {
  const archive = temporaryFolder(t);
  const packages = join(archive, 'dists/trixie/main/binary-amd64');
  mkdirSync(packages, { recursive: true });
  writeFileSync(join(packages, 'Packages'), '');
  writeFileSync(join(archive, 'dists/trixie/Release'), 'Suite: trixie\nCodename: trixie\nComponents: main\n');
  takeDebianFrom(t, archive, 'Acquire::AllowInsecureRepositories "true";\nAPT::Get::AllowUnauthenticated "true";');
  const cache = emptyCache(t);
  assert.throws(() => debianRoot(WANTED), { name: 'GuestError', message: /The repository .+ is not signed/u });
  assert.deepEqual(readdirSync(cache), [], 'a half root is left');
});

test('debianRoot() says in one line that it reaches no archive, and leaves nothing', { skip }, (t) => {
  takeDebianFrom(t, join(temporaryFolder(t), 'gone'));
  const cache = emptyCache(t);
  assert.throws(() => debianRoot(WANTED), {
    name: 'GuestError',
    message: /^Cannot fetch the list of Debian's trixie packages: .+$/u,
  });
  assert.deepEqual(readdirSync(cache), []);
});
