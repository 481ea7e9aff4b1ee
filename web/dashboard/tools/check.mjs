// Types, lint and format of the dashboard, and the form of the API's description. With --fix: mends what can be.
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { modules, source } from './modules.mjs';

const isFixing = process.argv.includes('--fix');

function run(tool, cwd, ...args) {
  const { status } = spawnSync(process.execPath, [path.resolve(modules, tool), ...args], {
    cwd,
    stdio: 'inherit',
  });
  return status === 0;
}

/** The packages need not stand beside the sources: TypeScript is told where they are. */
function writeConfiguration() {
  const file = path.join(modules, '..', `tsconfig.${process.pid}.json`);
  const compilerOptions = {
    paths: { '*': [path.join(modules, '*')], 'node:*': [path.join(modules, '@types/node/*')] },
    typeRoots: [path.join(modules, '@types')],
  };
  const include = ['src', 'test'].map((folder) => path.join(source, folder));
  writeFileSync(
    file,
    JSON.stringify({ extends: path.join(source, 'tsconfig.json'), compilerOptions, include }),
  );
  return file;
}

const configuration = writeConfiguration();
const areTypesGood = run('typescript/bin/tsc', source, '--project', configuration);
rmSync(configuration);

/** Each folder on its own: Biome wants one configuration above all that it looks at. */
function biome(folder) {
  const action = isFixing ? ['check', '--write'] : ['ci'];
  const options = ['--colors=off', '--error-on-warnings', '--config-path', source];
  return run('@biomejs/biome/bin/biome', folder, ...action, ...options, folder);
}

const isDescribed = run(path.join(source, 'tools/openapi.mjs'), source);
const areClean = [source, path.join(source, '../../tests/browser')].map(biome);
process.exit(areTypesGood && isDescribed && areClean.every(Boolean) ? 0 : 1);
