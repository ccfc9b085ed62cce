/**
 * A program: another process, which gets a buffer's descriptor as number 3, maps the buffer itself
 * and reports what it sees. Stdin: the pages to check, as machine words of four bytes. Argument:
 * the page size in bytes. Stdout: how many of them have the stamps that were written through the
 * first process's view. It then writes a stamp of its own into each.
 */

import { readFileSync, writeSync } from 'node:fs';

import { importBuffer } from '../backend/fd-buffer/import-buffer.ts';
import { countStamps, writeStamps } from './stamps.ts';

const [STDIN, STDOUT] = [0, 1];
/** The number under which {@link startStampingProcess} passes it on. */
const BUFFER_FD = 3;

const pageSize = Number(process.argv[2]);
const { buffer: words, byteOffset, length } = readFileSync(STDIN);
// A copy begins on a word boundary.
const pages = new Uint32Array(words.slice(byteOffset, byteOffset + length));
using buffer = importBuffer(BUFFER_FD);
using view = buffer.vmap();
const found = countStamps(view, { pages, pageSize, way: 'through the view' });
writeStamps(view, { pages, pageSize, way: 'past the view' });
writeSync(STDOUT, String(found));
