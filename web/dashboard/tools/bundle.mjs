// How TypeScript becomes JavaScript here: one place for the page and for the tests.
import path from 'node:path';
import { modules, requireInstalled, source } from './modules.mjs';

export const esbuild = requireInstalled('esbuild');

export const common = {
  absWorkingDir: source,
  nodePaths: [modules],
  bundle: true,
  format: 'esm',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  charset: 'utf8',
  logLevel: 'warning',
};

/** The page's script and style. */
export async function bundlePage() {
  const result = await esbuild.build({
    ...common,
    entryPoints: [path.join(source, 'src/main.tsx')],
    outdir: path.join(source, 'unwritten'),
    write: false,
    minify: true,
    target: ['chrome109', 'firefox115', 'safari16'],
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'none',
    metafile: true,
  });
  const text = (extension) => {
    const file = result.outputFiles.find((each) => each.path.endsWith(extension));
    if (file === undefined) throw new Error(`esbuild made no ${extension}`);
    return Buffer.from(file.contents);
  };
  const inputs = Object.keys(result.metafile.inputs).map((input) => path.resolve(source, input));
  return { script: text('.js'), style: text('.css'), inputs };
}
