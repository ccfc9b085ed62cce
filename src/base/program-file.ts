/** The folder of a bundle in which parts lie that its programs share. */
const SHARED_PARTS = /\/bundle\/shared\/[^/]+$/u;

/**
 * The file of a thread or a process of this package: beside the module that starts it when
 * compiled; when bundled, among the programs, which is one folder above the parts that they share.
 *
 * @param moduleUrl `import.meta.url` of the calling module
 */
export function programFile(name: string, moduleUrl: string): URL {
  return new URL(SHARED_PARTS.test(moduleUrl) ? `../${name}` : name, moduleUrl);
}
