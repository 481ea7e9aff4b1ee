// Types, lint and format of the dashboard. With --fix: mends what can be mended.
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { modules, source } from './modules.mjs';

const isFixing = process.argv.includes('--fix');

function run(tool, ...args) {
  const { status } = spawnSync(process.execPath, [path.join(modules, tool), ...args], {
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
const areTypesGood = run('typescript/bin/tsc', '--project', configuration);
rmSync(configuration);
const biome = [
  '@biomejs/biome/bin/biome',
  isFixing ? 'check' : 'ci',
  '--colors=off',
  '--error-on-warnings',
  '--config-path',
  source,
];
const others = [path.join(source, '../../tests/browser')];
const isLintGood = run(...biome, ...(isFixing ? ['--write'] : []), source, ...others);
process.exit(areTypesGood && isLintGood ? 0 : 1);
