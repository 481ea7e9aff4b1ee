// Builds the page into one C file.
// usage: build.mjs OUT.c [DEPFILE]
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { makePage } from './page.mjs';

/** The same bytes from the same content, on every system. */
function gzip(data) {
  const packed = gzipSync(data, { level: 9 });
  packed[9] = 255; // "unknown" where zlib names the operating system
  return packed;
}

function cArray(name, data) {
  const lines = [];
  for (let start = 0; start < data.length; start += 24) {
    lines.push(`  ${[...data.subarray(start, start + 24)].join(',')},`);
  }
  return `static const uint8_t ${name}[] = {\n${lines.join('\n')}\n};\n`;
}

const cString = (text) => JSON.stringify(text);

function cFile(assets) {
  const arrays = assets.map((asset, index) => cArray(`asset_${index}`, asset.packed));
  const entries = assets.map(
    (asset, index) =>
      `  {${cString(asset.path)}, ${cString(asset.type)}, ${cString(asset.etag)},\n` +
      `   asset_${index}, sizeof asset_${index}, ${asset.isImmutable}},`,
  );
  return [
    '/* Made by web/dashboard/tools/build.mjs from the sources of the dashboard. Constant data; any thread. */',
    '#include "web/dashboard.h"\n',
    ...arrays,
    `const web_asset web_dashboard_assets[] = {\n${entries.join('\n')}\n};`,
    'const size_t web_dashboard_asset_count =',
    '  sizeof web_dashboard_assets / sizeof web_dashboard_assets[0];\n',
  ].join('\n');
}

const [out, depfile] = process.argv.slice(2);
if (out === undefined) {
  console.error('usage: build.mjs OUT.c [DEPFILE]');
  process.exit(2);
}
const { assets, inputs } = await makePage();
const packed = assets.map((asset) => ({ ...asset, packed: gzip(asset.data) }));
mkdirSync(path.dirname(out), { recursive: true });
writeFileSync(out, cFile(packed));
if (depfile !== undefined) {
  const escaped = (file) => file.replaceAll(' ', '\\ ');
  writeFileSync(depfile, `${escaped(path.resolve(out))}: ${inputs.map(escaped).join(' \\\n  ')}\n`);
}
const total = packed.reduce((sum, asset) => sum + asset.packed.length, 0);
console.log(`dashboard: ${(total / 1024).toFixed(1)} KiB compressed in ${packed.length} files`);
