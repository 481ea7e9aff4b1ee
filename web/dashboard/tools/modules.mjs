// Where the installed packages are: in the build folder (the CMake build says where), or here after `npm ci`.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const source = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

function findModules() {
  const candidates = [
    process.env.PIPEBRIDGE_NODE_MODULES,
    path.join(source, 'node_modules'),
    path.join(source, '../../build/dashboard/node_modules'),
  ];
  const found = candidates.find((candidate) => candidate && existsSync(candidate));
  if (found === undefined) {
    throw new Error(
      `no node_modules: build the CMake target dashboard_packages, or run "npm ci" in ${source}`,
    );
  }
  return path.resolve(found);
}

export const modules = findModules();
export const requireInstalled = createRequire(path.join(modules, 'here.js'));
