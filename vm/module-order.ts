/** The dependencies of kernel modules: the text of `modules.dep`, which `depmod` writes. */

/** A module's file and the files of its dependencies, as `modules.dep` spells them. */
export interface ModuleEntry {
  readonly path: string;
  readonly needs: readonly string[];
}

/** By the module's name, spelled with underscores as the kernel does. */
export function parseModules(text: string): Map<string, ModuleEntry> {
  const entries = new Map<string, ModuleEntry>();
  for (const line of text.split('\n')) {
    const [path = '', needs = ''] = line.split(':');
    if (path !== '') entries.set(moduleName(path), { path, needs: needs.split(' ').filter(Boolean) });
  }
  return entries;
}

/**
 * The files of the modules `names` and of all their dependencies, each after its own dependencies.
 * Names without a module are left out.
 */
export function loadOrder(entries: ReadonlyMap<string, ModuleEntry>, names: readonly string[]): string[] {
  const ordered = new Set<string>();
  for (const name of names) {
    const entry = entries.get(moduleName(name));
    if (entry === undefined) continue;
    // depmod lists direct and indirect dependencies. The module to load first comes last.
    for (const path of entry.needs.toReversed()) ordered.add(path);
    ordered.add(entry.path);
  }
  return [...ordered];
}

/** `kernel/drivers/gpu/drm/virtio/virtio-gpu.ko.xz` is the module `virtio_gpu`. */
function moduleName(path: string): string {
  const file = path.slice(path.lastIndexOf('/') + 1);
  return (file.split('.')[0] ?? '').replaceAll('-', '_');
}
