import path from 'node:path';

/** A path inside the repository. Tests run compiled, in netcode/web/build/netcode/web/test. */
export function repo(rel: string): string {
  return path.join(import.meta.dirname, '../../../../../..', rel);
}
