// Makes src/wayland/protocol/*.generated.ts of the protocols' XML, as Debian has it: the packages
// libwayland-dev, wayland-protocols and libweston-*-dev below /usr/share, and the source package of
// wlroots where `apt-get source wlroots` has unpacked it, as no other package has screencopy's:
//
//   node tools/run.mjs wayland-protocols [FOLDER …]
//
// A FOLDER is one that holds such folders, in the place of /usr/share and this one.
//
// What is made is numbers and names: opcodes, the kinds of arguments, enumerations.

import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const TARGET = 'src/wayland/protocol';
const FOLDERS = ['/usr/share', '.'];

/** The interfaces that the package speaks, by the file that describes them. */
const PROTOCOLS = {
  'wayland/wayland.xml': [
    'wl_display',
    'wl_registry',
    'wl_callback',
    'wl_compositor',
    'wl_surface',
    'wl_shm',
    'wl_shm_pool',
    'wl_buffer',
    'wl_seat',
    'wl_pointer',
    'wl_keyboard',
    'wl_output',
  ],
  'wayland-protocols/stable/xdg-shell/xdg-shell.xml': ['xdg_wm_base', 'xdg_surface', 'xdg_toplevel'],
  'wayland-protocols/stable/linux-dmabuf/linux-dmabuf-v1.xml': [
    'zwp_linux_dmabuf_v1',
    'zwp_linux_buffer_params_v1',
    'zwp_linux_dmabuf_feedback_v1',
  ],
  'libweston-*/protocols/weston-output-capture.xml': ['weston_capture_v1', 'weston_capture_source_v1'],
  'wlroots-*/protocol/wlr-screencopy-unstable-v1.xml': ['zwlr_screencopy_manager_v1', 'zwlr_screencopy_frame_v1'],
};

export function makeProtocols(root, given = []) {
  const folders = given.length === 0 ? FOLDERS : given;
  for (const [pattern, names] of Object.entries(PROTOCOLS)) {
    const path = findFile(folders, pattern);
    const interfaces = parseInterfaces(readFileSync(path, 'utf8')).filter(({ name }) => names.includes(name));
    const file = path.split('/').at(-1).replace('.xml', '');
    writeFileSync(join(root, TARGET, `${file}.generated.ts`), formatModule(file, interfaces));
  }
}

function findFile(folders, pattern) {
  const [folder, ...rest] = pattern.split('/');
  const matching = new RegExp(`^${folder.replace('*', '.*')}$`, 'u');
  for (const share of folders)
    for (const name of readdirSync(share)) {
      const path = join(share, name, ...rest);
      if (matching.test(name) && existsSync(path)) return path;
    }
  throw new Error(`There is no ${pattern} below ${folders.join(', ')}: get the package that has it`);
}

/** Elements one after the other: the protocols' files have no text that matters. */
function parseInterfaces(xml) {
  const plain = xml.replace(/<!--.*?-->/gsu, '').replace(/<description.*?<\/description>/gsu, '');
  const interfaces = [];
  let member;
  for (const [, tag, words] of plain.matchAll(/<(interface|request|event|enum|entry|arg)\b([^>]*)>/gu)) {
    const fields = Object.fromEntries(
      [...words.matchAll(/([\w-]+)="([^"]*)"/gu)].map(([, name, value]) => [name, value]),
    );
    const own = interfaces.at(-1);
    if (tag === 'interface') interfaces.push({ ...fields, request: [], event: [], enum: [] });
    else if (tag === 'arg') member.args.push(fields);
    else if (tag === 'entry') member.entries.push(fields);
    else own[tag].push((member = { ...fields, args: [], entries: [] }));
  }
  return interfaces;
}

function formatModule(file, interfaces) {
  const head = `// Made of ${file}.xml by tools/wayland-protocols.mjs. Do not edit.\n\n`;
  return `${head}${interfaces.map(formatInterface).join('\n')}`;
}

function formatInterface({ name, version, request, event, enum: enums }) {
  const lines = [
    `export const ${name} = {`,
    `  name: '${name}',`,
    `  version: ${version},`,
    '  requests: {',
    ...request.map((one, opcode) => `    ${formatMember(one, opcode)}`),
    '  },',
    '  events: {',
    ...event.map((one, opcode) => `    ${formatMember(one, opcode)}`),
    '  },',
    '  enums: {',
    ...enums.map((one) => `    ${formatEnum(one)}`),
    '  },',
    '} as const;',
    '',
  ];
  return lines.join('\n');
}

function formatMember({ name, type, since = '1', args }, opcode) {
  const kinds = args.map((arg) => `'${kindOf(arg)}'`).join(', ');
  const destructor = type === 'destructor' ? ', isDestructor: true' : '';
  return `${name}: { opcode: ${opcode}, since: ${since}${destructor}, args: [${kinds}] },`;
}

/** `new_id:wl_buffer`, `object?`; a new object of any kind is bound by name. */
function kindOf({ type, interface: own, 'allow-null': allowNull }) {
  if (type === 'new_id') return own === undefined ? 'new_id' : `new_id:${own}`;
  return allowNull === 'true' ? `${type}?` : type;
}

function formatEnum({ name, entries }) {
  const values = entries.map((entry) => `${/^\d/u.test(entry.name) ? `'${entry.name}'` : entry.name}: ${entry.value}`);
  return `${name}: { ${values.join(', ')} },`;
}
