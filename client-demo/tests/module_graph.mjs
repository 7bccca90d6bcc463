/** The page's own modules: which files there are, and what each imports from the start. */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const web = join(dirname(fileURLToPath(import.meta.url)), '..', 'web');
export const read = (path) => readFileSync(join(web, path), 'utf8');

/** Every .js file under web/, by its path there. */
export function files(folder = '') {
  return readdirSync(join(web, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return files(path);
    return path.endsWith('.js') ? [path] : [];
  });
}

/** The static imports of a file that are the page's own. */
export function imports(path) {
  return [...read(path).matchAll(/^(?:import|export)\b[^;]*?from '(\.[^']+)'/gms)]
    .map((match) => relative(web, resolve(join(web, dirname(path)), match[1])));
}

/** What `start` needs before it runs, itself included. */
export function reachable(start, found = new Set()) {
  if (found.has(start)) return found;
  found.add(start);
  for (const next of imports(start)) reachable(next, found);
  return found;
}
