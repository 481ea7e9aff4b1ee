// The files that the service serves, in memory: names with a hash of the content, so that a browser may keep
// them for ever; only the document itself is asked for again.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { bundlePage } from './bundle.mjs';
import { source } from './modules.mjs';

const hash = (data) => createHash('sha256').update(data).digest('hex').slice(0, 16);

export async function makePage() {
  const { script, style, inputs } = await bundlePage();
  const files = ['src/index.html', 'src/icon.svg'].map((file) => path.join(source, file));
  const [document, icon] = files.map((file) => readFileSync(file, 'utf8'));
  const immutable = (name, extension, type, data) => ({
    path: `/${name}.${hash(data)}.${extension}`,
    type,
    data: Buffer.from(data),
    isImmutable: true,
  });
  const assets = {
    SCRIPT: immutable('app', 'js', 'text/javascript; charset=utf-8', script),
    STYLE: immutable('app', 'css', 'text/css; charset=utf-8', style),
    ICON: immutable('icon', 'svg', 'image/svg+xml', icon),
  };
  const html = document.replace(/%([A-Z]+)%/g, (_, key) => assets[key].path).replace(/\n\s*/g, '\n');
  const index = {
    path: '/',
    type: 'text/html; charset=utf-8',
    data: Buffer.from(html),
    isImmutable: false,
  };
  const all = [index, ...Object.values(assets)].map((asset) => ({
    ...asset,
    etag: `"${hash(asset.data)}"`,
  }));
  return { assets: all, inputs: [...inputs, ...files] };
}
