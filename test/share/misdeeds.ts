/**
 * Everything that a peer may send over a connection, as `raw-peer.ts` does by these names, and the
 * right answer.
 */

import { existsSync } from 'node:fs';

import type { DmaBufErrorCode } from '../../src/index.ts';

export interface Misdeed {
  readonly name: string;
  readonly code: DmaBufErrorCode;
  /** What the message must say. */
  readonly says: RegExp;
  /** Why it cannot be tried here. */
  readonly skip?: string | false;
}

const NOT_A_BUFFER = /descriptor 1 of 1 was refused: .*neither a dma-buf nor a memfd/u;
const NOT_A_SYNC_FILE = /descriptor 1 of 1 was refused: .*as a sync file as it is something else/u;

const skipUnlessRoot = process.getuid?.() !== 0 && 'only root makes files in the root folder';
const skipWithoutSharedMemory = !existsSync('/dev/shm') && 'no /dev/shm here';
const skipWithoutHugePages = !existsSync('/sys/kernel/mm/hugepages/hugepages-2048kB') && 'no huge pages of 2 MiB here';

export const MISDEEDS: readonly Misdeed[] = [
  { name: 'socket', code: 'EINVAL', says: NOT_A_BUFFER },
  { name: 'pipe', code: 'EINVAL', says: NOT_A_BUFFER },
  { name: 'regular file', code: 'EINVAL', says: /descriptor 1 of 1 was refused/u },
  { name: '/dev/null', code: 'EINVAL', says: NOT_A_BUFFER },
  { name: 'directory', code: 'EINVAL', says: /descriptor 1 of 1 was refused/u },
  { name: 'path only', code: 'EBADF', says: /descriptor 1 of 1 was refused/u },
  { name: 'path of a memfd', code: 'EBADF', says: /descriptor 1 of 1 was refused/u },
  { name: 'epoll descriptor', code: 'EINVAL', says: NOT_A_BUFFER },
  {
    name: 'folder with a path longer than a page',
    code: 'EINVAL',
    says: /but a file whose path is longer than a page/u,
  },
  { name: 'folder with a path longer than a page, as dma-buf', code: 'EINVAL', says: NOT_A_BUFFER },
  { name: 'folder with a path longer than a page, as sync file', code: 'EINVAL', says: NOT_A_SYNC_FILE },
  { name: 'folder whose path has line breaks', code: 'EINVAL', says: /a\\u\{a\}b\\u\{1b\}\[2J \(deleted\)"/u },
  { name: 'folder whose path is that of a dma-buf', code: 'EINVAL', says: NOT_A_BUFFER, skip: skipUnlessRoot },
  { name: 'folder whose name is that of a sync file', code: 'EINVAL', says: NOT_A_SYNC_FILE },
  { name: 'file on a tmpfs', code: 'EINVAL', says: /could shrink it/u, skip: skipWithoutSharedMemory },
  { name: 'pidfd', code: 'EINVAL', says: NOT_A_BUFFER },
  { name: 'pidfd as sync file', code: 'EINVAL', says: NOT_A_SYNC_FILE },
  { name: 'memfd of huge pages', code: 'EINVAL', says: /the memfd has huge pages/u, skip: skipWithoutHugePages },
  { name: 'memfd of 2^53 bytes', code: 'EINVAL', says: /9007199254740992 bytes is more than the \d+/u },
  { name: 'memfd of 2^62 bytes', code: 'EINVAL', says: /46116860184273\d+ bytes is more than the \d+/u },
  { name: 'memfd of one page more than a table holds', code: 'EINVAL', says: /bytes is more than the \d+/u },
  { name: 'memfd as sync file', code: 'EINVAL', says: /as a sync file as it is something else/u },
  { name: 'memfd as dma-buf', code: 'EPROTO', says: /is a memfd of \d+ bytes: announced was a dma-buf/u },
  { name: 'memfd not sealed', code: 'EINVAL', says: /could shrink it: .* F_SEAL_SHRINK/u },
  { name: 'memfd sealed against growing only', code: 'EINVAL', says: /could shrink it/u },
  { name: 'memfd for writing only', code: 'EACCES', says: /not opened for reading and writing/u },
  { name: 'empty memfd', code: 'EINVAL', says: /it is empty/u },
  { name: 'memfd of a page and a half, announced as a page', code: 'EPROTO', says: /announced was a memfd of \d+/u },
  { name: 'memfd of part of a page, announced as a page', code: 'EPROTO', says: /of 100 bytes: announced was/u },
  { name: 'memfd cut, then sealed', code: 'EPROTO', says: /announced was a memfd of \d+/u },
  { name: 'memfd shorter than announced', code: 'EPROTO', says: /announced was a memfd of 4\d+/u },
  { name: 'length beyond any', code: 'EPROTO', says: /announced was a memfd of 9\d+/u },
  { name: 'bad one behind a good one', code: 'EINVAL', says: /descriptor 2 of 2 was refused/u },
  { name: 'more descriptors announced than sent', code: 'EPROTO', says: /1 descriptors came .* announces 2/u },
  { name: 'fewer descriptors announced than sent', code: 'EPROTO', says: /3 descriptors came .* announces 1/u },
  { name: 'descriptors not announced', code: 'EPROTO', says: /2 descriptors came .* announces 0/u },
  { name: 'as many descriptors announced as can be', code: 'EPROTO', says: /16 bytes where .* 65535 descriptors/u },
  { name: 'unknown kind', code: 'EPROTO', says: /descriptor 0 is of the unknown kind 99/u },
  { name: 'name without end', code: 'EPROTO', says: /name of its descriptor 0 is too long/u },
  { name: 'name that is no text', code: 'EPROTO', says: /name of its descriptor 0 is too long/u },
  { name: 'one byte', code: 'EPROTO', says: /has 1 bytes, less than a header's/u },
  { name: 'no byte', code: 'EPROTO', says: /has 0 bytes, less than a header's/u },
  { name: 'no byte, but descriptors', code: 'EPROTO', says: /has 0 bytes, less than a header's/u },
  { name: 'garbage', code: 'EPROTO', says: /begins with 0xa5a5a5a5/u },
  { name: 'another version', code: 'EPROTO', says: /of version 2, and version 1 is understood/u },
  { name: 'two frames announced', code: 'EPROTO', says: /announces 2 frames/u },
  { name: 'frame announced and not there', code: 'EPROTO', says: /has 20 bytes where .* 1 frames .* take 140/u },
  { name: 'frame in no descriptor', code: 'EPROTO', says: /lies in descriptor 1, which is no buffer/u },
  {
    name: 'frame in the last descriptor that can be',
    code: 'EPROTO',
    says: /descriptor 4294967295, which is no buffer/u,
  },
  { name: 'frame in a sync file', code: 'EPROTO', says: /lies in descriptor 0, which is no buffer/u },
  { name: 'frame of no plane', code: 'EPROTO', says: /its frame is none: it has 0 planes/u },
  { name: 'frame of five planes', code: 'EPROTO', says: /its frame has 5 planes/u },
  { name: 'frame of more planes than its format has', code: 'EPROTO', says: /R8 has 1 planes and it 2/u },
  { name: 'frame with a plane behind its last', code: 'EPROTO', says: /says of more than its 1 planes/u },
  { name: 'frame without width', code: 'EPROTO', says: /its frame is none: it is of 0x8 pixels/u },
  { name: 'frame without format', code: 'EPROTO', says: /its frame is none: its format is none/u },
  { name: 'frame longer than its buffer', code: 'EPROTO', says: /\d+ bytes at 0 of descriptor 0, which has \d+/u },
  { name: 'frame behind its buffer', code: 'EPROTO', says: /64 bytes at 18446744073709\d+ of descriptor 0/u },
  { name: 'frame whose end is beyond 64 bits', code: 'EPROTO', says: /bytes at 18446744073709\d+ of descriptor 0/u },
  { name: 'frame beyond 32 bits', code: 'EPROTO', says: /its plane 0 of 64 bytes at 4294967296, .* beyond 32 bits/u },
  { name: 'frame whose rows are longer than its stride', code: 'EPROTO', says: /is 7 where a row takes 8 bytes/u },
  { name: 'frame whose rows are more than its plane', code: 'EPROTO', says: /has 63 bytes where its 8 rows take 64/u },
  { name: 'frame of 2^32 rows', code: 'EPROTO', says: /its plane 0, 4294967295 rows of 8 bytes, goes beyond 32 bits/u },
  {
    name: 'frame of a tiling nobody knows, longer than its buffer',
    code: 'EPROTO',
    says: /bytes at 0 of descriptor 0, which has/u,
  },
  { name: 'message cut off', code: 'EPROTO', says: /has 20 bytes where .* take 21/u },
  { name: 'message longer than announced', code: 'EPROTO', says: /has 20 bytes where .* take 19/u },
  { name: 'message too long', code: 'EMSGSIZE', says: /65537 bytes are more than 65536/u },
  { name: 'message far too long', code: 'EMSGSIZE', says: /more than 65536 bytes/u },
];
