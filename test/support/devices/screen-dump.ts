import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

/** Where the guest asks for what its screens show (vm/screen-dumps.ts). */
const PORT = '/dev/virtio-ports/screens';
const NEWLINE = 10;
const PIECE_BYTES = 1 << 20;

/** What a screen shows, 3 bytes a pixel: red, green, blue. */
export interface ScreenDump {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** Why screens cannot be dumped here; false where they can. For the `skip` of a test. */
export const missingScreenDumps: string | false = existsSync(PORT)
  ? false
  : `there is no ${PORT}: npm run vm boots a machine that has it`;

/** @param id of the emulator's device: `cirrus` for `-device cirrus-vga,id=cirrus` */
export async function dumpScreen(id: string): Promise<ScreenDump> {
  const port = await open(PORT, 'r+');
  try {
    await port.write(`${id}\n`);
    const { head, rest } = await readHead(port);
    if (!/^\d+$/u.test(head)) throw new Error(`The screen ${id} cannot be dumped: ${head}`);
    const file = Buffer.alloc(Number(head));
    rest.copy(file);
    for (let end = rest.length; end < file.length;)
      end += (await port.read(file, end, Math.min(PIECE_BYTES, file.length - end), null)).bytesRead;
    return parsePpm(file);
  } finally {
    await port.close();
  }
}

async function readHead(port: FileHandle): Promise<{ head: string; rest: Buffer }> {
  let bytes = Buffer.alloc(0);
  while (!bytes.includes(NEWLINE)) {
    const piece = Buffer.alloc(PIECE_BYTES);
    const { bytesRead } = await port.read(piece, 0, piece.length, null);
    bytes = Buffer.concat([bytes, piece.subarray(0, bytesRead)]);
  }
  const end = bytes.indexOf(NEWLINE);
  return { head: bytes.toString('utf8', 0, end), rest: bytes.subarray(end + 1) };
}

/** A binary PPM file, as qemu writes it: `P6`, width, height, 255, pixels. */
function parsePpm(file: Buffer): ScreenDump {
  const head = /^P6\s(?<width>\d+) (?<height>\d+)\s255\s/u.exec(file.toString('latin1', 0, 64));
  if (head === null) throw new Error('This is no PPM file of 8 bits');
  const { width = '', height = '' } = head.groups ?? {};
  return { width: Number(width), height: Number(height), pixels: file.subarray(head[0].length) };
}
