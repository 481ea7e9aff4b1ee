// Runs one file of browser tests, or says what is missing and skips (77).
// usage: run.mjs FILE
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const [file] = process.argv.slice(2);
const here = path.dirname(fileURLToPath(import.meta.url));

function missing() {
  const chromium = process.env.PIPEBRIDGE_CHROMIUM ?? '/usr/bin/chromium';
  if (!existsSync(chromium)) return `no Chromium at ${chromium} (package chromium)`;
  if (!existsSync(process.env.PIPEBRIDGE_NODE_MODULES ?? ''))
    return 'the packages of the dashboard are not installed';
  if (!/^(background|bridge|raw)/.test(file)) return null;
  if (!existsSync(process.env.PIPEBRIDGE_PROGRAM ?? '')) return 'the program is not built';
  const socat = spawnSync('socat', ['-V'], { stdio: 'ignore' });
  return socat.error === undefined ? null : 'no socat';
}

const reason = missing();
if (reason !== null) {
  console.log(`skipped: ${reason}`);
  process.exit(77);
}
const { status } = spawnSync(process.execPath, ['--test', path.join(here, file)], { stdio: 'inherit' });
process.exit(status ?? 1);
