// Bundles test/*.test.ts and runs them with Node's own runner.
// usage: test.mjs [WORK_FOLDER]
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { common, esbuild } from './bundle.mjs';
import { modules, source } from './modules.mjs';

const work = path.resolve(process.argv[2] ?? path.join(modules, '../unit-tests'));
rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });
const tests = readdirSync(path.join(source, 'test')).filter((name) => name.endsWith('.test.ts'));
await esbuild.build({
  ...common,
  entryPoints: tests.map((name) => path.join(source, 'test', name)),
  outdir: work,
  outExtension: { '.js': '.mjs' },
  platform: 'node',
  target: 'node18',
  sourcemap: 'inline',
  define: { SOURCE: JSON.stringify(source) },
});
const files = tests.map((name) => path.join(work, name.replace(/\.ts$/, '.mjs')));
const { status } = spawnSync(process.execPath, ['--enable-source-maps', '--test', ...files], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
