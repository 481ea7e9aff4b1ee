// The design asks for 4.5 : 1 between text and what is behind it, in both themes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

declare const SOURCE: string;
const css = readFileSync(path.join(SOURCE, 'src/style/tokens.css'), 'utf8');

function tokens(start: string): Map<string, string> {
  const from = css.indexOf(start);
  assert.notEqual(from, -1, start);
  const block = css.slice(css.indexOf('{', from), css.indexOf('}', from));
  return new Map(
    [...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [
      name ?? '',
      value ?? '',
    ]),
  );
}

function luminance(colour: string): number {
  const channels = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const [red = 0, green = 0, blue = 0] = channels;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const onRows = ['bg', 'surface', 'row-hover', 'row-selected'];
const pairs: [string, string[]][] = [
  ['text', [...onRows, 'sunken', 'accent-soft', 'mark']],
  ['text-2', [...onRows, 'sunken']],
  ['text-3', ['bg', 'surface', 'row-hover', 'sunken']],
  ['accent', ['surface', 'bg', 'accent-soft']],
  ['on-accent', ['accent']],
  ['on-bad', ['bad']],
  ['c2s', onRows],
  ['s2c', onRows],
  ['inject', onRows],
  ['warn', ['surface', 'bg', 'warn-soft']],
  ['bad', [...onRows, 'bad-soft']],
  ['json-key', ['surface']],
  ['json-string', ['surface']],
  ['json-number', ['surface']],
  ['json-word', ['surface']],
];

for (const [theme, start] of [
  ['light', ':root {'],
  ['dark', ':root[data-theme="dark"]'],
] as const) {
  test(`tokens_of_the_${theme}_theme_are_readable`, () => {
    const values = tokens(start);
    for (const [text, grounds] of pairs) {
      for (const ground of grounds) {
        const ratio = contrast(values.get(text) ?? '', values.get(ground) ?? '');
        assert.ok(ratio >= 4.5, `${theme}: ${text} on ${ground} is ${ratio.toFixed(2)} : 1`);
      }
    }
  });
}

test('tokens_dark_by_the_system_are_those_dark_by_choice', () => {
  assert.deepEqual(tokens(':root:not([data-theme="light"])'), tokens(':root[data-theme="dark"]'));
});
