// Holds bridge/openapi.json against the meta-schema of OpenAPI 3.1, which Debian does not package. What no schema can
// say is config/lint_openapi.py's.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { modules, source } from './modules.mjs';

const entry = path.join(modules, '@seriousme/openapi-schema-validator/index.js');
const { Validator } = await import(pathToFileURL(entry));
const description = JSON.parse(readFileSync(path.join(source, '../../bridge/openapi.json'), 'utf8'));
// Not its validate(): that follows references too, and stumbles over one that has members beside it.
const holds = new Validator().getAjvValidator('3.1');
const isValid = holds(description);
if (!isValid) {
  console.error(`bridge/openapi.json: ${JSON.stringify(holds.errors, null, 1)}`);
}
process.exit(isValid ? 0 : 1);
